/** A worker whose clock is two days ahead finishes no window that Langfuse's clock calls future. */
import { expect, it } from 'vitest';
import { readLocalRuns } from '../support/local-runs.ts';
import { toComparableRuns } from '../support/same-runs.ts';
import {
  createSmallTraffic,
  dayMs,
  nightAfter,
  smallDays,
  smallStartMs,
} from '../support/small-traffic.ts';
import { openSyncBench, toLocalUri } from '../support/sync-bench.ts';

const traffic = createSmallTraffic();
const trueNow = nightAfter(1);
const lastNight = nightAfter(smallDays - 1);
/** By the worker's clock the last night has come; Langfuse is two days behind it, and tells so. */
const ahead = { nowMs: lastNight, server: { nowMs: trueNow, dateSkewMs: trueNow - lastNight } };
const future = { fromMs: smallStartMs + 2 * dayMs, toMs: smallStartMs + smallDays * dayMs };
const says = `This machine's clock is 172800 s ahead of Langfuse's (its Date header), by which 2026-11-07T00:00:00.000Z to 2026-11-09T00:00:00.000Z has not settled yet; that time was not read.`;

/** Without the revision: the address of Langfuse changes here, which is written to each run. */
const readRuns = (folder: string): unknown =>
  toComparableRuns(readLocalRuns(folder)).map(({ tags, ...run }) => {
    const { 'langfuse_mlflow.revision': _, ...kept } = tags;
    return { ...run, tags: kept };
  });

it('reads what is past by both clocks, names the rest, and ends like a worker whose clock was right', async () => {
  await using bench = await openSyncBench({ traffic, ...ahead });
  const refused = await bench.sync();
  expect(refused).toMatchObject({ windowsPlanned: 2, windowsRead: 2 });
  expect(refused.failed).toMatchObject([
    { window: future, error: { code: 'CLOCK_AHEAD', message: expect.stringMatching(/^This/) } },
  ]);
  expect(refused.failed[0]?.error.message.replace(/17280\d/, '172800')).toBe(says);
  expect([refused.watermarkMs, refused.settledEndMs]).toEqual([future.fromMs, future.fromMs]);
  const read = bench.query<{ from_ms: number; read_ms: number }>('SELECT * FROM windows');
  expect(read.map((row) => row.from_ms)).toEqual([smallStartMs, smallStartMs + dayMs]);
  // A window that counts as read in the future would never be read again for late rows.
  for (const row of read) expect(row.read_ms).toBeLessThanOrEqual(trueNow + 600_000);

  await using right = await openSyncBench({ traffic, nowMs: lastNight });
  const env = {
    SYNC_STATE_FILE: bench.stateFile,
    MLFLOW_TRACKING_URI: toLocalUri(bench.folder),
  };
  const next = await right.sync({ env });
  expect(next).toMatchObject({ failed: [], watermarkMs: future.toMs });

  await using untroubled = await openSyncBench({ traffic, nowMs: trueNow });
  await untroubled.sync();
  untroubled.setNow(lastNight);
  await untroubled.sync();
  expect(readRuns(bench.folder)).toEqual(readRuns(untroubled.folder));
});

it('refuses a backfill of the future whole, and one that reaches into it in part', async () => {
  await using bench = await openSyncBench({ traffic, ...ahead });
  const backfill = (fromMs: number) =>
    bench.sync({ request: { kind: 'backfill', fromMs, toMs: future.toMs } });
  await expect(backfill(future.fromMs)).rejects.toMatchObject({ code: 'CLOCK_AHEAD' });
  const partly = await backfill(future.fromMs - dayMs);
  expect(partly).toMatchObject({
    windowsRead: 1,
    failed: [{ window: future, error: { code: 'CLOCK_AHEAD' } }],
  });
});

it('says nothing of a clock that is behind, which only waits', async () => {
  await using bench = await openSyncBench({
    traffic,
    nowMs: trueNow,
    server: { nowMs: lastNight, dateSkewMs: lastNight - trueNow },
  });
  expect(await bench.sync()).toMatchObject({ windowsRead: 2, failed: [] });
});
