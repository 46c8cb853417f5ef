/** `verify --mode counts`: agrees after a sync of traffic with every oddity, in each server mode, and names what then differs. */
import { describe, expect, test } from 'vitest';
import type { SampleMode } from '../../src/demo/server-modes.ts';
import type { SampleObservation } from '../../src/demo/sample-types.ts';
import type { CountsSummary } from '../../src/verify/run-counts.ts';
import {
  createSmallTraffic,
  createTinyTraffic,
  nightAfter,
  smallDays,
  tinyNightMs,
} from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench, type SyncBenchOptions } from '../support/sync-bench.ts';
import { addLateRow, firstDayMs } from '../support/verify-place.ts';

/** Two days after the last one: rows that come late are there, and nothing is looked back at. */
async function openSmall(options: Partial<SyncBenchOptions> = {}): Promise<SyncBench> {
  const bench = await openSyncBench({
    traffic: createSmallTraffic(),
    nowMs: nightAfter(smallDays + 1),
    ...options,
  });
  expect((await bench.sync()).failed).toEqual([]);
  return bench;
}

async function openTiny(options: Partial<SyncBenchOptions> = {}): Promise<SyncBench> {
  return openSmall({ traffic: createTinyTraffic(), nowMs: tinyNightMs, ...options });
}

/** `fewer 2026-11-06 openai/gpt-5-mini 3/4`, without what is explained. */
function named(summary: CountsSummary): string[] {
  return summary.differences
    .filter(({ verdict }) => verdict !== 'explained')
    .map(
      ({ verdict, window, model, langfuse, state }) =>
        `${verdict} ${new Date(window.fromMs).toISOString().slice(0, 10)} ${model} ${langfuse.rows}/${state.rows}`,
    );
}

function aCall(bench: SyncBench): SampleObservation {
  const row = bench.server.store
    .view()
    .observations.find(
      (one) =>
        one.truth.kind === 'generation' &&
        one.level !== 'ERROR' &&
        one.model !== null &&
        one.startMs >= firstDayMs &&
        one.metadata['cache_hit'] !== true &&
        Object.keys(one.costDetails).length === 1,
    );
  if (row === undefined) throw new Error('no priced call');
  return row;
}

describe('counts agree with what was read', () => {
  const modes: readonly SampleMode[] = [
    'v3-legacy',
    'v3-preview',
    'dual',
    'events_only',
    'v4-legacy-mode',
    'cloud',
  ];
  test.each(modes)('of a server in mode %s, in one request', async (mode) => {
    await using bench = await openSmall({ server: { mode } });
    bench.server.clearRequests();
    const summary = await bench.verifyCounts();
    expect(named(summary)).toEqual([]);
    expect(summary).toMatchObject({ isClean: true, requests: 1, unread: [] });
    expect(summary.windows).toBeGreaterThanOrEqual(smallDays);
    // Calls that were logged twice are counted on both sides, and rows of other writers on one.
    expect(summary.langfuse.rows).toBeGreaterThan(summary.state.rows);
    const asked = bench.server.requests.filter(({ path }) => path.endsWith('/metrics'));
    // The other one is the probe's, where it looks at the write mode.
    expect(asked.length).toBe(mode.endsWith('legacy') ? 1 : 2);
  });

  test('windows of six hours', async () => {
    await using bench = await openTiny({ env: { SYNC_WINDOW: '6h' } });
    const summary = await bench.verifyCounts();
    expect(named(summary)).toEqual([]);
    expect(summary).toMatchObject({ isClean: true, requests: 1 });
  });

  test('of one environment alone', async () => {
    const env = { SYNC_ENVIRONMENTS: 'default' };
    await using bench = await openTiny({ env });
    expect(named(await bench.verifyCounts())).toEqual([]);
    const row = aCall(bench);
    bench.server.store.putObservation({ ...row, id: 'elsewhere', environment: 'staging' });
    expect(named(await bench.verifyCounts())).toEqual([]);
    expect(
      named(await bench.verifyCounts({}, { env: { SYNC_ENVIRONMENTS: 'default,staging' } })),
    ).toEqual([expect.stringMatching(/^more /)]);
  });

  test('rows of other writers explain what Langfuse counts more, and no more than they are', async () => {
    await using bench = await openTiny();
    const row = aCall(bench);
    for (const id of ['other-1', 'other-2']) {
      bench.server.store.putObservation({
        ...row,
        id,
        traceId: 'of-another-program',
        name: 'summarise',
        metadata: { attributes: {}, scope: { name: 'my-app' } },
      });
    }
    expect((await bench.sync({ request: backfillOf(row) })).failed).toEqual([]);
    const explained = await bench.verifyCounts();
    expect(named(explained)).toEqual([]);
    expect(explained.differences).toEqual(
      expect.arrayContaining([expect.objectContaining({ verdict: 'explained', model: row.model })]),
    );
    bench.server.store.putObservation({ ...row, id: 'late-1', traceId: 'late-1' });
    const more = await bench.verifyCounts();
    expect(named(more)).toEqual([expect.stringMatching(`^more .* ${row.model} `)]);
  });
});

