/** The state file is lost: sync refuses, recover takes up what MLflow holds, and nothing is published twice. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SampleObservation } from '../../src/demo/sample-types.ts';
import { checkRuns, checkTrends, expectRuns } from '../support/check-runs.ts';
import { damage } from '../support/damage.ts';
import { createMlflowApi } from '../support/mlflow-api.ts';
import { startMlflowProxy, type MlflowProxy, type SeenRequest } from '../support/mlflow-proxy.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { createSmallTraffic, dayMs, nightAfter } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';
import {
  addLateRow,
  addScore,
  aRunOf,
  firstDayMs,
  named,
  openSynced,
} from '../support/verify-place.ts';

/** Searches are sent by POST. */
const isWrite = (request: SeenRequest): boolean =>
  request.method !== 'GET' && !request.path.split('?')[0]?.endsWith('/search');

function lose(bench: SyncBench): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${bench.stateFile}${suffix}`, { force: true });
}

/** What the ledger knows, but for what only a writer can know: what artifacts were made of, and when it was written. */
function readLedger(bench: SyncBench): unknown {
  return {
    ledger: bench
      .query<{ tags: string; metrics: string }>(
        `SELECT key, source, grain, window_from_ms, subject, state, run_id, artifact_uri, revision, hash,
           parent_run_id, metrics, tags FROM ledger ORDER BY key`,
      )
      .map((row) => ({
        ...row,
        tags: (JSON.parse(row.tags) as string[]).toSorted((a, b) => (a < b ? -1 : 1)),
        metrics: sortKeys(row.metrics),
      })),
    points: bench
      .query<{ metrics: string }>(
        'SELECT key, step, revision, hash, metrics, state FROM trend_points ORDER BY key, step',
      )
      .map((row) => ({ ...row, metrics: sortKeys(row.metrics) })),
  };
}

const sortKeys = (json: string): unknown =>
  Object.entries(JSON.parse(json) as Record<string, number>).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );

/** A call is completed later, so that runs have a second revision. */
function correct(bench: SyncBench): SampleObservation {
  const { store } = bench.server;
  const row = store
    .view()
    .observations.find(
      (one) =>
        one.truth.kind === 'generation' &&
        one.level !== 'ERROR' &&
        one.startMs >= firstDayMs + dayMs &&
        one.endMs !== null,
    );
  if (row === undefined) throw new Error('no call to correct');
  return store.changeObservation(row, { endMs: (row.endMs ?? 0) + 4321 });
}

/** Declares the tests for one kind of target; `server` is null for the local store. */
function declare(server: () => string | null): void {
  test('sync and backfill refuse, recover rebuilds the ledger, and sync then writes nothing', async () => {
    await using place = await openSynced(server(), 'lost');
    const { bench } = place;
    correct(bench);
    expect((await bench.sync()).runs.updated).toBeGreaterThan(2);
    const where = { ...place, experimentName: 'lost' };
    const before = await damage(where, (mlflow) => mlflow.runs());
    const ledger = readLedger(bench);
    const watermark = (await bench.sync()).watermarkMs;

    lose(bench);
    const refused = {
      code: 'STATE_LOST',
      hint: expect.stringMatching(/recover.*SYNC_STATE_FILE.*MLFLOW_EXPERIMENT_NAME/s),
      message: expect.stringContaining('already holds runs of Langfuse project'),
    };
    await expect(bench.sync()).rejects.toMatchObject(refused);
    // The second time too: a refusal leaves nothing that a later sync would take for its own.
    await expect(bench.sync()).rejects.toMatchObject(refused);
    const range = { kind: 'backfill' as const, fromMs: firstDayMs, toMs: firstDayMs + dayMs };
    await expect(bench.sync({ request: range })).rejects.toMatchObject(refused);
    expect(await damage(where, (mlflow) => mlflow.runs())).toEqual(before);

    const recovered = await bench.recover();
    expect(recovered).toMatchObject({
      windows: 2,
      incomplete: 0,
      duplicates: 0,
      notUnderstood: [],
    });
    expect(recovered.firstWindowMs).toBe(firstDayMs);
    expect(readLedger(bench)).toEqual(ledger);

    const again = await bench.sync();
    expect(again.failed).toEqual([]);
    expect(again.windowsRead).toBe(2);
    expect(again.mlflow.writes).toBe(0);
    expect(again.runs).toMatchObject({ created: 0, updated: 0, deleted: 0 });
    expect(again.watermarkMs).toBe(watermark);
    expect(await damage(where, (mlflow) => mlflow.runs())).toEqual(before);
    expect(named(await bench.verify())).toEqual([]);

    // Revisions go on where they were.
    correct(bench);
    expect((await bench.sync()).runs.created).toBe(0);
    expect(named(await bench.verify())).toEqual([]);
    const after = await damage(where, (mlflow) => mlflow.runs());
    const revisionOf = (runs: typeof after): number =>
      Number(runs.get('window 2026-11-07')?.tags['langfuse_mlflow.revision']);
    expect([revisionOf(before), revisionOf(after)]).toEqual([1, 2]);
    expect([...after.keys()].toSorted()).toEqual([...before.keys()].toSorted());
  });

  test('rows that came while the state was lost are published, and an unfinished run is finished', async () => {
    await using place = await openSynced(server(), 'meanwhile');
    const { bench } = place;
    const where = { ...place, experimentName: 'meanwhile' };
    const torn = await damage(where, async (mlflow) => {
      const run = await aRunOf(mlflow, 'model');
      await mlflow.log(run, { tags: { 'langfuse_mlflow.complete': 'false' } });
      return run;
    });
    lose(bench);
    addLateRow(place);
    expect((await bench.recover()).incomplete).toBe(1);
    const summary = await bench.sync();
    expect(summary.failed).toEqual([]);
    expect(named(await bench.verify())).toEqual([]);
    const after = await damage(where, (mlflow) => mlflow.target.getRun(torn.runId));
    expect(after?.tags['langfuse_mlflow.complete']).toBe('true');
  });

  test('where there is nothing to recover, it says so', async () => {
    await using place = await openSynced(server(), 'something');
    const { bench } = place;
    await expect(
      bench.recover({ env: { MLFLOW_EXPERIMENT_NAME: 'nothing here' } }),
    ).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('There is nothing to recover: the experiment nothing here'),
    });
    lose(bench);
    await expect(bench.recover({ env: { SYNC_WINDOW: '6h' } })).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringContaining('of windows of 24 h'),
    });
  });
}

describe('recover from the local store', () => {
  declare(() => null);

  test('nothing is published before all windows are read again', async () => {
    const traffic = createSmallTraffic();
    await using bench = await openSyncBench({ traffic, nowMs: nightAfter(3) });
    const rated = bench.server.store
      .view()
      .observations.find(
        (row) => row.truth.kind === 'generation' && row.startMs < traffic.startMs + dayMs,
      );
    if (rated === undefined) throw new Error('no call on the first day');
    addScore(bench, { id: 'next-day', of: rated, timestampMs: rated.startMs + dayMs });
    await bench.sync();
    const [long] = bench.query<{ session_id: string; last: number }>(
      `SELECT session_id, MIN(window_from_ms) AS first, MAX(window_from_ms) AS last FROM counted_facts
       WHERE session_id IS NOT NULL GROUP BY 1 HAVING first < last`,
    );
    if (long === undefined) throw new Error('no session over several days');
    lose(bench);
    const { lastWindowEndMs } = await bench.recover();

    const last = await bench.sync({
      request: { kind: 'backfill', fromMs: long.last, toMs: long.last + dayMs },
    });
    expect([last.mlflow.writes, last.failed.length, last.windowsRead]).toEqual([0, 0, 1]);
    expect(bench.query('SELECT * FROM publications')).toEqual([]);
    await expect(bench.verify()).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('windows are not read again yet'),
    });
    const all = await bench.sync();
    expect([all.mlflow.writes, all.failed.length]).toEqual([0, 0]);
    expect(all.watermarkMs).toBe(lastWindowEndMs);
    expect(named(await bench.verify())).toEqual([]);
  });

  test('a window that Langfuse no longer has is left as MLflow has it', async () => {
    await using place = await openSynced(null, 'retention');
    const { bench } = place;
    const where = { ...place, experimentName: 'retention' };
    const before = await damage(where, (mlflow) => mlflow.runs());
    lose(bench);
    const { store } = bench.server;
    for (const row of store.view().observations) {
      if (row.startMs < firstDayMs + dayMs) store.deleteObservation(row);
    }
    await bench.recover();
    const summary = await bench.sync();
    expect(summary.failed.map(({ window, error }) => [window.fromMs, error.code])).toEqual([
      [firstDayMs, 'LANGFUSE_UNEXPECTED'],
    ]);
    expect(summary.failed[0]?.error.message).toContain('MLflow holds runs of');
    expect(summary.watermarkMs).toBe(firstDayMs);
    const found = await bench.verify({ isRepair: true });
    expect(found.isClean).toBe(false);
    expect(found.repair?.windowsLeft.map((window) => window.fromMs)).toEqual([firstDayMs]);
    expect(found.mlflow.findings).toEqual([]);
    // The report of the day after goes on to stand beside what the run of that day was told.
    expect(await damage(where, (mlflow) => mlflow.runs())).toEqual(before);
  });

  test('a state file that still knows its runs, those of requests too, may be rebuilt', async () => {
    await using place = await openSynced(null, 'healthy', { SYNC_REQUEST_RUNS: 'true' });
    const { bench } = place;
    const ledger = readLedger(bench);
    expect((await bench.recover()).runs.request).toBeGreaterThan(100);
    expect(readLedger(bench)).toEqual(ledger);
    const summary = await bench.sync();
    expect([summary.mlflow.writes, summary.failed.length]).toEqual([0, 0]);
    expect(named(await bench.verify())).toEqual([]);
  });

  test('a second run of a key and a run that tells nothing of itself are counted and left to verify', async () => {
    await using place = await openSynced(null, 'odd');
    const { bench } = place;
    const where = { ...place, experimentName: 'odd' };
    await damage(where, async (mlflow) => {
      const run = await aRunOf(mlflow, 'session');
      const { 'mlflow.runName': _name, ...tags } = run.tags;
      const source = { 'langfuse_mlflow.source': tags['langfuse_mlflow.source'] ?? '' };
      for (const given of [tags, { ...source, 'langfuse_mlflow.key': 'f'.repeat(32) }]) {
        const copy = { experimentId: mlflow.experimentId, name: 'odd', startMs: 1, tags: {} };
        const { runId } = await mlflow.target.createRun(copy);
        await mlflow.target.logBatch({ runId, metrics: [], params: run.params, tags: given });
      }
    });
    lose(bench);
    const recovered = await bench.recover();
    expect(recovered).toMatchObject({ duplicates: 1, notUnderstood: [{ name: 'odd' }] });
    expect((await bench.sync()).failed).toEqual([]);
    const found = await bench.verify({ isRepair: true });
    // A run of which nothing is known may be somebody's: it is named, never deleted.
    expect(found.repair?.left.map((drift) => [drift.kind, drift.grain])).toEqual([
      ['unknown', 'unknown'],
    ]);
  });
});

describeWithMlflow('recover from a server', ['newest'], () => {
  let mlflow: MlflowServer;
  let proxy: MlflowProxy;
  beforeAll(async () => {
    mlflow = await startMlflowServer({ version: 'newest' });
    proxy = await startMlflowProxy(mlflow.url);
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await mlflow?.stop();
  });

  declare(() => mlflow.url);

  test('no call of the whole recovery writes to MLflow, and MLflow equals an independent count', async () => {
    await using place = await openSynced(proxy.url, 'watched');
    const { bench } = place;
    lose(bench);
    proxy.seen.length = 0;
    await expect(bench.sync()).rejects.toMatchObject({ code: 'STATE_LOST' });
    expect(proxy.seen.length).toBeLessThan(5);
    await bench.recover();
    const recovering = proxy.seen.length;
    await bench.sync();
    expect(proxy.seen.filter(isWrite).map((request) => request.path)).toEqual([]);
    // A page of runs, and the history of each metric of each trend.
    const perTrend = 40;
    expect(recovering).toBeLessThan(15 + 10 * perTrend);
    const api = createMlflowApi(mlflow.url);
    const runs = await api.searchRuns(await api.findExperimentId('watched'));
    const expected = await expectRuns(bench);
    expect(checkRuns(runs, expected)).toEqual([]);
    expect(await checkTrends(api, runs, expected)).toEqual([]);
  });
});
