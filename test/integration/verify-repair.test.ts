/** `verify` names exactly what was damaged, `--repair` mends it, and a second `verify` is clean. */
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkRuns, checkTrends, expectRuns } from '../support/check-runs.ts';
import { damage } from '../support/damage.ts';
import { createMlflowApi } from '../support/mlflow-api.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import {
  createSmallTraffic,
  dayMs,
  hourMs,
  nightAfter,
  tinyNightMs,
} from '../support/small-traffic.ts';
import { openSyncBench } from '../support/sync-bench.ts';
import { harms } from '../support/verify-harms.ts';
import {
  addLateRow,
  addScore,
  aRunOf,
  firstDayMs,
  named,
  openSynced,
} from '../support/verify-place.ts';

/** Declares the tests for one kind of target; `server` is null for the local store. */
function declare(server: () => string | null): void {
  test('one metric edited, one run deleted, one row added late, one artifact overwritten: exactly those four', async () => {
    await using place = await openSynced(server(), 'four');
    const { bench } = place;
    expect(named(await bench.verify())).toEqual([]);

    addLateRow(place);
    const quiet = await bench.sync();
    expect([quiet.windowsRead, quiet.windowsPublished]).toEqual([1, 0]);
    const [edited, deleted, overwritten] = await damage(
      { ...place, experimentName: 'four' },
      async (mlflow) => {
        const model = await aRunOf(mlflow, 'model', (run) => run.metrics['cost_usd'] !== undefined);
        await mlflow.log(model, {
          metrics: [{ key: 'cost_usd', value: 999, step: 41, timestampMs: bench.nowMs() }],
        });
        const session = await aRunOf(mlflow, 'session');
        await mlflow.target.deleteRun(session.runId);
        const window = await mlflow.run('window 2026-11-07');
        await mlflow.overwrite(window, 'requests.json', '{"columns":[],"data":[]}');
        return [model, session, window];
      },
    );

    const found = await bench.verify();
    expect(found.isClean).toBe(false);
    expect(named(found)).toEqual(
      [
        `changed model ${edited?.params['model']}: metric cost_usd`,
        `changed window: artifact requests.json`,
        `missing generation late-row`,
        `missing session ${deleted?.params['session_id']}`,
      ].toSorted(),
    );
    const runs = found.mlflow.findings.map(({ drift }) => drift);
    expect(new Set(runs.map((drift) => drift.runId))).toEqual(
      new Set([edited?.runId, deleted?.runId, overwritten?.runId]),
    );
    const metric = runs.flatMap((drift) => drift.differences).find((one) => one.found === 999);
    expect(metric?.expected).toBe(edited?.metrics['cost_usd']);
    expect(found.langfuse.langfuse.attempts).toBe(found.langfuse.state.attempts + 1);

    const repaired = await bench.verify({ isRepair: true });
    expect(repaired.isClean).toBe(true);
    expect(repaired.repair?.windows.map((window) => window.fromMs)).toEqual([firstDayMs]);
    expect(repaired.repair?.mended).toHaveLength(3);
    expect(repaired.repair?.left).toEqual([]);

    const second = await bench.verify();
    expect(named(second)).toEqual([]);
    expect(second.isClean).toBe(true);
    expect(second.mlflow.notes).toEqual([]);
    const after = await damage({ ...place, experimentName: 'four' }, (mlflow) => mlflow.runs());
    const model = [...after.values()].find((run) => run.runId === edited?.runId);
    expect(model?.metrics['cost_usd']).not.toBe(999);
    expect(Number(model?.tags['langfuse_mlflow.revision'])).toBeGreaterThan(41);
    const again = await bench.sync();
    expect([again.runs.created, again.runs.updated, again.runs.deleted]).toEqual([0, 0, 0]);
  });

  test.each(harms)('$name', async ({ name, harm, keepsRevision }) => {
    await using place = await openSynced(server(), name);
    const { bench } = place;
    const where = { ...place, experimentName: name };
    const before = await damage(where, (mlflow) => mlflow.runs());
    const expected = await damage(where, harm);
    const found = await bench.verify();
    expect(named(found)).toEqual(expected.toSorted());
    const repaired = await bench.verify({ isRepair: true });
    expect(repaired.repair).toMatchObject({ windows: [], left: [] });
    expect(repaired.repair?.mended).toHaveLength(expected.length);
    expect(repaired.isClean).toBe(true);
    expect(named(await bench.verify())).toEqual([]);
    const after = await damage(where, (mlflow) => mlflow.runs());
    expect([...after.keys()].toSorted()).toEqual([...before.keys()].toSorted());
    // Nothing but what was wrong is written: no number, so no new revision either.
    const changed = [...after].filter(
      ([label, run]) => JSON.stringify(run.tags) !== JSON.stringify(before.get(label)?.tags),
    );
    expect(changed.length === 0).toBe(keepsRevision === true);
  });

  test('what people write themselves is no drift and is kept', async () => {
    await using place = await openSynced(server(), 'people');
    const where = { ...place, experimentName: 'people' };
    const mark = await damage(where, async (mlflow) => {
      const run = await aRunOf(mlflow, 'model');
      await mlflow.log(run, {
        tags: { 'mlflow.note.content': 'Looked at on Monday.', reviewed: 'yes' },
        params: { reviewer: 'me' },
        metrics: [{ key: 'my_rating', value: 4, step: 0, timestampMs: 1 }],
      });
      await mlflow.target.updateRun({ runId: run.runId, status: 'FINISHED', name: 'my model' });
      await mlflow.overwrite(run, 'notes.txt', 'mine');
      return run;
    });
    const found = await place.bench.verify({ isRepair: true });
    expect(named(found)).toEqual([]);
    expect(found.mlflow.notes.map((note) => note.runId)).toEqual([mark.runId, mark.runId]);
    const kept = await damage(where, (mlflow) => mlflow.target.getRun(mark.runId));
    expect(kept).toMatchObject({
      name: 'my model',
      tags: { 'mlflow.note.content': 'Looked at on Monday.', reviewed: 'yes' },
      params: { reviewer: 'me' },
      metrics: { my_rating: 4 },
    });
  });
}