const backfillOf = (row: SampleObservation) =>
  ({ kind: 'backfill', fromMs: row.startMs, toMs: row.startMs + 1 }) as const;

describe('what differs is named', () => {
  test('a late row may be one that is counted twice; a deleted one is drift', async () => {
    await using bench = await openTiny();
    const late = addLateRow({ bench, trackingUri: '' });
    const more = await bench.verifyCounts();
    expect(named(more)).toEqual([expect.stringMatching(`^more 2026-11-06 ${late.model} `)]);
    expect(more.isClean).toBe(false);
    const only = more.differences.find(({ verdict }) => verdict === 'more');
    expect(only?.langfuse.rows).toBe((only?.state.rows ?? 0) + 1);
    expect((await bench.verify()).isClean).toBe(false);

    bench.server.store.deleteObservation(late);
    bench.server.store.deleteObservation(aCall(bench));
    const fewer = await bench.verifyCounts();
    expect(named(fewer)).toEqual([expect.stringMatching(/^fewer /)]);
    expect(fewer.isClean).toBe(false);
  });

  test('other tokens or another price at as many rows', async () => {
    await using bench = await openTiny();
    const row = aCall(bench);
    bench.server.store.putObservation({
      ...row,
      usageDetails: { ...row.usageDetails, total: (row.usageDetails['total'] ?? 0) + 1 },
    });
    expect(named(await bench.verifyCounts())).toEqual([expect.stringMatching(/^value /)]);
    bench.server.store.putObservation({ ...row, costDetails: { total: 0.000_001 } });
    expect(named(await bench.verifyCounts())).toEqual([expect.stringMatching(/^value /)]);
    bench.server.store.putObservation(row);
    expect(named(await bench.verifyCounts())).toEqual([]);
  });

  test('rows at the last millisecond of a window and the first after it are told apart', async () => {
    await using bench = await openTiny();
    const row = aCall(bench);
    const dayEndMs = firstDayMs + 86_400_000;
    const inFirst = { fromMs: firstDayMs, toMs: dayEndMs };
    bench.server.store.putObservation({ ...row, id: 'edge', traceId: 'edge', startMs: dayEndMs });
    expect(named(await bench.verifyCounts(inFirst))).toEqual([]);
    bench.server.store.putObservation({
      ...row,
      id: 'edge',
      traceId: 'edge',
      startMs: dayEndMs - 1,
    });
    expect(named(await bench.verifyCounts(inFirst))).toEqual([
      expect.stringMatching(/^more 2026-11-06/),
    ]);
  });

  test('versions that Langfuse has not merged are never called drift', async () => {
    await using bench = await openTiny({ server: { duplicateShare: 0.2 } });
    const summary = await bench.verifyCounts();
    expect(summary.differences.map(({ verdict }) => verdict)).toContain('more');
    expect(summary.differences.map(({ verdict }) => verdict)).not.toContain('fewer');
    expect((await bench.verify()).isClean).toBe(true);
  });
});

test('an answer that may be cut short is asked for again in halves', async () => {
  const traffic = createTinyTraffic();
  const row = traffic.observations.find((one) => one.truth.kind === 'generation');
  if (row === undefined) throw new Error('no call');
  const many = Array.from({ length: 1100 }, (_, at) => ({
    ...row,
    id: `many-${at}`,
    traceId: `many-${at}`,
    model: `openai/model-${at}`,
    metadata: { ...row.metadata, litellm_call_id: `many-${at}`, response_id: `many-${at}` },
    startMs: firstDayMs + (at % 2) * 86_400_000 + at,
    endMs: firstDayMs + (at % 2) * 86_400_000 + at + 1000,
  }));
  await using bench = await openTiny({
    traffic: { ...traffic, observations: [...traffic.observations, ...many] },
  });
  const summary = await bench.verifyCounts();
  expect(named(summary)).toEqual([]);
  expect(summary.requests).toBeGreaterThan(2);
  expect(summary.langfuse.rows).toBeGreaterThan(1100);
});

test.each([
  ['v2.95', undefined],
  ['v3-legacy', '3.50.0'],
] as const)('a server without the metrics API (%s %s) is named', async (mode, version) => {
  await using bench = await openTiny({
    server: { mode, ...(version === undefined ? {} : { version }) },
  });
  await expect(bench.verifyCounts()).rejects.toMatchObject({
    code: 'LANGFUSE_UNSUPPORTED',
    message: expect.stringMatching(/no metrics API to count with \(GET \/api\/public\/metrics/),
    hint: expect.stringMatching(/--mode full/),
  });
});
