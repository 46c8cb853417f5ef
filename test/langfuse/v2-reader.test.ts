import { describe, expect, it } from 'vitest';
import { minuteMs } from '../../src/shared/time.ts';
import {
  anInterval,
  day,
  dayStartMs,
  deduplicate,
  idsOf,
  manyRows,
  readAll,
  readAllContent,
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
      statusMessage: 'é'.repeat(60_000),
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
    expect(Buffer.byteLength(bad?.raw ?? '')).toBeLessThanOrEqual(64 * 1024);
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

describe('too much for one answer', () => {
  it('halves the page, then the slice, and still reads every row', async () => {
    await using project = await startProject(
      {
        traffic: sampleTraffic(manyRows(200, { stepMs: 1000 })),
        faults: [{ kind: 'too_large', path: v2Path, maxRows: 10, maxSpanMs: 40_000 }],
      },
      { pageSize: 100, concurrency: 1 },
    );
    const { observations, unreadable } = await readAll(await project.open(), tenMinutes);
    expect(deduplicate(observations).size).toBe(200);
    expect(unreadable).toEqual([]);
    expect(project.notices.some((notice) => notice.kind === 'shrinking')).toBe(true);
    expect(project.clock.sleptMs).toEqual([]);
  });

  it.each([422, 524, 500] as const)(
    'names the row that can not be read even alone (%s), and reads the others',
    async (status) => {
      await using project = await startProject(
        {
          traffic: sampleTraffic(manyRows(40, { stepMs: 1000 })),
          faults: [
            {
              kind: 'poison_row',
              path: v2Path,
              id: 'observation-00017',
              maxRows: 0,
              status,
              when: (request) => request.query.get('fields') !== 'core',
            },
          ],
        },
        { pageSize: 16, concurrency: 1 },
      );
      const { observations, unreadable } = await readAll(await project.open(), tenMinutes);
      expect(deduplicate(observations).size).toBe(39);
      expect(unreadable).toHaveLength(1);
      expect(unreadable[0]).toMatchObject({
        traceId: 'trace-00017',
        id: 'observation-00017',
        startMs: dayStartMs + 17_000,
        raw: null,
      });
      expect(unreadable[0]?.reason).toMatch(/can't be read even alone: answered/);
    },
  );

  it('names the millisecond where not even the name can be read', async () => {
    await using project = await startProject(
      {
        mode: 'events_only',
        traffic: sampleTraffic(manyRows(8, { stepMs: 1000 })),
        faults: [{ kind: 'poison_row', path: v2Path, id: 'observation-00003', maxRows: 0 }],
      },
      { pageSize: 4, concurrency: 1 },
    );
    const { observations, unreadable } = await readAll(await project.open(), tenMinutes);
    expect(deduplicate(observations).size).toBe(7);
    expect(unreadable).toEqual([
      expect.objectContaining({ traceId: null, id: null, startMs: dayStartMs + 3000 }) as unknown,
    ]);
  });

  it('JSON that ends too early again and again shrinks the page; once it is only sent again', async () => {
    await using project = await startProject(
      { traffic: sampleTraffic(manyRows(30, { stepMs: 1000 })) },
      { pageSize: 32, concurrency: 1 },
    );
    const source = await project.open();
    project.server.setFaults([
      {
        kind: 'truncated_json',
        path: v2Path,
        when: (request) => Number(request.query.get('limit')) > 16,
      },
    ]);
    const { observations, unreadable } = await readAll(source, tenMinutes);
    expect(deduplicate(observations).size).toBe(30);
    expect(unreadable).toEqual([]);
  });
});

describe('content', () => {
  it('is a second pass with small fields, decoded, for generations and embeddings only', async () => {
    await using project = await startProject({
      traffic: sampleTraffic({
        observations: [
          sampleObservation({ id: 'chat' }),
          sampleObservation({ id: 'text', input: 'plain words', output: null }),
          sampleObservation({
            id: 'embedding',
            type: 'EMBEDDING',
            input: ['a', 'b'],
            output: null,
          }),
          sampleObservation({ id: 'guardrail', type: 'SPAN' }),
        ],
      }),
    });
    const source = await project.open();
    const window = await readAll(source);
    expect(window.observations.every((row) => row.content === undefined)).toBe(true);
    project.server.clearRequests();
    const { rows, unreadable } = await readAllContent(source);
    expect(unreadable).toEqual([]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    expect([...byId.keys()].sort()).toEqual(['chat', 'embedding', 'text']);
    expect(byId.get('chat')).toMatchObject({
      traceId: 'trace-1',
      updatedMs: sampleObservation().updatedMs,
      content: {
        input: { messages: [{ role: 'user', content: 'hello' }] },
        output: { role: 'assistant', content: 'hi' },
      },
    });
    expect(byId.get('text')?.content).toEqual({ input: 'plain words', output: null });
    expect(byId.get('embedding')?.content.input).toEqual(['a', 'b']);
    for (const { query } of project.server.requests)
      expect(query.get('fields')).toBe('core,time,io');
  });

  it('follows the size of the answers', async () => {
    const input = { messages: [{ role: 'user', content: 'x'.repeat(100_000) }] };
    const { traces, observations } = manyRows(120, { stepMs: 100 });
    await using project = await startProject(
      {
        traffic: sampleTraffic({
          traces,
          observations: observations.map((row) => ({ ...row, input })),
        }),
      },
      { concurrency: 1 },
    );
    const source = await project.open();
    project.server.clearRequests();
    const { rows } = await readAllContent(source, tenMinutes);
    expect(new Set(rows.map((row) => row.id)).size).toBe(120);
    const limits = project.server.requests
      .filter(
        (request) => request.query.get('type') === 'GENERATION' && request.query.has('cursor'),
      )
      .map((request) => Number(request.query.get('limit')));
    expect(limits.length).toBeGreaterThan(0);
    for (const limit of limits) expect(limit).toBeLessThanOrEqual(30);
  });

  it('names the row whose text can not be read', async () => {
    await using project = await startProject({
      traffic: sampleTraffic(manyRows(10, { stepMs: 1000 })),
      faults: [
        {
          kind: 'poison_row',
          path: v2Path,
          id: 'observation-00004',
          maxRows: 0,
          onlyWithContent: true,
        },
      ],
    });
    const { rows, unreadable } = await readAllContent(
      await project.open({ contentPageSize: 4 }),
      tenMinutes,
    );
    expect(new Set(rows.map((row) => row.id)).size).toBe(9);
    expect(unreadable).toEqual([
      expect.objectContaining({ id: 'observation-00004', traceId: 'trace-00004' }) as unknown,
    ]);
  });
});

describe('memory and stopping', () => {
  it('asks no further than the consumer takes, plus one page for each reader', async () => {
    await using project = await startProject(
      { traffic: sampleTraffic(manyRows(400, { stepMs: 1000 })) },
      { pageSize: 10, concurrency: 2 },
    );
    const source = await project.open();
    project.server.clearRequests();
    const pages = source
      .readWindow(tenMinutes, { signal: new AbortController().signal })
      [Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) await pages.next();
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    expect(project.server.requests.length).toBeLessThanOrEqual(3 + 2);
    await pages.return?.();
  });

  it('ends at once when the signal aborts, also inside a stalled answer', async () => {
    await using project = await startProject();
    const source = await project.open({ timeoutMs: 60_000 });
    project.server.setFaults([{ kind: 'stall', at: 'mid_body', path: v2Path }]);
    const stop = new AbortController();
    const startedMs = performance.now();
    setTimeout(() => stop.abort(), 50);
    await expect(readAll(source, day, stop.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });

  it('one failing slice ends the reading of all', async () => {
    await using project = await startProject(
      { traffic: sampleTraffic(manyRows(100)) },
      { concurrency: 4, pageSize: 5 },
    );
    const source = await project.open();
    project.server.setFaults([{ kind: 'status', status: 400, path: v2Path, skip: 6, times: 1 }]);
    await expect(readAll(source)).rejects.toMatchObject({ code: 'LANGFUSE_UNEXPECTED' });
  });

  it('a mode flipped in mid-run is told as what it is', async () => {
    await using project = await startProject();
    const source = await project.open();
    project.server.setMode('v3-legacy');
    await expect(readAll(source)).rejects.toMatchObject({
      code: 'LANGFUSE_UNSUPPORTED',
      message: expect.stringMatching(/mode was changed/) as string,
    });
  });
});
