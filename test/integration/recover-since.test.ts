/** The state file is lost and Langfuse has deleted old rows: what lies before a day is closed, the rest goes on. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { damage } from '../support/damage.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { createSmallTraffic, dayMs, nightAfter, smallStartMs } from '../support/small-traffic.ts';
import { openSyncBench, toLocalUri, type SyncBench } from '../support/sync-bench.ts';
import { named } from '../support/verify-place.ts';

/** The first day that Langfuse still has: one is gone, three are left. */
const openFromMs = smallStartMs + dayMs;
const dayBefore = { fromMs: openFromMs - dayMs, toMs: openFromMs };

interface Place extends AsyncDisposable {
  readonly bench: SyncBench;
  readonly where: {
    readonly bench: SyncBench;
    readonly trackingUri: string;
    readonly experimentName: string;
  };
  /** Sessions with rows on both sides of the day. */
  readonly crossing: readonly string[];
}

/** Four days are synced, the state file is lost, and Langfuse forgets the first. */
async function openForgotten(server: string | null, experimentName: string): Promise<Place> {
  const traffic = createSmallTraffic();
  const bench = await openSyncBench({
    traffic,
    nowMs: nightAfter(4),
    experimentName,
    ...(server === null ? {} : { trackingUri: server }),
  });
  expect((await bench.sync()).failed).toEqual([]);
  const crossing = bench
    .query<{ id: string }>(
      `SELECT session_id AS id FROM counted_facts WHERE session_id IS NOT NULL
       GROUP BY 1 HAVING MIN(window_from_ms) < ? AND MAX(window_from_ms) >= ?`,
      openFromMs,
      openFromMs,
    )
    .map(({ id }) => id);
  expect(crossing.length).toBeGreaterThan(0);
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${bench.stateFile}${suffix}`, { force: true });
  const { store } = bench.server;
  for (const row of store.view().observations) {
    if (row.startMs < openFromMs) store.deleteObservation(row);
  }
  return {
    bench,
    where: { bench, trackingUri: server ?? toLocalUri(bench.folder), experimentName },
    crossing,
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

function declare(server: () => string | null): void {
  test('what lies before stays as it is, sessions that began there too, and the rest goes on', async () => {
    await using place = await openForgotten(server(), 'since');
    const { bench, where, crossing } = place;
    const before = await damage(where, (mlflow) => mlflow.runs());

    const recovered = await bench.recover({ sinceMs: openFromMs });
    expect(recovered.closed).toMatchObject({ beforeMs: openFromMs, windows: 1 });
    expect(recovered.closed?.sessions).toBeGreaterThanOrEqual(crossing.length);
    const summary = await bench.sync();
    expect(summary.failed).toEqual([]);
    expect(summary.closed?.beforeMs).toBe(openFromMs);
    expect(summary.closed?.sessionsLeft).toEqual(expect.arrayContaining([...crossing]));
    expect(summary.windowsRead).toBe(4);
    expect(summary.watermarkMs).toBe(summary.settledEndMs);
    expect(summary.mlflow.writes).toBe(0);
    expect(await damage(where, (mlflow) => mlflow.runs())).toEqual(before);

    const found = await bench.verify();
    expect(named(found)).toEqual([]);
    expect(found).toMatchObject({ isClean: true, closed: { beforeMs: openFromMs } });
    expect(found.closed?.sessionsLeft).toEqual(summary.closed?.sessionsLeft);
    expect(found.langfuse.windows).toBe(4);
    expect(found.mlflow.runsNotChecked).toBe(recovered.closed?.runs);
  });

  test('a late row of such a session corrects its window and model, and leaves the session', async () => {
    await using place = await openForgotten(server(), 'since late');
    const { bench, where, crossing } = place;
    await bench.recover({ sinceMs: openFromMs });
    await bench.sync();
    const before = await damage(where, (mlflow) => mlflow.runs());
    const [fact] = bench.query<{ trace_id: string; id: string; session_id: string }>(
      `SELECT trace_id, id, session_id FROM counted_facts WHERE window_from_ms >= ? AND is_error = 0
       AND session_id IN (SELECT value FROM json_each(?)) AND end_ms IS NOT NULL LIMIT 1`,
      openFromMs,
      JSON.stringify(crossing),
    );
    const { store } = bench.server;
    const row = store
      .view()
      .observations.find((one) => one.traceId === fact?.trace_id && one.id === fact.id);
    if (row === undefined || fact === undefined) throw new Error('no call of a crossing session');
    store.changeObservation(row, { endMs: (row.endMs ?? 0) + 4321 });
    const request = { kind: 'backfill', fromMs: openFromMs, toMs: bench.nowMs() - dayMs } as const;
    const summary = await bench.sync({ request });
    expect(summary.failed).toEqual([]);
    expect(summary.runs.updated).toBeGreaterThan(0);
    const after = await damage(where, (mlflow) => mlflow.runs());
    const changed = [...after].filter(
      ([label, run]) => JSON.stringify(run) !== JSON.stringify(before.get(label)),
    );
    const grains = changed.map(([label]) => label.split(' ')[0]);
    expect(new Set(grains)).toEqual(new Set(['window', 'model', 'trend']));
    expect([...after.keys()].toSorted()).toEqual([...before.keys()].toSorted());
    expect(named(await bench.verify())).toEqual([]);

    // Its last open row is deleted: the run, which holds the closed ones, must not go with it.
    for (const one of bench.query<{ trace_id: string; id: string }>(
      'SELECT trace_id, id FROM facts WHERE session_id = ?',
      fact.session_id,
    )) {
      store.deleteObservation({ traceId: one.trace_id, id: one.id });
    }
    expect((await bench.sync({ request })).failed).toEqual([]);
    const end = await damage(where, (mlflow) => mlflow.runs());
    const ofSession = (runs: typeof end) =>
      [...runs.values()].find((run) => run.params['session_id'] === fact.session_id);
    expect(ofSession(end)).toEqual(ofSession(before));
    const verified = await bench.verify({ isRepair: true });
    expect(verified.isClean).toBe(true);
    expect(ofSession(await damage(where, (mlflow) => mlflow.runs()))).toEqual(ofSession(before));
  });
}

describe('recover --since on the local store', () => {
  declare(() => null);

  test('it can be said later, when sync was refused; days are closed for backfill too, and can be opened again', async () => {
    await using place = await openForgotten(null, 'since later');
    const { bench, where } = place;
    const before = await damage(where, (mlflow) => mlflow.runs());
    await bench.recover();
    const refused = await bench.sync();
    expect(refused.failed.map(({ error }) => error.hint)).toEqual([
      expect.stringContaining('recover --since'),
    ]);
    // No session was published from the part that is left of it.
    expect(await damage(where, (mlflow) => mlflow.runs())).toEqual(before);
    expect(named(await bench.verify()).filter((one) => !one.startsWith('missing '))).toEqual([]);
    await bench.recover({ sinceMs: openFromMs });
    const summary = await bench.sync();
    expect(summary.failed).toEqual([]);
    expect(summary.watermarkMs).toBe(summary.settledEndMs);
    expect(await damage(where, (mlflow) => mlflow.runs())).toEqual(before);

    await expect(bench.sync({ request: { kind: 'backfill', ...dayBefore } })).rejects.toMatchObject(
      { code: 'USAGE', message: expect.stringContaining('is closed') },
    );
    // What is closed stays so without being said again.
    expect((await bench.recover()).closed?.beforeMs).toBe(openFromMs);
    expect((await bench.sync()).failed).toEqual([]);
    await bench.recover({ sinceMs: dayBefore.fromMs });
    const opened = await bench.sync();
    expect(opened.failed.map(({ window }) => window.fromMs)).toEqual([dayBefore.fromMs]);
  });

  test('a day in the future is refused', async () => {
    await using place = await openForgotten(null, 'since future');
    await expect(place.bench.recover({ sinceMs: smallStartMs + 40 * dayMs })).rejects.toMatchObject(
      { code: 'USAGE', message: expect.stringContaining('in the future') },
    );
  });
});

describeWithMlflow('recover --since on a server', ['newest'], () => {
  let mlflow: MlflowServer;
  beforeAll(async () => {
    mlflow = await startMlflowServer({ version: 'newest' });
  });
  afterAll(async () => {
    await mlflow?.stop();
  });
  declare(() => mlflow.url);
});
