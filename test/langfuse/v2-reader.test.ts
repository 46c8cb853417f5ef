import { describe, expect, it } from 'vitest';
import { minuteMs } from '../../src/shared/time.ts';
import {
  anInterval,
  dayStartMs,
  deduplicate,
  idsOf,
  manyRows,
  readAll,
  sampleObservation,
  sampleTrace,
  sampleTraffic,
  startProject,
} from './project.ts';

const v2Path = '/api/public/v2/observations';
const tenMinutes = anInterval(dayStartMs, dayStartMs + 10 * minuteMs);

describe('paging by cursor', () => {
  it('repeats every parameter with each cursor and never sends a page number', async () => {
    await using project = await startProject(
      { traffic: sampleTraffic(manyRows(25)) },
      { concurrency: 1, pageSize: 4 },
    );
    const source = await project.open({ environments: ['default'] });
    project.server.clearRequests();
    const { observations } = await readAll(source);
    expect(deduplicate(observations).size).toBe(25);
    const pages = project.server.requests.filter((request) => request.path === v2Path);
    expect(pages.filter((request) => request.query.has('cursor')).length).toBeGreaterThan(5);
    for (const { query } of pages) {
      expect(query.get('fields')).toBe(
        'core,basic,time,usage,model,prompt,metrics,trace_context,metadata',
      );
      expect(query.get('expandMetadata')).toMatch(
        /^hidden_params,usage_object,requester_metadata,requester_custom_headers,attributes,resourceAttributes,scope,/,
      );
      expect(query.get('limit')).toBe('4');
      expect(query.getAll('environment')).toEqual(['default']);
      expect(query.get('fromStartTime')).toMatch(/^2026-11-20T/);
      expect(query.get('toStartTime')).toMatch(/^2026-11-2[01]T/);
      expect(query.has('page')).toBe(false);
      expect(query.has('parseIoAsJson')).toBe(false);
    }
  });

  it('goes on over empty pages that carry a cursor', async () => {
    await using project = await startProject({
      traffic: sampleTraffic(manyRows(12)),
      faults: [
        {
          kind: 'empty_page',
          path: v2Path,
          when: (request) => request.query.get('limit') !== '1',
          times: 5,
        },
      ],
    });
    const { observations } = await readAll(await project.open({ pageSize: 5 }));
    expect(deduplicate(observations).size).toBe(12);
  });

  it('a cursor that comes back is an error, not an endless loop', async () => {
    await using project = await startProject(
      {
        traffic: sampleTraffic(manyRows(12)),
        faults: [{ kind: 'repeated_cursor', path: v2Path, when: (r) => r.query.has('cursor') }],
      },
      { pageSize: 5 },
    );
    const source = await project.open();
    await expect(readAll(source)).rejects.toMatchObject({
      code: 'LANGFUSE_UNEXPECTED',
      message: expect.stringMatching(/same cursor twice/) as string,
    });
  });

  it('takes a page with more rows than the limit', async () => {
    await using project = await startProject({
      traffic: sampleTraffic({ traces: [], observations: [sampleObservation()] }),
    });
    const source = await project.open({ pageSize: 1 });
    project.server.setFaults([
      {
        kind: 'malformed_row',
        row: wireRow({ id: 'extra', traceId: 'trace-2' }),
        path: v2Path,
        when: (r) => r.query.get('limit') === '1',
        times: 1,
      },
    ]);
    expect(idsOf((await readAll(source, oneMinute)).observations)).toEqual([
      'extra',
      'observation-1',
    ]);
  });

  it('puts rows on the edges of slices and windows into exactly one of them', async () => {
    const edges = [0, 1, 59_999, 60_000, 60_001, 10 * minuteMs - 1, 10 * minuteMs];
    await using project = await startProject({
      traffic: sampleTraffic({
        traces: [],
        observations: edges.map((offset) =>
          sampleObservation({ id: `at-${offset}`, startMs: dayStartMs + offset }),
        ),
      }),
      mode: 'events_only',
    });
    const { observations } = await readAll(await project.open({ concurrency: 3 }), tenMinutes);
    expect(observations.map((row) => row.id).sort()).toEqual(
      edges
        .slice(0, -1)
        .map((offset) => `at-${offset}`)
        .sort(),
    );
  });
});

