/** Once: again, changed, gone, cut off in the middle, or without its memory, MLflow ends as after one clean sync. */
import { toAppError } from '../../src/shared/errors.ts';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SampleObservation, SampleTrace } from '../../src/demo/sample-types.ts';
import { checkRuns, checkTrends, expectRuns, toLabel } from '../support/check-runs.ts';
import { groupBy } from '../support/group-by.ts';
import { createMlflowApi, type ApiRun, type MlflowApi } from '../support/mlflow-api.ts';
import { startMlflowProxy, type MlflowProxy, type SeenRequest } from '../support/mlflow-proxy.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { toComparableRuns } from '../support/same-runs.ts';
import { createTinyTraffic, dayMs, hourMs, tinyNightMs } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';

/** When every late row of the tiny traffic has come in, and both of its days are still looked back at. */
const quietNightMs = tinyNightMs + dayMs;

describeWithMlflow('a sync that is run more than once', ['newest'], () => {
  let mlflow: MlflowServer;
  let proxy: MlflowProxy;
  let api: MlflowApi;
  let bench: SyncBench;

  beforeAll(async () => {
    mlflow = await startMlflowServer({ version: 'newest' });
    proxy = await startMlflowProxy(mlflow.url);
    api = createMlflowApi(mlflow.url);
    bench = await openSyncBench({
      traffic: createTinyTraffic(),
      nowMs: quietNightMs,
      trackingUri: proxy.url,
    });
  });

  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await mlflow?.stop();
  });

  /** A worker with a memory and an experiment of its own. */
  function aWorker(name: string): {
    sync: () => ReturnType<SyncBench['sync']>;
    recover: () => ReturnType<SyncBench['recover']>;
    runs: () => Promise<ApiRun[]>;
    forget: () => void;
  } {
    let memory = 1;
    const env = (): Record<string, string> => ({
      MLFLOW_EXPERIMENT_NAME: name,
      SYNC_STATE_FILE: join(bench.folder, `${name}-${memory}.db`),
    });
    return {
      sync: () => bench.sync({ env: env() }),
      recover: () => bench.recover({ env: env() }),
      runs: async () => api.searchRuns(await api.findExperimentId(name)),
      forget: () => {
        memory += 1;
      },
    };
  }

  it('writes nothing the second time', async () => {
    const worker = aWorker('twice');
    proxy.seen.length = 0;
    const first = await worker.sync();
    expect(first.failed).toEqual([]);
    expect(proxy.seen.filter(isWrite).length).toBeGreaterThan(50);
    const before = await worker.runs();

    proxy.seen.length = 0;
    bench.setNow(quietNightMs + hourMs);
    const second = await worker.sync();
    expect(second.failed).toEqual([]);
    expect(second.windowsRead).toBe(3);
    expect(proxy.seen.length).toBeGreaterThan(0);
    expect(proxy.seen.filter(isWrite).map((request) => request.path)).toEqual([]);
    expect(await worker.runs()).toEqual(before);
    expect(checkRuns(before, await expectRuns(bench))).toEqual([]);
  });

  it('ends as an uninterrupted one, wherever MLflow goes away', async () => {
    const clean = aWorker('clean');
    proxy.seen.length = 0;
    await clean.sync();
    const calls = proxy.seen.length;
    const wanted = toComparableRuns(await clean.runs(), { isSameServer: true });
    expect(wanted.length).toBeGreaterThan(20);

    for (const share of [0.05, 0.4, 0.93]) {
      const cut = Math.floor(calls * share);
      const worker = aWorker(`cut-${cut}`);
      let count = 0;
      proxy.onRequest = () => ((count += 1) > cut ? 'reset' : 'pass');
      // Before the first window it is the run that fails, then each window.
      const codes = await worker.sync().then(
        ({ failed }) => failed.map(({ error }) => error.code),
        (error: unknown) => [toAppError(error).code],
      );
      expect(codes).toContain('MLFLOW_UNREACHABLE');
      proxy.onRequest = () => 'pass';
      const partial = toComparableRuns(await worker.runs(), { isSameServer: true });
      expect(partial).not.toEqual(wanted);

      const resumed = await worker.sync();
      expect(resumed.failed).toEqual([]);
      const runs = await worker.runs();
      expect(toComparableRuns(runs, { isSameServer: true })).toEqual(wanted);
      expect(await checkTrends(api, runs, await expectRuns(bench))).toEqual([]);
    }
  });

  it('makes no second run when the answer to a create is lost', async () => {
    const worker = aWorker('lost-answers');
    let creates = 0;
    proxy.onRequest = (request) => {
      if (!request.path.endsWith('/runs/create')) return 'pass';
      creates += 1;
      return creates % 3 === 0 ? 'lose-answer' : 'pass';
    };
    // Each run of the worker ends at the first lost answer, finds what it made in the next one, and goes on.
    let failed = 1;
    for (let attempt = 0; failed > 0 && attempt < 30; attempt += 1) {
      failed = (await worker.sync()).failed.length;
    }
    proxy.onRequest = () => 'pass';
    expect(failed).toBe(0);
    expect(creates).toBeGreaterThan(20);
    expect(checkRuns(await worker.runs(), await expectRuns(bench))).toEqual([]);
  });

  it('finds its runs again when its state file is lost', async () => {
    const worker = aWorker('forgetful');
    await worker.sync();
    const before = await worker.runs();
    worker.forget();
    proxy.seen.length = 0;
    await expect(worker.sync()).rejects.toMatchObject({ code: 'STATE_LOST' });
    await worker.recover();
    const again = await worker.sync();
    expect(again.failed).toEqual([]);
    expect(proxy.seen.filter(isWrite).map((request) => request.path)).toEqual([]);
    const runs = await worker.runs();
    expect(toComparableRuns(runs)).toEqual(toComparableRuns(before));
    expect(runs.map((run) => run.runId).toSorted()).toEqual(
      before.map((run) => run.runId).toSorted(),
    );
    expect(await checkTrends(api, runs, await expectRuns(bench))).toEqual([]);
  });

  it('corrects a number that rose and one that fell, and touches no other run', async () => {
    const worker = aWorker('corrected');
    await worker.sync();
    const before = new Map((await worker.runs()).map((run) => [toLabel(run), run]));
    const [risen, fallen] = [takeCall(bench, 0), takeCall(bench, 1)];
    changeUsage(bench, risen, { factor: 10 });
    changeUsage(bench, fallen, { factor: 0.1 });

    const summary = await worker.sync();
    expect(summary.failed).toEqual([]);
    const expected = await expectRuns(bench);
    const runs = await worker.runs();
    expect(checkRuns(runs, expected)).toEqual([]);
    expect(await checkTrends(api, runs, expected)).toEqual([]);

    const touched = new Set(
      [risen, fallen].flatMap((row) => {
        const attempt = expected.attempts.find((one) => one.id === row.id);
        const { day, canonicalModel: model } = attempt ?? { day: '', canonicalModel: '' };
        return [
          `window ${day}`,
          // Their reports stand beside the day before and the same weekday before.
          ...[1, 7].map((days) => `window ${addDays(day, days)}`).filter((one) => before.has(one)),
          `model ${day} ${model}`,
          `trend ${model}`,
          // The one over all models, by its label.
          'trend',
          ...(attempt?.sessionId ? [`session ${attempt.sessionId}`] : []),
        ];
      }),
    );
    const revised = runs.filter((run) => run.tags['langfuse_mlflow.revision'] !== '0');
    expect(revised.map(toLabel).toSorted()).toEqual([...touched].toSorted());
    const revisions = new Map(
      revised.map((run) => [toLabel(run), run.tags['langfuse_mlflow.revision']]),
    );
    // A trend counts the corrections of its points.
    const days = new Set([risen, fallen].map((row) => Math.floor(row.startMs / dayMs)));
    expect(revisions.get('trend')).toBe(String(days.size));
    revisions.delete('trend');
    expect(new Set(revisions.values())).toEqual(new Set(['1']));
    for (const run of runs.filter((one) => !touched.has(toLabel(one)))) {
      expect(run).toEqual(before.get(toLabel(run)));
    }
    // The number that fell is below the old one, which MLflow would show if both were at one step.
    const label = [...touched].find(
      (one) => one.startsWith('model') && one.endsWith(modelOf(expected, fallen)),
    );
    const fallenRun = runs.find((run) => toLabel(run) === label);
    const history = await api.getHistory(fallenRun?.runId ?? '', 'cost_usd');
    expect(history.map((point) => point.step)).toEqual([0, 1]);
    expect(Number(history[1]?.value)).toBeLessThan(Number(history[0]?.value));
    expect(fallenRun?.metrics['cost_usd']).toBe(history[1]?.value);

    proxy.seen.length = 0;
    await worker.sync();
    expect(proxy.seen.filter(isWrite).map((request) => request.path)).toEqual([]);
  });

  it('deletes the runs whose rows are gone, and retracts the numbers that are', async () => {
    const worker = aWorker('deleted');
    const { goneModel, goneDay } = repeatNextDay(bench, takeCall(bench, 0));
    await worker.sync();
    const before = await worker.runs();
    const earlier = await expectRuns(bench);
    // A model loses one of its days, and a session all that it has.
    const ofModel = earlier.byDayAndModel.get(`${goneDay} ${goneModel}`) ?? [];
    const [goneSession, ofSession = []] =
      [...earlier.bySession].find(([, attempts]) =>
        attempts.every((one) => one.canonicalModel !== goneModel),
      ) ?? [];
    const gone = [...ofModel, ...ofSession];
    expect([ofModel.length, ofSession.length > 0]).toEqual([1, true]);
    const traces = new Set(gone.map((one) => one.traceId));
    const raw = new Set(gone.map((one) => one.model));
    for (const row of bench.server.store.view().observations) {
      // With a call goes what LiteLLM logged of it a second time.
      if (traces.has(row.traceId) && raw.has(row.model ?? '(unknown)'))
        bench.server.store.deleteObservation(row);
    }
    for (const score of bench.server.store.view().scores) {
      if (score.name === 'user-feedback') bench.server.store.deleteScore(score.id);
    }

    const summary = await worker.sync();
    expect(summary.failed).toEqual([]);
    const expected = await expectRuns(bench);
    const runs = await worker.runs();
    expect(checkRuns(runs, expected)).toEqual([]);
    expect(await checkTrends(api, runs, expected)).toEqual([]);

    const left = new Set(runs.map((run) => run.runId));
    const deleted = before.filter((run) => !left.has(run.runId));
    expect(deleted.map(toLabel)).toContain(`model ${goneDay} ${goneModel}`);
    expect(deleted.map(toLabel)).toContain(`session ${goneSession}`);
    expect(summary.runs.deleted).toBe(deleted.length);
    for (const run of deleted) expect(await readStage(mlflow, run.runId)).toBe('deleted');

    const retracted = runs.filter((run) => run.metrics['score/user-feedback/count'] === 'NaN');
    expect(retracted.map(toLabel)).toContain('window 2026-11-06');
    const trend = runs.find((run) => toLabel(run) === `trend ${goneModel}`);
    const points = await api.getHistory(trend?.runId ?? '', 'requests');
    const step = Date.parse(goneDay) / dayMs;
    expect(points.findLast((point) => point.step === step)?.value).toBe('NaN');

    proxy.seen.length = 0;
    await worker.sync();
    expect(proxy.seen.filter(isWrite).map((request) => request.path)).toEqual([]);
  });
});

