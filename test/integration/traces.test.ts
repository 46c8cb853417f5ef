/** Langfuse traces as MLflow traces, read back through MLflow's own API, against the numbers of the runs. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMlflowApi, type ApiRun } from '../support/mlflow-api.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { askOverview, getSpans, searchTraces, type ApiTrace } from '../support/mlflow-traces.ts';
import { createSmallTraffic, nightAfter } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';

const experiment = 'litellm-monitoring';

interface CountedTrace {
  readonly trace_id: string;
  readonly session_id: string | null;
  readonly start_ms: number;
  readonly total_tokens: number | null;
  readonly calls: number;
  readonly is_error: number;
}

describeWithMlflow('traces of a sync to MLflow (newest)', ['newest'], () => {
  let bench: SyncBench;
  let mlflow: MlflowServer;
  let experimentId: string;

  beforeAll(async () => {
    mlflow = await startMlflowServer({ version: 'newest' });
    bench = await openSyncBench({
      traffic: createSmallTraffic(),
      nowMs: nightAfter(0),
      trackingUri: mlflow.url,
      env: { SYNC_TRACES: 'all' },
      server: { mode: 'dual', duplicateShare: 0.05 },
    });
    await syncNights([0, 1]);
    experimentId = await createMlflowApi(mlflow.url).findExperimentId(experiment);
  });

  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]();
    await mlflow?.stop();
  });

  async function syncNights(nights: readonly number[]): Promise<void> {
    for (const night of nights) {
      bench.setNow(nightAfter(night));
      const summary = await bench.sync();
      expect(summary.failed).toEqual([]);
    }
  }

  const counted = (): CountedTrace[] =>
    bench.query<CountedTrace>(
      `SELECT trace_id, MIN(session_id) AS session_id, MIN(start_ms) AS start_ms, SUM(total_tokens) AS total_tokens,
         COUNT(*) AS calls, MAX(is_final_attempt * is_error) AS is_error
       FROM counted_facts GROUP BY trace_id ORDER BY trace_id`,
    );

  const byLangfuseId = async (): Promise<Map<string, ApiTrace>> => {
    const traces = await searchTraces(mlflow.url, experimentId);
    return new Map(traces.map((trace) => [trace.tags['langfuse_mlflow.trace_id'] ?? '', trace]));
  };

  const windowRuns = async (): Promise<ApiRun[]> => {
    const runs = await createMlflowApi(mlflow.url).searchRuns(experimentId);
    return runs.filter((run) => run.tags['langfuse_mlflow.grain'] === 'window');
  };

  /** The numbers of MLflow's Overview page are those of the window runs. */
  async function checkOverview(): Promise<void> {
    const runs = await windowRuns();
    const sum = (metric: string): number =>
      runs.reduce((total, run) => total + Number(run.metrics[metric] ?? 0), 0);
    const tokens = {
      input_tokens: 'prompt_tokens',
      output_tokens: 'completion_tokens',
      total_tokens: 'total_tokens',
      cache_read_input_tokens: 'cache_read_tokens',
      cache_creation_input_tokens: 'cache_write_tokens',
    };
    for (const [metric, ours] of Object.entries(tokens)) {
      const shown = await askOverview(mlflow.url, {
        experimentId,
        view: 'TRACES',
        metric,
        aggregation: 'SUM',
      });
      expect([metric, shown.get('')]).toEqual([metric, sum(ours)]);
    }
    const costs = await askOverview(mlflow.url, {
      experimentId,
      view: 'SPANS',
      metric: 'total_cost',
      aggregation: 'SUM',
      by: 'span_model_name',
    });
    const modelCosts = new Map(
      bench
        .query<{ model: string; cost: number | null }>(
          'SELECT model, SUM(cost_usd) AS cost FROM counted_facts GROUP BY model',
        )
        .map(({ model, cost }) => [model, cost ?? 0]),
    );
    expect(sum('cost_usd')).toBeGreaterThan(0);
    for (const [model, cost] of modelCosts) expect(costs.get(model) ?? 0).toBeCloseTo(cost, 9);
    expect([...costs.values()].reduce((total, cost) => total + cost, 0)).toBeCloseTo(
      sum('cost_usd'),
      9,
    );
  }

  it('holds each trace with a call once, with its time, session, tokens and outcome', async () => {
    const expected = counted();
    expect(expected.length).toBeGreaterThan(20);
    const traces = await byLangfuseId();
    expect([...traces.keys()].toSorted()).toEqual(expected.map(({ trace_id }) => trace_id));
    for (const row of expected) {
      const trace = traces.get(row.trace_id);
      const usage = JSON.parse(trace?.trace_metadata['mlflow.trace.tokenUsage'] ?? 'null') as {
        total_tokens: number;
      } | null;
      expect({
        session: trace?.trace_metadata['mlflow.trace.session'] ?? null,
        tokens: usage?.total_tokens ?? null,
        state: trace?.state,
      }).toEqual({
        session: row.session_id,
        tokens: row.total_tokens,
        state: row.is_error === 1 ? 'ERROR' : 'OK',
      });
      expect(Date.parse(trace?.request_time ?? '')).toBeLessThanOrEqual(row.start_ms);
    }
  });

  it('belongs to the run of its session', async () => {
    const runs = await createMlflowApi(mlflow.url).searchRuns(experimentId);
    const sessions = new Map(runs.map((run) => [run.params['session_id'], run.runId]));
    for (const trace of (await byLangfuseId()).values()) {
      const session = trace.trace_metadata['mlflow.trace.session'];
      if (session === undefined) continue;
      expect(trace.trace_metadata['mlflow.sourceRun']).toBe(sessions.get(session));
    }
  });

  it('shows a tree of spans with the texts of its calls', async () => {
    const [row] = counted().toSorted((a, b) => b.calls - a.calls);
    const trace = (await byLangfuseId()).get(row?.trace_id ?? '');
    const spans = await getSpans(mlflow.url, trace?.trace_id ?? '');
    expect(spans.length).toBeGreaterThanOrEqual(row?.calls ?? 0);
    const ids = new Set(spans.map((span) => span.span_id));
    expect(spans.filter((span) => !span.parent_span_id)).toHaveLength(1);
    expect(spans.every((span) => !span.parent_span_id || ids.has(span.parent_span_id))).toBe(true);
    const withText = spans.filter((span) => span.attributes['mlflow.spanInputs'] !== undefined);
    expect(withText.length).toBeGreaterThan(0);
    expect(trace?.request_preview).toBeTruthy();
  });

  it('shows in its Overview what the runs say', checkOverview);

  it('writes nothing when nothing has changed', async () => {
    const summary = await bench.sync();
    expect(summary.mlflow.writes).toBe(0);
  });

  it('corrects traces when rows come late, and shows the same as the runs', async () => {
    await syncNights([2]);
    expect([...(await byLangfuseId()).keys()].toSorted()).toEqual(
      counted().map(({ trace_id }) => trace_id),
    );
    await checkOverview();
  });

  it('carries scores as feedback', async () => {
    const scored = bench.query<{ trace_id: string; n: number }>(
      `SELECT trace_id, COUNT(*) AS n FROM scores
       WHERE trace_id IN (SELECT trace_id FROM counted_facts) AND (value IS NOT NULL OR string_value IS NOT NULL)
       GROUP BY trace_id`,
    );
    expect(scored.length).toBeGreaterThan(0);
    const traces = await byLangfuseId();
    for (const { trace_id, n } of scored)
      expect(traces.get(trace_id)?.assessments ?? []).toHaveLength(n);
  });

  it('makes none twice after the state file was lost', async () => {
    const before = await searchTraces(mlflow.url, experimentId);
    rmSync(bench.stateFile);
    for (const suffix of ['-wal', '-shm']) rmSync(`${bench.stateFile}${suffix}`, { force: true });
    await bench.recover();
    await syncNights([2]);
    const after = await searchTraces(mlflow.url, experimentId);
    expect(after.map((trace) => trace.trace_id)).toEqual(before.map((trace) => trace.trace_id));
    await checkOverview();
  });
});
