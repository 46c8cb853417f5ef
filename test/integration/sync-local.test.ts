/** The local store: no server to sync to, and the newest MLflow shows in its own API all that was written. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkArtifacts, toTable } from '../support/check-artifacts.ts';
import {
  checkRuns,
  checkTrends,
  expectRuns,
  toLabel,
  type Expectation,
} from '../support/check-runs.ts';
import { createMlflowApi, type ApiRun, type MlflowApi } from '../support/mlflow-api.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { createSmallTraffic, dayMs, nightAfter } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';

const experiment = 'litellm-monitoring';

describeWithMlflow('a local store in MLflow', ['newest'], () => {
  let bench: SyncBench;
  let mlflow: MlflowServer | null = null;

  async function syncEachNight(nights: readonly number[]): Promise<void> {
    for (const night of nights) {
      bench.setNow(nightAfter(night));
      const summary = await bench.sync();
      expect(summary.failed).toEqual([]);
    }
  }

  async function openInMlflow(): Promise<MlflowApi> {
    mlflow = await startMlflowServer({ version: 'newest', cwd: bench.folder });
    return createMlflowApi(mlflow.url);
  }

  async function readRuns(api: MlflowApi): Promise<ApiRun[]> {
    return api.searchRuns(await api.findExperimentId(experiment));
  }

  async function expectAll(api: MlflowApi): Promise<ApiRun[]> {
    const expected = await expectRuns(bench);
    const runs = await readRuns(api);
    expect(checkRuns(runs, expected)).toEqual([]);
    expect(await checkTrends(api, runs, expected)).toEqual([]);
    expect(await checkArtifacts(api, runs, expected)).toEqual([]);
    return runs;
  }

  beforeAll(async () => {
    bench = await openSyncBench({ traffic: createSmallTraffic(), nowMs: nightAfter(0) });
  });

  afterAll(async () => {
    await mlflow?.stop();
    await bench?.[Symbol.asyncDispose]();
  });

  it('is all there, also after MLflow has upgraded it and more nights have come, with MLflow open or not', async () => {
    await syncEachNight([0, 1]);
    const first = await expectAll(await openInMlflow());
    expect(first.length).toBeGreaterThan(30);
    await mlflow?.stop();

    // MLflow has upgraded the file by now, and is not running.
    await syncEachNight([2, 3]);
    const api = await openInMlflow();
    const second = await expectAll(api);
    const ids = new Set(second.map((run) => run.runId));
    expect(first.filter((run) => !ids.has(run.runId))).toEqual([]);
    expect(second.length).toBeGreaterThan(first.length);

    // And once more while it is open.
    await syncEachNight([5]);
    const third = await expectAll(api);
    expect(third.length).toBe(second.length + 2);
    const again = await bench.sync();
    expect(again.runs).toEqual({ created: 0, updated: 0, unchanged: 0, deleted: 0 });
    expect(again.mlflow.writes).toBe(0);
    expect(await readRuns(api)).toEqual(third);
  });

  it('is searched by the names of the contract', async () => {
    const api = createMlflowApi(mlflow?.url ?? '');
    const id = await api.findExperimentId(experiment);
    const expected = await expectRuns(bench);
    const search = async (filter: string): Promise<number> =>
      (await api.searchRuns(id, filter)).length;
    expect(await search("tags.`langfuse_mlflow.grain` = 'window'")).toBe(expected.days.length);
    expect(await search("tags.`langfuse_mlflow.grain` = 'model'")).toBe(
      expected.byDayAndModel.size,
    );
    expect(await search("tags.`langfuse_mlflow.grain` = 'session'")).toBe(expected.bySession.size);
    expect(
      await search("params.model = 'gpt-4o-mini' and tags.`langfuse_mlflow.window` = '2026-11-05'"),
    ).toBe(1);
    expect(await search('metrics.requests > 0 and metrics.`latency_ms/p95` > 0')).toBeGreaterThan(
      20,
    );
    const [window] = await api.searchRuns(
      id,
      "tags.`langfuse_mlflow.grain` = 'window' and attributes.run_name = '2026-11-05'",
    );
    const models = [...expected.byDayAndModel.keys()].filter((name) =>
      name.startsWith('2026-11-05'),
    );
    const sessions = [...expected.bySession.values()].filter(
      (attempts) => attempts[0]?.day === '2026-11-05',
    );
    expect(await search(`tags.mlflow.parentRunId = '${window?.runId}'`)).toBe(
      models.length + sessions.length,
    );
  });

  describe('one generation', () => {
    it('can be followed by hand from Langfuse to the trend', async () => {
      const api = createMlflowApi(mlflow?.url ?? '');
      const runs = await readRuns(api);
      const expected: Expectation = await expectRuns(bench);
      const call = expected.attempts.find(
        (one) =>
          one.sessionId !== null &&
          (one.costUsd ?? 0) > 0 &&
          (one.tokens?.cacheRead ?? 0) > 0 &&
          one.canonicalModel === 'claude-sonnet-4-5-20250929' &&
          one.row.writer === 'ingestion',
      );
      if (call === undefined) throw new Error('no such call in the small traffic');

      // 1. Langfuse: what the client of LiteLLM was billed for.
      const { publicKey, secretKey } = bench.server.keys;
      const answer = await fetch(
        `${bench.server.url}/api/public/observations/${encodeURIComponent(call.id)}`,
        {
          headers: {
            authorization: `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`,
          },
        },
      );
      const row = (await answer.json()) as {
        usageDetails: { output: number; total: number; cache_read_input_tokens: number };
        costDetails: { total: number };
        model: string;
      };
      const costUsd = row.costDetails.total;
      const completionTokens = row.usageDetails.output;
      const promptTokens = row.usageDetails.total - completionTokens;
      expect(costUsd).toBeGreaterThan(0);

      // 2. The state file: one fact.
      const facts = bench.query<Fact>(
        'SELECT * FROM counted_facts WHERE trace_id = ? AND id = ?',
        call.traceId,
        call.id,
      );
      expect(facts).toHaveLength(1);
      expect(facts[0]).toMatchObject({
        model: 'claude-sonnet-4-5-20250929',
        model_raw: row.model,
        session_id: call.sessionId,
        prompt_tokens: promptTokens,
        completion_tokens: completionTokens,
        total_tokens: row.usageDetails.total,
        cache_read_tokens: row.usageDetails.cache_read_input_tokens,
        cost_usd: costUsd,
        cost_source: 'provided',
      });

      // 3. The model's run of the day: this call and all others of it, added up.
      const modelRun = find(runs, `model ${call.day} claude-sonnet-4-5-20250929`);
      const table = toTable(await api.downloadArtifact(modelRun.runId, 'requests.json'));
      const column = (name: string): unknown[] =>
        table.data.map((cells) => cells[table.columns.indexOf(name)]);
      const place = column('observation_id').indexOf(call.id);
      expect([column('cost_usd')[place], column('prompt_tokens')[place]]).toEqual([
        costUsd,
        promptTokens,
      ]);
      expect(modelRun.metrics['cost_usd']).toBeCloseTo(sum(column('cost_usd')), 9);
      expect(modelRun.metrics['prompt_tokens']).toBe(sum(column('prompt_tokens')));
      expect(modelRun.metrics['completion_tokens']).toBe(sum(column('completion_tokens')));
      expect(modelRun.metrics['attempts']).toBe(table.data.length);

      // 4. The window's run, which the model's run hangs below: all models of the day.
      const windowRun = find(runs, `window ${call.day}`);
      expect(modelRun.tags['mlflow.parentRunId']).toBe(windowRun.runId);
      const ofDay = runs.filter((run) => toLabel(run).startsWith(`model ${call.day}`));
      expect(windowRun.metrics['prompt_tokens']).toBe(
        sum(ofDay.map((run) => run.metrics['prompt_tokens'])),
      );
      expect(windowRun.metrics['cost_usd']).toBeCloseTo(
        sum(ofDay.map((run) => run.metrics['cost_usd'])),
        9,
      );

      // 5. The session's run.
      const sessionRun = find(runs, `session ${call.sessionId}`);
      const ofSession = toTable(await api.downloadArtifact(sessionRun.runId, 'requests.json'));
      const costs = ofSession.data.map((cells) => cells[ofSession.columns.indexOf('cost_usd')]);
      expect(
        ofSession.data.map((cells) => cells[ofSession.columns.indexOf('observation_id')]),
      ).toContain(call.id);
      expect(sessionRun.metrics['cost_usd']).toBeCloseTo(sum(costs), 9);

      // 6. The model's trend: the run's number at the day.
      const trend = find(runs, 'trend claude-sonnet-4-5-20250929');
      const dayStartMs = Date.parse(call.day);
      const points = await api.getHistory(trend.runId, 'cost_usd');
      expect(points.findLast((point) => point.step === dayStartMs / dayMs)?.value).toBe(
        modelRun.metrics['cost_usd'],
      );
    });
  });
});

interface Fact {
  readonly model: string;
}

function find(runs: readonly ApiRun[], label: string): ApiRun {
  const run = runs.find((one) => toLabel(one) === label);
  if (run === undefined) throw new Error(`no run ${label}`);
  return run;
}

/** Null cells are unknown, and in no sum. */
function sum(values: readonly unknown[]): number {
  return values.reduce(
    (total: number, value) => total + (typeof value === 'number' ? value : 0),
    0,
  );
}