/** Everything but reading: searches are sent by POST. */
function isWrite(request: SeenRequest): boolean {
  return request.method !== 'GET' && !request.path.split('?')[0]?.endsWith('/search');
}

/** A priced call whose usage is known: the `place`th model's first one. */
function takeCall(bench: SyncBench, place: number): SampleObservation {
  const priced = bench.server.store
    .view()
    .observations.filter(
      (row) =>
        row.truth.kind === 'generation' &&
        row.level !== 'ERROR' &&
        row.metadata['cache_hit'] !== true &&
        (row.costDetails['total'] ?? 0) > 0 &&
        Object.keys(row.costDetails).length === 1,
    );
  const row = [...groupBy(priced, (one) => one.model).values()][place]?.[0];
  if (row === undefined) throw new Error('the tiny traffic has too few priced models');
  return row;
}

/** Langfuse completes the row: all of its tokens and its cost are `factor` times what they were. */
function changeUsage(
  bench: SyncBench,
  row: SampleObservation,
  change: { readonly factor: number },
): void {
  const input = Math.round(1000 * change.factor);
  const output = Math.round(200 * change.factor);
  const hidden = row.metadata['hidden_params'] as Record<string, unknown>;
  bench.server.store.changeObservation(row, {
    usageDetails: { input, output, total: input + output },
    costDetails: { total: (row.costDetails['total'] ?? 0) * change.factor },
    metadata: {
      ...row.metadata,
      usage_object: null,
      hidden_params: { ...hidden, usage_object: null },
    },
  });
}