/** One slice: a slice is at least a minute. */
const oneMinute = anInterval(dayStartMs + 10 * minuteMs, dayStartMs + 11 * minuteMs);

/** A row as the wire has it, for a fault that inserts one. */
function wireRow(fields: Record<string, unknown>): Record<string, unknown> {
  return {
    id: 'row-1',
    traceId: 'trace-1',
    startTime: '2026-11-20T00:10:30.000Z',
    endTime: null,
    projectId: 'project-1',
    parentObservationId: null,
    type: 'GENERATION',
    ...fields,
  };
}

describe('what a row means', () => {
  it.each(['model', 'providedModelName'] as const)(
    'reads the model from %s',
    async (v2ModelKey) => {
      await using project = await startProject({ v2ModelKey });
      const { observations } = await readAll(await project.open());
      expect(observations.find((row) => row.type === 'GENERATION')?.model).toBe('openai/gpt-4o');
    },
  );

  it('"" is missing, never a value', async () => {
    await using project = await startProject({
      mode: 'events_only',
      traffic: sampleTraffic({
        traces: [
          sampleTrace({ userId: null, sessionId: null, release: null, name: null, tags: [] }),
        ],
        observations: [
          sampleObservation({
            name: null,
            model: null,
            statusMessage: null,
            version: null,
            promptName: null,
          }),
        ],
      }),
    });
    const { observations } = await readAll(await project.open());
    expect(observations[0]).toMatchObject({
      name: null,
      model: null,
      statusMessage: null,
      version: null,
      promptName: null,
      userId: null,
      sessionId: null,
      release: null,
      traceName: null,
      parentObservationId: null,
    });
  });

  it('a total cost of 0 beside empty details is unknown, not free', async () => {
    await using project = await startProject({
      traffic: sampleTraffic({
        observations: [sampleObservation({ costDetails: {}, usageDetails: {} })],
      }),
    });
    const { observations } = await readAll(await project.open());
    const row = observations.find((one) => one.id === 'observation-1');
    expect(row).toMatchObject({ costDetails: {}, usageDetails: {}, calculatedTotalCostUsd: null });
  });

  it('takes rows with prices as strings, and numbers written as strings', async () => {
    await using project = await startProject({
      traffic: sampleTraffic({ traces: [], observations: [] }),
    });
    const source = await project.open();
    project.server.setFaults([
      {
        kind: 'malformed_row',
        path: v2Path,
        row: wireRow({
          inputPrice: '0.0000025',
          costDetails: { total: '0.00125' },
          usageDetails: { total: '12', odd: null },
          promptVersion: '3',
        }),
      },
    ]);
    const { observations } = await readAll(source, oneMinute);
    expect(observations[0]).toMatchObject({
      costDetails: { total: 0.00125 },
      usageDetails: { total: 12 },
      promptVersion: 3,
    });
  });

  it('long metadata of LiteLLM arrives whole, other long values are cut by the server', async () => {
    const usageObject = { prompt_tokens: 10, note: 'x'.repeat(300) };
    await using project = await startProject({
      traffic: sampleTraffic({
        observations: [
          sampleObservation({
            metadata: {
              hidden_params: JSON.stringify({ usage_object: usageObject }),
              usage_object: usageObject,
              unknown_key: 'y'.repeat(300),
              user_api_key_alias: 'ci-bot',
              cache_hit: 'true',
              count: '12',
            },
          }),
        ],
      }),
    });
    const { observations } = await readAll(await project.open());
    const metadata: Readonly<Record<string, unknown>> =
      observations.find((row) => row.id === 'observation-1')?.metadata ?? {};
    expect(metadata['hidden_params']).toEqual({ usage_object: usageObject });
    expect(metadata['usage_object']).toEqual(usageObject);
    expect(metadata['unknown_key']).toHaveLength(200);
    expect(metadata).toMatchObject({
      user_api_key_alias: 'ci-bot',
      cache_hit: 'true',
      count: '12',
    });
  });

  it('duplicates over pages come through with their update times, so that the newest wins', async () => {
    await using project = await startProject(
      { traffic: sampleTraffic(manyRows(60)), duplicateShare: 1 },
      { pageSize: 7 },
    );
    const { observations } = await readAll(await project.open());
    const real = observations.filter((row) => row.type === 'GENERATION');
    expect(real.length).toBeGreaterThan(60);
    const newest = deduplicate(observations);
    expect(newest.size).toBe(60);
    for (const row of newest.values()) expect(row.costDetails).toEqual({ total: 0.001 });
  });

  it('a row that is no observation is reported with what arrived, and its page is kept', async () => {
    await using project = await startProject();
    const source = await project.open();
    const bulky = wireRow({
      id: 'bad-1',
      usageDetails: { input: 'many' },
      statusMessage: 'é'.repeat(120_000),
    });
    project.server.setFaults([
      { kind: 'malformed_row', path: v2Path, row: bulky, times: 1 },
      { kind: 'malformed_row', path: v2Path, row: 'not even an object', times: 1 },
    ]);
    const { observations, unreadable } = await readAll(source);
    expect(idsOf(observations)).toEqual(['observation-1', 't-trace-1']);
    const bad = unreadable.find((row) => row.id === 'bad-1');
    expect(bad).toMatchObject({
      traceId: 'trace-1',
      startMs: Date.parse('2026-11-20T00:10:30.000Z'),
    });
    expect(bad?.reason).toMatch(/usageDetails\.input/);
    expect(Buffer.byteLength(bad?.raw ?? '')).toBeLessThanOrEqual(128 * 1024);
    expect(bad?.raw).toMatch(/é$/);
    expect(unreadable.find((row) => row.id === null)?.raw).toBe('"not even an object"');
  });
});

