import { describe, expect, it } from 'vitest';
import { createConnection } from '../../src/langfuse/connection.ts';
import { createTraceLookup } from '../../src/langfuse/trace-lookup.ts';
import { hourMs, minuteMs } from '../../src/shared/time.ts';
import {
  anInterval,
  dayStartMs,
  idsOf,
  readAll,
  readAllContent,
  sampleObservation,
  sampleTrace,
  sampleTraffic,
  startProject,
} from './project.ts';

const observationsPath = '/api/public/observations';
const tracesPath = '/api/public/traces';

describe('the join with traces', () => {
  it('gives observations the user, session, tags and name that the API strips', async () => {
    await using project = await startProject({ mode: 'v3-legacy' });
    const { observations, traces } = await readAll(await project.open());
    expect(observations[0]).toMatchObject({
      userId: 'user-1',
      sessionId: 'session-1',
      tags: ['User-Agent: Cline'],
      traceName: 'litellm-acompletion',
    });
    expect(traces.map((trace) => trace.traceId)).toEqual(['trace-1']);
  });

  it('asks once, by id, for a trace that began before the window', async () => {
    const observations = Array.from({ length: 40 }, (_, index) =>
      sampleObservation({ id: `turn-${index}`, startMs: dayStartMs + index * 30 * minuteMs }),
    );
    await using project = await startProject({
      mode: 'v3-legacy',
      traffic: sampleTraffic({
        traces: [sampleTrace({ timestampMs: dayStartMs - 5 * hourMs })],
        observations,
      }),
    });
    const source = await project.open({ concurrency: 4 });
    project.server.clearRequests();
    const window = await readAll(source);
    expect(window.observations).toHaveLength(40);
    expect(window.observations.every((row) => row.sessionId === 'session-1')).toBe(true);
    const byId = project.server.requests.filter(
      (request) => request.path === `${tracesPath}/trace-1`,
    );
    expect(byId).toHaveLength(1);
    expect(byId[0]?.query.get('fields')).toBe('core');
    expect(window.traces.every((trace) => trace.traceId === 'trace-1')).toBe(true);
    expect(window.traces.length).toBeGreaterThan(0);
  });

  it('an observation whose trace is gone is still delivered, without its attributes', async () => {
    await using project = await startProject({
      mode: 'v3-legacy',
      traffic: sampleTraffic({ traces: [] }),
    });
    const { observations, traces, unreadable } = await readAll(await project.open());
    expect(observations[0]).toMatchObject({ id: 'observation-1', sessionId: null, tags: [] });
    expect(traces).toEqual([]);
    expect(unreadable).toEqual([]);
  });

  it('a trace that can not be read is named', async () => {
    await using project = await startProject({
      mode: 'v3-legacy',
      traffic: sampleTraffic({ traces: [sampleTrace({ timestampMs: dayStartMs - hourMs })] }),
    });
    const source = await project.open();
    project.server.setFaults([{ kind: 'status', status: 422, path: `${tracesPath}/trace-1` }]);
    const { observations, unreadable } = await readAll(source);
    expect(observations).toHaveLength(1);
    expect(unreadable).toEqual([
      expect.objectContaining({
        traceId: 'trace-1',
        id: null,
        reason: expect.stringMatching(/no session, user and tags/) as string,
      }) as unknown,
    ]);
  });
});

describe('a trace by id that is not there', () => {
  it.each([
    { format: 'html', code: null },
    { format: 'json', code: 'LANGFUSE_UNSUPPORTED' },
  ] as const)('404 in $format', async ({ format, code }) => {
    await using project = await startProject({
      mode: 'v3-legacy',
      traffic: sampleTraffic({ traces: [sampleTrace({ timestampMs: dayStartMs - hourMs })] }),
    });
    const source = await project.open();
    const message = 'This endpoint is not available on deployments in events_only mode.';
    project.server.setFaults([
      { kind: 'status', status: 404, format, message, path: `${tracesPath}/trace-1` },
    ]);
    const read = await readAll(source).catch((error: unknown) => error);
    expect(read).toMatchObject(
      code === null
        ? { observations: [{ sessionId: null }], unreadable: [{ traceId: 'trace-1', id: null }] }
        : { code },
    );
  });

  it('only so many are remembered, the latest used', async () => {
    await using project = await startProject({
      mode: 'v3-legacy',
      traffic: sampleTraffic({ traces: ['a', 'b', 'c'].map((id) => sampleTrace({ id })) }),
    });
    const connection = await createConnection(project.settings);
    const lookup = createTraceLookup(
      { ...connection, concurrency: 1, pageSize: 100, contentPageSize: 100, environments: null },
      2,
    );
    const { signal } = new AbortController();
    for (const id of ['a', 'b', 'a', 'c', 'a', 'b']) {
      expect(await lookup.find(id, signal)).toMatchObject({
        kind: 'trace',
        trace: { traceId: id },
      });
    }
    expect(project.server.requests.map(({ path }) => path.at(-1)).join('')).toBe('abcb');
  });
});