/** The same call once more, a day later and in a trace of its own: the only one of its model on that day. */
function repeatNextDay(
  bench: SyncBench,
  row: SampleObservation,
): { readonly goneModel: string; readonly goneDay: string } {
  const { store } = bench.server;
  const next = {
    ...row,
    id: `again-${row.id}`,
    traceId: `again-${row.traceId}`,
    startMs: row.startMs + dayMs,
    endMs: (row.endMs ?? row.startMs) + dayMs,
    completionStartMs: null,
    metadata: { ...row.metadata, litellm_call_id: 'again', response_id: 'again' },
  };
  store.putTrace({
    ...aTraceOf(bench, row),
    id: next.traceId,
    sessionId: null,
    timestampMs: next.startMs,
  });
  store.putObservation(next);
  const group = row.metadata['model_group'];
  return {
    goneModel: typeof group === 'string' ? group : (row.model?.split('/').at(-1) ?? ''),
    goneDay: new Date(next.startMs).toISOString().slice(0, 10),
  };
}

function aTraceOf(bench: SyncBench, row: SampleObservation): SampleTrace {
  const trace = bench.server.store.view().traces.get(row.traceId);
  if (trace === undefined) throw new Error(`no trace ${row.traceId}`);
  return trace;
}

function modelOf(expected: Awaited<ReturnType<typeof expectRuns>>, row: SampleObservation): string {
  return expected.attempts.find((one) => one.id === row.id)?.canonicalModel ?? '';
}

async function readStage(mlflow: MlflowServer, runId: string): Promise<string> {
  const answer = await fetch(`${mlflow.url}/api/2.0/mlflow/runs/get?run_id=${runId}`);
  const body = (await answer.json()) as { run: { info: { lifecycle_stage: string } } };
  return body.run.info.lifecycle_stage;
}

function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
