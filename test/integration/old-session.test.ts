/** A session over several days whose old window changes: it is published from all its rows, by a backfill of that window alone. */
import { expect, test } from 'vitest';
import { damage } from '../support/damage.ts';
import {
  createSmallTraffic,
  dayMs,
  hourMs,
  nightAfter,
  smallStartMs,
} from '../support/small-traffic.ts';
import { openSyncBench, toLocalUri } from '../support/sync-bench.ts';
import { named } from '../support/verify-place.ts';

const experimentName = 'old session';

test('a row that comes later than the lookback reaches its session, model and trend by a backfill of its window', async () => {
  await using bench = await openSyncBench({
    traffic: createSmallTraffic(),
    nowMs: nightAfter(4),
    experimentName,
    env: { SYNC_LOOKBACK: '1d' },
  });
  expect((await bench.sync()).failed).toEqual([]);
  const where = { bench, trackingUri: toLocalUri(bench.folder), experimentName };
  const before = await damage(where, (mlflow) => mlflow.runs());

  const [fact] = bench.query<{ trace_id: string; id: string; session_id: string; model: string }>(
    `SELECT trace_id, id, session_id, model FROM counted_facts
     WHERE window_from_ms = ? AND is_error = 0
       AND session_id IN (SELECT session_id FROM facts WHERE window_from_ms > ?) LIMIT 1`,
    smallStartMs,
    smallStartMs,
  );
  if (fact === undefined) throw new Error('no session that goes on over the first day');
  const { store } = bench.server;
  const row = store
    .view()
    .observations.find((one) => one.traceId === fact.trace_id && one.id === fact.id);
  if (row === undefined) throw new Error('no such call');
  store.putObservation({
    ...row,
    id: 'late-row',
    startMs: row.startMs + hourMs / 60,
    metadata: { ...row.metadata, litellm_call_id: 'late', response_id: 'late' },
    availableAtMs: bench.nowMs() - hourMs,
  });
  expect((await bench.sync()).windowsPublished).toBe(0);

  const request = { kind: 'backfill', fromMs: smallStartMs, toMs: smallStartMs + dayMs } as const;
  const summary = await bench.sync({ request });
  expect([summary.failed, summary.windowsRead]).toEqual([[], 1]);
  const after = await damage(where, (mlflow) => mlflow.runs());
  const changed = [...after].filter(
    ([label, run]) => JSON.stringify(run) !== JSON.stringify(before.get(label)),
  );
  const session = (runs: typeof after) =>
    [...runs.values()].find((run) => run.params['session_id'] === fact.session_id);
  const dayOf = (fromMs: number): string => new Date(fromMs).toISOString().slice(0, 10);
  const dayAfter = `window ${dayOf(smallStartMs + dayMs)}`;
  expect(changed.map(([label]) => label).toSorted()).toEqual(
    [
      `window ${dayOf(smallStartMs)}`,
      `model ${dayOf(smallStartMs)} ${fact.model}`,
      `session ${fact.session_id}`,
      `trend ${fact.model}`,
      'trend all models',
      // Its report stands beside that day; its numbers are as they were.
      dayAfter,
    ].toSorted(),
  );
  expect(after.get(dayAfter)?.metrics).toEqual(before.get(dayAfter)?.metrics);
  expect(session(after)?.runId).toBe(session(before)?.runId);
  // All its rows, those of the later windows too, which were not read again.
  const [held] = bench.query<{ rows: number; windows: number }>(
    `SELECT COUNT(*) AS rows, COUNT(DISTINCT window_from_ms) AS windows FROM counted_facts WHERE session_id = ?`,
    fact.session_id,
  );
  expect(held?.windows).toBeGreaterThan(1);
  expect(session(after)?.metrics['attempts']).toBe(held?.rows);
  expect(session(after)?.metrics['attempts']).toBe((session(before)?.metrics['attempts'] ?? 0) + 1);
  expect(named(await bench.verify())).toEqual([]);
});