describe('rows of older servers', () => {
  it('2.95: usage{} becomes usageDetails, and calculatedTotalCost is kept apart', async () => {
    await using project = await startProject({
      mode: 'v2.95',
      traffic: sampleTraffic({
        observations: [
          sampleObservation({ id: 'known' }),
          sampleObservation({ id: 'unknown', usageDetails: {}, costDetails: {} }),
          sampleObservation({ id: 'free', costDetails: { total: 0 } }),
        ],
      }),
    });
    const { observations } = await readAll(await project.open());
    const byId = new Map(observations.map((row) => [row.id, row]));
    expect(byId.get('known')).toMatchObject({
      usageDetails: { input: 100, output: 20, total: 120 },
      costDetails: {},
      calculatedTotalCostUsd: 0.001,
      environment: null,
    });
    expect(byId.get('unknown')).toMatchObject({
      usageDetails: {},
      costDetails: {},
      calculatedTotalCostUsd: null,
    });
    expect(byId.get('free')?.calculatedTotalCostUsd).toBe(0);
  });

  it('3.0 writes 0 for an unknown cost: it stays unknown', async () => {
    await using project = await startProject({
      mode: 'v3-legacy',
      version: '3.1.0',
      traffic: sampleTraffic({ observations: [sampleObservation({ costDetails: { total: 0 } })] }),
    });
    const { observations } = await readAll(await project.open());
    expect(observations[0]).toMatchObject({ calculatedTotalCostUsd: null, costDetails: {} });
  });

  it('3.x: calculatedTotalCost 0 beside empty costDetails is unknown', async () => {
    await using project = await startProject({
      mode: 'v3-legacy',
      traffic: sampleTraffic({
        observations: [sampleObservation({ costDetails: {}, usageDetails: {} })],
      }),
    });
    const { observations } = await readAll(await project.open());
    expect(observations[0]).toMatchObject({
      calculatedTotalCostUsd: null,
      costDetails: {},
      usageDetails: {},
    });
  });

  it('text comes with the row, decoded by the server, and the content pass has the same', async () => {
    await using project = await startProject({
      mode: 'v3-legacy',
      traffic: sampleTraffic({
        observations: [sampleObservation(), sampleObservation({ id: 'span', type: 'SPAN' })],
      }),
    });
    const source = await project.open();
    const { observations } = await readAll(source);
    const content = observations.find((row) => row.id === 'observation-1')?.content;
    expect(content).toEqual({
      input: { messages: [{ role: 'user', content: 'hello' }] },
      output: { role: 'assistant', content: 'hi' },
    });
    const { rows } = await readAllContent(source);
    expect(rows.map(({ id, content: text }) => ({ id, text }))).toEqual([
      { id: 'observation-1', text: content },
    ]);
  });

  it('_deprecation in an answer of Cloud is no fault', async () => {
    await using project = await startProject({ mode: 'cloud' });
    expect(idsOf((await readAll(await project.open({ reader: 'legacy' }))).observations)).toEqual([
      'observation-1',
    ]);
  });

  it('a server that ignores the environment filter: other ones are left out with a notice, none is kept', async () => {
    await using project = await startProject({
      mode: 'v3-legacy',
      traffic: sampleTraffic({ observations: [] }),
    });
    const source = await project.open({ environments: ['production'] });
    const row = { traceId: 'trace-1', type: 'SPAN', startTime: '2026-11-20T00:10:00.000Z' };
    project.server.setFaults([
      {
        kind: 'malformed_row',
        path: observationsPath,
        times: 1,
        row: { ...row, id: 'staging', environment: 'staging' },
      },
      { kind: 'malformed_row', path: observationsPath, times: 1, row: { ...row, id: 'none' } },
      {
        kind: 'malformed_row',
        path: observationsPath,
        times: 1,
        row: { ...row, id: 'wanted', environment: 'production' },
      },
    ]);
    const tenth = anInterval(dayStartMs + 10 * minuteMs, dayStartMs + 11 * minuteMs);
    expect(idsOf((await readAll(source, tenth)).observations)).toEqual(['none', 'wanted']);
    expect(project.notices.map((notice) => notice.message)).toEqual([
      expect.stringMatching(/gave 1 rows outside the time or environments/) as string,
    ]);
  });
});
