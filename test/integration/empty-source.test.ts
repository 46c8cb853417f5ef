/** No watermark passes a window that is only empty in the list that was read. */
import { describe, expect, it } from 'vitest';
import type { SampleFault } from '../../src/demo/faults.ts';
import type { SyncSummary } from '../../src/sync/run-sync.ts';
import { readLocalRuns } from '../support/local-runs.ts';
import { toComparableRuns } from '../support/same-runs.ts';
import {
  createSmallTraffic,
  dayMs,
  nightAfter,
  smallDays,
  smallStartMs,
} from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench, type SyncBenchOptions } from '../support/sync-bench.ts';

const traffic = createSmallTraffic();
const lastNight = nightAfter(smallDays - 1);

/** The list shows nothing that starts on the second day. */
const emptyDay = (path: string): SampleFault => ({
  kind: 'empty_list',
  path,
  when: ({ query }) => {
    const from = query.get('fromStartTime') ?? query.get('fromTimestamp') ?? '';
    return from.startsWith(new Date(smallStartMs + dayMs).toISOString().slice(0, 10));
  },
});

const v1 = [emptyDay('/api/public/observations'), emptyDay('/api/public/traces')];
const v2 = [emptyDay('/api/public/v2/observations')];

function openBench(options: Partial<SyncBenchOptions> = {}): Promise<SyncBench> {
  return openSyncBench({ traffic, nowMs: lastNight, ...options });
}

const failedOf = (summary: SyncSummary) =>
  summary.failed.map(({ window, error }) => [
    (window.fromMs - smallStartMs) / dayMs,
    error.code,
    error.exitCode,
  ]);

describe('a list that is empty while another one of the same server is not', () => {
  it.each([
    ['v2', { mode: 'dual' }, v2, {}, 'GET /api/public/observations'],
    ['v2', { mode: 'events_only' }, v2, {}, 'GET /api/public/v2/metrics'],
    [
      'legacy',
      { mode: 'cloud' },
      v1,
      { SYNC_LANGFUSE_READER: 'legacy' },
      'GET /api/public/v2/observations',
    ],
  ] as const)('%s of %o', async (reader, server, faults, env, elsewhere) => {
    await using bench = await openBench({ server, env });
    bench.server.setFaults(faults);
    const refused = await bench.sync();
    expect(failedOf(refused)).toEqual([[1, 'LANGFUSE_NOT_EMPTY', 4]]);
    expect(refused.failed[0]?.error.message).toBe(
      `The ${reader} API shows no row from 2026-11-06T00:00:00.000Z to 2026-11-07T00:00:00.000Z, but ${elsewhere} has calls of that time; the window was left as it was.`,
    );
    expect(refused.watermarkMs).toBe(smallStartMs + dayMs);
    expect(refused.windowsRead).toBe(smallDays - 1);

    bench.server.setFaults([]);
    expect(await bench.sync()).toMatchObject({ failed: [], watermarkMs: refused.settledEndMs });
    await using untroubled = await openBench({ server, env });
    await untroubled.sync();
    expect(toComparableRuns(readLocalRuns(bench.folder)).map(({ name }) => name)).toEqual(
      toComparableRuns(readLocalRuns(untroubled.folder)).map(({ name }) => name),
    );
  });

  it('does not take away what was read before', async () => {
    await using bench = await openBench();
    await bench.sync();
    const facts = bench.query('SELECT * FROM facts ORDER BY trace_id, id');
    const runs = readLocalRuns(bench.folder);
    bench.server.setFaults(v2);
    expect(failedOf(await bench.sync())).toEqual([[1, 'LANGFUSE_NOT_EMPTY', 4]]);
    expect(bench.query('SELECT * FROM facts ORDER BY trace_id, id')).toEqual(facts);
    expect(readLocalRuns(bench.folder)).toEqual(runs);
  });

  it('is taken for empty where that is asked for, and then not read again between busy days', async () => {
    const env = { SYNC_EMPTY_CHECK: 'off', SYNC_LOOKBACK: '0s' };
    await using bench = await openBench({ env });
    bench.server.setFaults(v2);
    const taken = await bench.sync();
    expect(taken).toMatchObject({ failed: [], suspiciouslyEmpty: [] });
    expect(taken.watermarkMs).toBe(taken.settledEndMs);
    bench.server.setFaults([]);
    expect(await bench.sync()).toMatchObject({ windowsPlanned: 0 });
    expect((await bench.sync({ env: { SYNC_EMPTY_CHECK: 'on' } })).windowsRead).toBe(1);
  });
});

describe('verify of a list that is empty while another one is not', () => {
  const says = expect.objectContaining({ code: 'LANGFUSE_NOT_EMPTY' }) as unknown;
  const secondDay = { fromMs: smallStartMs + dayMs, toMs: smallStartMs + 2 * dayMs };

  it('calls nothing clean, nor what it holds of that day drift, and repairs nothing', async () => {
    await using bench = await openBench();
    await bench.sync();
    const facts = bench.query('SELECT * FROM facts ORDER BY trace_id, id');
    const runs = readLocalRuns(bench.folder);
    bench.server.setFaults(v2);
    for (const isRepair of [false, true]) {
      const verified = await bench.verify({ isRepair });
      expect(verified.langfuse).toMatchObject({
        drift: [],
        untrusted: [{ window: secondDay, error: says }],
      });
      expect(verified.isClean).toBe(false);
    }
    expect(bench.query('SELECT * FROM facts ORDER BY trace_id, id')).toEqual(facts);
    expect(readLocalRuns(bench.folder)).toEqual(runs);
    bench.server.setFaults([]);
    expect(await bench.verify()).toMatchObject({ isClean: true, langfuse: { untrusted: [] } });
  });

  it('does not call an empty day clean that was taken for empty', async () => {
    await using bench = await openBench();
    bench.server.setFaults(v2);
    const believes = { SYNC_EMPTY_CHECK: 'off' };
    await bench.sync({ env: believes });
    expect(await bench.verify({}, { env: believes })).toMatchObject({ isClean: true });
    expect(await bench.verify()).toMatchObject({
      isClean: false,
      langfuse: { drift: [], untrusted: [{ window: secondDay, error: says }] },
    });
  });
});

describe('a day without calls', () => {
  const quiet = {
    ...traffic,
    observations: traffic.observations.filter(
      (row) => row.startMs < smallStartMs + dayMs || row.startMs >= smallStartMs + 2 * dayMs,
    ),
  };

  it.each(['dual', 'events_only', 'v3-legacy'] as const)(
    'of %s is empty, and said',
    async (mode) => {
      await using bench = await openBench({ traffic: quiet, server: { mode } });
      const summary = await bench.sync();
      expect(summary.failed).toEqual([]);
      expect(summary.watermarkMs).toBe(summary.settledEndMs);
    },
  );
});