describe('verify on the local store', () => {
  declare(() => null);

  test('rows changed, deleted and never read, and a late score, are named and mended', async () => {
    await using place = await openSynced(null, 'rows');
    const { bench } = place;
    const { store } = bench.server;
    const [changed, deleted] = store
      .view()
      .observations.filter(
        (row) =>
          row.truth.kind === 'generation' &&
          row.level !== 'ERROR' &&
          row.truth.tokens !== null &&
          row.startMs < firstDayMs + dayMs &&
          store.view().observations.filter((other) => other.traceId === row.traceId).length === 1,
      );
    if (changed === undefined || deleted === undefined) throw new Error('too few rows');
    store.changeObservation(changed, { endMs: (changed.endMs ?? changed.startMs) + 1234 });
    store.deleteObservation(deleted);
    addScore(bench, { id: 'late-score', of: changed, timestampMs: changed.startMs + hourMs });
    const found = await bench.verify();
    const rows = named(found);
    expect(rows).toContain('missing score late-score');
    expect(rows).toContain(`extra generation ${deleted.id}`);
    expect(rows.filter((row) => row.startsWith(`changed generation ${changed.id}`))).toHaveLength(
      1,
    );
    expect(found.mlflow.findings).toEqual([]);
    expect(found.langfuse.drift[0]?.models.length).toBeGreaterThan(0);

    const repaired = await bench.verify({ isRepair: true });
    expect(repaired.isClean).toBe(true);
    expect(named(await bench.verify())).toEqual([]);
  });

  test('runs of requests are looked at where they are written, and nest under a session that was made again', async () => {
    const name = 'requests';
    await using place = await openSynced(null, name, { SYNC_REQUEST_RUNS: 'true' });
    const { bench } = place;
    expect(named(await bench.verify())).toEqual([]);
    const where = { ...place, experimentName: name };
    const session = await damage(where, async (mlflow) => {
      const child = await aRunOf(mlflow, 'request', (run) => run.tags['session_id'] !== undefined);
      const runs = [...(await mlflow.runs()).values()];
      const parent = runs.find((run) => run.runId === child.tags['mlflow.parentRunId']);
      const other = runs.findLast((run) => run.tags['langfuse_mlflow.grain'] === 'request');
      if (parent === undefined || other === undefined) throw new Error('no parent');
      await mlflow.target.deleteRun(parent.runId);
      await mlflow.target.deleteRun(other.runId);
      return parent;
    });
    const found = await bench.verify();
    expect(found.mlflow.findings.map(({ drift }) => [drift.kind, drift.grain])).toEqual([
      ['missing', 'request'],
      ['missing', 'session'],
    ]);
    expect((await bench.verify({ isRepair: true })).isClean).toBe(true);
    expect(named(await bench.verify())).toEqual([]);
    const parents = await damage(where, async (mlflow) =>
      [...(await mlflow.runs()).values()].map((run) => run.tags['mlflow.parentRunId']),
    );
    expect(parents).not.toContain(session.runId);
    // Switched off, they are left alone and not judged.
    const off = await bench.verify({}, { env: { SYNC_REQUEST_RUNS: 'false' } });
    expect(off.mlflow.runsNotChecked).toBeGreaterThan(100);
    expect(off.mlflow.findings).toEqual([]);
  });

  test('a window whose numbers disagree with its rows is not published, and others are', async () => {
    await using place = await openSynced(null, 'audit');
    const { bench } = place;
    const where = { ...place, experimentName: 'audit' };
    const manifest = await damage(where, async (mlflow) => {
      const run = await mlflow.run('window 2026-11-06');
      return mlflow.target.getArtifact({ run, path: 'manifest.json' });
    });
    const { audit, metrics } = JSON.parse(new TextDecoder().decode(manifest ?? undefined)) as {
      audit: { figures: { metric: string; run: number }[] };
      metrics: Record<string, number>;
    };
    const told = audit.figures.find((figure) => figure.metric === 'requests');
    expect(told).toEqual({
      metric: 'requests',
      run: metrics['requests'],
      sum_of_models: metrics['requests'],
      recomputed: metrics['requests'],
    });

    // Two requests become one that ends twice, as a fault in grouping would make of them.
    const state = new Database(bench.stateFile);
    state
      .prepare(
        `UPDATE facts SET request_id = 'twice' WHERE rowid IN (
           SELECT rowid FROM facts WHERE window_from_ms = ? AND is_final_attempt = 1 AND not_counted IS NULL LIMIT 2)`,
      )
      .run(firstDayMs);
    state.close();
    const before = await damage(where, (mlflow) => mlflow.runs());
    const summary = await bench.sync({
      request: { kind: 'backfill', fromMs: firstDayMs, toMs: firstDayMs + 2 * dayMs },
    });
    expect(summary.failed.map(({ window, error }) => [window.fromMs, error.code])).toEqual([
      [firstDayMs, 'INTERNAL'],
    ]);
    expect(summary.failed[0]?.error.message).toMatch(/was not published: requests is /);
    expect(await damage(where, (mlflow) => mlflow.runs())).toEqual(before);
  });

  test('a window that was passed over is named, and read by the repair', async () => {
    const traffic = createSmallTraffic();
    await using bench = await openSyncBench({ traffic, nowMs: nightAfter(3) });
    for (const day of [0, 2]) {
      const fromMs = traffic.startMs + day * dayMs;
      await bench.sync({ request: { kind: 'backfill', fromMs, toMs: fromMs + dayMs } });
    }
    expect(named(await bench.verify())).toEqual(['unread 2026-11-06']);
    const repaired = await bench.verify({ isRepair: true });
    expect(repaired.repair?.windows.map((window) => window.fromMs)).toEqual([firstDayMs]);
    expect(repaired.isClean).toBe(true);
    expect(named(await bench.verify())).toEqual([]);
  });

  test('only the windows of the range are looked at', async () => {
    await using place = await openSynced(null, 'range');
    addLateRow(place);
    const { bench } = place;
    await damage({ ...place, experimentName: 'range' }, async (mlflow) => {
      await mlflow.target.deleteRun((await mlflow.run('window 2026-11-06')).runId);
    });
    const secondDayMs = firstDayMs + dayMs;
    const second = await bench.verify({ fromMs: secondDayMs });
    expect(named(second)).toEqual([]);
    expect(second.langfuse.windows).toBe(1);
    expect(second.mlflow.runsNotChecked).toBeGreaterThan(0);
    const first = await bench.verify({ toMs: secondDayMs });
    expect(named(first)).toEqual(['missing generation late-row', 'missing window']);
    await expect(bench.verify({ fromMs: secondDayMs + dayMs })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('none of them in the range'),
    });
  });

  test('a window that Langfuse shows empty is said and left as it is', async () => {
    await using place = await openSynced(null, 'emptied');
    const { bench } = place;
    const { store } = bench.server;
    for (const row of store.view().observations) {
      if (row.startMs < firstDayMs + dayMs) store.deleteObservation(row);
    }
    const runs = await damage({ ...place, experimentName: 'emptied' }, (mlflow) => mlflow.runs());
    const found = await bench.verify({ isRepair: true });
    expect(found.isClean).toBe(false);
    expect(found.langfuse.drift).toMatchObject([
      { isEmptied: true, window: { fromMs: firstDayMs } },
    ]);
    expect(found.repair?.windowsLeft.map((window) => window.fromMs)).toEqual([firstDayMs]);
    expect(
      await damage({ ...place, experimentName: 'emptied' }, (mlflow) => mlflow.runs()),
    ).toEqual(runs);
  });

  test('nothing is written by looking', async () => {
    await using place = await openSynced(null, 'looking');
    const { bench } = place;
    addLateRow(place);
    const dump = (): unknown =>
      ['facts', 'windows', 'ledger', 'trend_points', 'publications', 'scores', 'messages'].map(
        (table) => bench.query(`SELECT * FROM ${table}`),
      );
    const before = dump();
    const summary = await bench.verify();
    expect(summary.isClean).toBe(false);
    expect(summary.mlflowTraffic.writes).toBe(0);
    expect(dump()).toEqual(before);
  });
});

describeWithMlflow('verify on a server', ['newest'], () => {
  let mlflow: MlflowServer;
  beforeAll(async () => {
    mlflow = await startMlflowServer({ version: 'newest' });
  });
  afterAll(() => mlflow?.stop());

  declare(() => mlflow.url);

  test('after the repair MLflow equals an independent count of what Langfuse shows', async () => {
    await using place = await openSynced(mlflow.url, 'counted');
    addLateRow(place);
    await damage({ ...place, experimentName: 'counted' }, async (damaged) => {
      for (const [label, run] of await damaged.runs()) {
        if (!/^(model|trend|window)/.test(label)) continue;
        await damaged.log(run, {
          metrics: [{ key: 'requests', value: 7, step: 9, timestampMs: tinyNightMs }],
        });
      }
    });
    const repaired = await place.bench.verify({ isRepair: true });
    expect(repaired.isClean).toBe(true);
    const api = createMlflowApi(mlflow.url);
    const runs = await api.searchRuns(await api.findExperimentId('counted'));
    const expected = await expectRuns(place.bench);
    expect(checkRuns(runs, expected)).toEqual([]);
    expect(await checkTrends(api, runs, expected)).toEqual([]);
  });
});