describe('attributes of traces', () => {
  it('come from the synthetic root, which is delivered as a row too', async () => {
    await using project = await startProject({
      traffic: sampleTraffic({ traces: [sampleTrace({ metadata: { team: 'compilers' } })] }),
    });
    const { traces, observations } = await readAll(await project.open());
    expect(idsOf(observations)).toEqual(['observation-1', 't-trace-1']);
    expect(traces[0]).toMatchObject({
      traceId: 'trace-1',
      name: 'litellm-acompletion',
      userId: 'user-1',
      sessionId: 'session-1',
      tags: ['User-Agent: Cline'],
      metadata: { team: 'compilers' },
    });
    expect(traces[0]?.updatedMs).not.toBeNull();
  });

  it('come from the real root where children carry none, whatever page it is on', async () => {
    await using project = await startProject(
      {
        mode: 'events_only',
        traffic: sampleTraffic({
          traces: [sampleTrace({ writer: 'otel_direct' })],
          observations: [
            sampleObservation({
              id: 'root',
              type: 'SPAN',
              startMs: dayStartMs,
              writer: 'otel_direct',
            }),
            sampleObservation({
              id: 'child',
              parentObservationId: 'root',
              startMs: dayStartMs + 5000,
              updatedMs: dayStartMs + 900_000,
              writer: 'otel_direct',
            }),
          ],
        }),
      },
      { pageSize: 1 },
    );
    const { traces } = await readAll(await project.open());
    const best = traces.toSorted((a, b) => (b.updatedMs ?? -1) - (a.updatedMs ?? -1))[0];
    expect(best).toMatchObject({ sessionId: 'session-1', userId: 'user-1' });
    expect(traces.find((trace) => trace.sessionId === null)?.updatedMs).toBeNull();
  });
});
