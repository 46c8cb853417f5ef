/** A settings file over real traffic: what it adds, what it leaves out, and what becomes of it when it changes. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SampleObservation } from '../../src/demo/sample-types.ts';
import { additiveMetrics } from '../../src/sync/audit-window.ts';
import { readLocalPoints, readLocalRuns } from '../support/local-runs.ts';
import type { ApiRun } from '../support/mlflow-api.ts';
import { createSmallTraffic, dayMs, smallStartMs, nightAfter } from '../support/small-traffic.ts';
import { openSyncBench, type SyncBench } from '../support/sync-bench.ts';

const lastNight = 3;
let bench: SyncBench;
let path: string;

beforeAll(async () => {
  const traffic = createSmallTraffic();
  bench = await openSyncBench({
    traffic: { ...traffic, observations: traffic.observations.map(withYourMetric) },
    nowMs: nightAfter(lastNight),
  });
  path = join(bench.folder, 'custom.yaml');
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const env = (): Record<string, string> => ({ SYNC_SETTINGS_FILE: path });

async function syncWith(text: string | null): Promise<Awaited<ReturnType<SyncBench['sync']>>> {
  if (text !== null) writeFileSync(path, text);
  const summary = await bench.sync({ env: text === null ? {} : env() });
  expect(summary.failed).toEqual([]);
  return summary;
}

const runsOf = (grain: string): ApiRun[] =>
  readLocalRuns(bench.folder)
    .filter((run) => run.tags['langfuse_mlflow.grain'] === grain)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A metric of every run of a grain; null where it is absent or was taken back. */
const shown = (runs: readonly ApiRun[], name: string): (number | null)[] =>
  runs.map((run) => {
    const value = run.metrics[name];
    return typeof value === 'number' ? value : null;
  });

/** By step, what a chart shows of a metric of a trend; a point that was taken back is not shown. */
function latestPoints(runId: string, name: string): Map<number, number | string> {
  const points = readLocalPoints(bench.folder, runId)[name] ?? [];
  const latest = new Map(points.map((point) => [point.step, point.value]));
  return new Map([...latest].filter(([, value]) => value !== 'NaN'));
}

async function expectVerified(withFile = true): Promise<void> {
  const verified = await bench.verify({}, { env: withFile ? env() : {} });
  expect(verified.mlflow.findings.map(({ drift }) => drift)).toEqual([]);
  expect(verified.langfuse.drift).toEqual([]);
}

/** What a client sends with its calls in the first example of the docs: 0.1 on the first day, 0.2 on the second, … */
const yourMetricOf = (startMs: number): number =>
  (1 + Math.floor((startMs - smallStartMs) / dayMs)) / 10;

function withYourMetric(row: SampleObservation): SampleObservation {
  if (row.truth.kind !== 'generation') return row;
  return { ...row, metadata: { ...row.metadata, your_metric: yourMetricOf(row.startMs) } };
}

/** The fenced YAML examples of the docs, in their order. */
function examplesOfDocs(): string[] {
  const page = readFileSync(
    fileURLToPath(new URL('../../docs/custom-metrics.md', import.meta.url)),
    'utf8',
  );
  return page
    .split('```')
    .filter((block) => block.startsWith('yaml\n'))
    .map((block) => block.replace('yaml\n', ''));
}

describe('one settings file after another', () => {
  let plain: ApiRun[];

  test('nothing is written for a file without entries', async () => {
    await syncWith(null);
    plain = readLocalRuns(bench.folder);
    const summary = await syncWith('# nothing yet\n');
    expect(summary.mlflow.writes).toBe(0);
  });

  test('the first example of the docs is what clients sent, of each day, model and session, and in the trends', async () => {
    await syncWith(examplesOfDocs()[0] ?? '');
    const busy = [...runsOf('window'), ...runsOf('model')].filter(
      (run) => run.metrics['attempts'] !== 0,
    );
    expect(busy.length).toBeGreaterThan(10);
    for (const run of busy)
      expect(run.metrics['your_metric']).toBeCloseTo(yourMetricOf(run.startMs ?? 0), 9);
    expect(shown(runsOf('session'), 'your_metric').every((mean) => mean !== null)).toBe(true);
    const trend = runsOf('trend').find((run) => run.name === 'trend all models');
    const points = readLocalPoints(bench.folder, trend?.runId ?? '')['your_metric'] ?? [];
    expect(points.length).toBeGreaterThan(2);
    for (const { timestampMs, value } of points)
      expect(value).toBeCloseTo(yourMetricOf(timestampMs), 9);
    await expectVerified();
  });

  test('each other example of the docs can be used as it stands, and gives what it names', async () => {
    const [, metrics = '', dimensions = '', filters = '', models = '', ...more] = examplesOfDocs();
    expect(more).toEqual([]);

    await syncWith(metrics);
    for (const name of ['night_requests', 'output_per_input'])
      expect(shown(runsOf('window'), name).some((value) => value !== null)).toBe(true);
    expect(shown(runsOf('model'), 'slow_share').some((value) => value !== null)).toBe(true);
    expect(shown(runsOf('window'), 'slow_share').every((value) => value === null)).toBe(true);
    await expectVerified();

    await syncWith(dimensions);
    expect(new Set(runsOf('dimension').map((run) => run.params['dimension']))).toEqual(
      new Set(['team', 'user', 'feature', 'weekday']),
    );
    await expectVerified();

    await syncWith(filters);
    const [counted] = bench.query<{ kept: number }>(
      `SELECT COUNT(*) AS kept FROM counted_facts
       WHERE environment IS NOT 'smoke' AND COALESCE(key_alias, '') <> 'ci'`,
    );
    const attempts = shown(runsOf('window'), 'attempts').reduce<number>((a, b) => a + (b ?? 0), 0);
    expect(attempts).toBe(counted?.kept);
    await expectVerified();

    await syncWith(models);
    expect(runsOf('window').length).toBeGreaterThan(2);
    await expectVerified();
  });

  test('an own metric is in every run that it is asked for', async () => {
    await syncWith(
      'metrics:\n  - { name: your_metric, sql: SUM(total_tokens) / 2.0, unit: tokens, grains: [window, model, session, trend] }',
    );
    for (const grain of ['window', 'model', 'session']) {
      const runs = runsOf(grain);
      const halves = shown(runs, 'total_tokens').map((total) =>
        total === null ? null : total / 2,
      );
      expect(halves.some((half) => half !== null)).toBe(true);
      expect(shown(runs, 'your_metric')).toEqual(halves);
    }
    for (const trend of runsOf('trend')) {
      const totals = latestPoints(trend.runId, 'total_tokens');
      const halves = [...totals].map(([step, total]) => [step, Number(total) / 2]);
      expect([...latestPoints(trend.runId, 'your_metric')]).toEqual(halves);
    }
    await expectVerified();
  });

  test('the same file again writes nothing', async () => {
    const before = readFileSync(path, 'utf8');
    const summary = await syncWith(before);
    expect(summary.mlflow.writes).toBe(0);
  });

  test('a metric that was taken out is taken back, another one comes', async () => {
    await syncWith('metrics:\n  - { name: other_metric, sql: COUNT(*), grains: [window] }');
    expect(shown(runsOf('window'), 'your_metric').every((value) => value === null)).toBe(true);
    expect(shown(runsOf('model'), 'your_metric').every((value) => value === null)).toBe(true);
    expect(shown(runsOf('window'), 'other_metric')).toEqual(shown(runsOf('window'), 'attempts'));
    for (const trend of runsOf('trend'))
      expect(trend.metrics['your_metric']).not.toBeTypeOf('number');
    await expectVerified();
  });

  test('dimension runs add up to their window, the rest is one run that says how many values it holds', async () => {
    await syncWith(
      `dimensions:
  - { name: user, top: 2 }
  - client_tool
  - { name: tag, top: 1 }
  - { name: hour, sql: "strftime('%H', start_ms / 1000, 'unixepoch')", top: 3 }
`,
    );
    const windows = runsOf('window');
    const runs = runsOf('dimension');
    for (const window of windows) {
      const nested = runs.filter((run) => run.tags['mlflow.parentRunId'] === window.runId);
      for (const dimension of ['user', 'client_tool', 'hour']) {
        const parts = nested.filter((run) => run.params['dimension'] === dimension);
        for (const metric of additiveMetrics) {
          const sum = shown(parts, metric).reduce<number>(
            (total, value) => total + (value ?? 0),
            0,
          );
          expect(sum).toBeCloseTo(shown([window], metric)[0] ?? 0, 6);
        }
      }
      const [users] = bench.query<{ values: number }>(
        `SELECT COUNT(DISTINCT user_id) AS "values" FROM counted_facts WHERE window_from_ms = ?`,
        window.startMs ?? 0,
      );
      const rest = nested.find((run) => run.name.endsWith('user=(other)'));
      expect(rest?.metrics['other_values']).toBe((users?.values ?? 0) - 2);
      expect(rest?.params).toMatchObject({ dimension_value: '(other)', dimension_group: 'other' });
    }
    expect(runs.some((run) => run.name.includes(' tag='))).toBe(true);
    await expectVerified();

    // A percentile of the rest is that of its facts, not a sum or mean over its values.
    const rest = runs.find((run) => run.name.endsWith('hour=(other)'));
    const kept = new Set(
      runs
        .filter((run) => run.startMs === rest?.startMs && run.params['dimension'] === 'hour')
        .flatMap((run) =>
          run.params['dimension_group'] === 'value' ? [run.params['dimension_value']] : [],
        ),
    );
    const latencies = bench
      .query<{ latency_ms: number; hour: string }>(
        `SELECT latency_ms, strftime('%H', start_ms / 1000, 'unixepoch') AS hour FROM counted_facts
         WHERE window_from_ms = ? AND is_error = 0 AND latency_ms IS NOT NULL ORDER BY latency_ms`,
        rest?.startMs ?? 0,
      )
      .filter(({ hour }) => !kept.has(hour))
      .map((row) => row.latency_ms);
    const rank = (latencies.length - 1) / 2;
    const median = ((latencies[Math.floor(rank)] ?? 0) + (latencies[Math.ceil(rank)] ?? 0)) / 2;
    expect(latencies.length).toBeGreaterThan(2);
    expect(rest?.metrics['latency_ms/p50']).toBeCloseTo(median, 6);
  });

  test('a filter leaves out facts everywhere, sessions and models too, and the manifest says so', async () => {
    const [known] = bench.query<{ model: string }>(
      'SELECT model FROM counted_facts GROUP BY model ORDER BY COUNT(*) DESC LIMIT 1',
    );
    const model = known?.model ?? '';
    await syncWith(`filters:\n  - { name: one_model, sql: model = '${model}' }`);
    expect(runsOf('dimension')).toEqual([]);
    expect(new Set(runsOf('model').map((run) => run.params['model']))).toEqual(new Set([model]));
    const trends = runsOf('trend');
    expect(new Set(trends.map((run) => run.params['model']))).toEqual(new Set([undefined, model]));
    const [ofAll, ofModel] = [undefined, model].map((of) => {
      const run = trends.find((trend) => trend.params['model'] === of);
      return latestPoints(run?.runId ?? '', 'total_tokens');
    });
    expect(ofAll?.size).toBeGreaterThan(1);
    expect(ofAll).toEqual(ofModel);
    const sessions = bench.query<{ session_id: string }>(
      'SELECT DISTINCT session_id FROM counted_facts WHERE model = ? AND session_id IS NOT NULL ORDER BY 1',
      model,
    );
    expect(
      runsOf('session')
        .map((run) => run.params['session_id'] ?? '')
        .toSorted(byText),
    ).toEqual(sessions.map((row) => row.session_id).toSorted(byText));
    const attempts = shown(runsOf('window'), 'attempts').reduce<number>((a, b) => a + (b ?? 0), 0);
    const [counted] = bench.query<{ all: number; of_model: number }>(
      'SELECT COUNT(*) AS "all", SUM(model = ?) AS of_model FROM counted_facts',
      model,
    );
    expect(attempts).toBe(counted?.of_model);
    const manifests = runsOf('window').map(
      (run) =>
        JSON.parse(readFileSync(join(bench.folder, run.artifactUri, 'manifest.json'), 'utf8')) as {
          settings: { filters: Record<string, string>; left_out_by_filters: number };
        },
    );
    expect(manifests[0]?.settings.filters).toEqual({ one_model: `model = '${model}'` });
    const leftOut = manifests.reduce((sum, one) => sum + one.settings.left_out_by_filters, 0);
    expect(leftOut).toBe((counted?.all ?? 0) - (counted?.of_model ?? 0));
    await expectVerified();
  });

  test('a price makes an estimate of an unknown cost, marked and counted, and touches no other', async () => {
    const unknown = bench.query<{ model: string; tokens: number; output: number; calls: number }>(
      `SELECT model, SUM(uncached_prompt_tokens + cache_read_tokens + cache_write_tokens) AS tokens,
         SUM(completion_tokens) AS output, COUNT(*) AS calls
       FROM counted_facts WHERE cost_source = 'unknown' AND total_tokens IS NOT NULL GROUP BY model ORDER BY model`,
    );
    expect(unknown.length).toBeGreaterThan(0);
    const entries = unknown.map(
      ({ model }) =>
        `  - { name: ${JSON.stringify(model)}, price_per_million_tokens: { input: 2, output: 10, cache_read: 2, cache_write: 2 } }`,
    );
    await syncWith(`models:\n${entries.join('\n')}\n`);
    const sum = (name: string): number =>
      shown(runsOf('window'), name).reduce<number>((a, b) => a + (b ?? 0), 0);
    const estimate = unknown.reduce(
      (usd, row) => usd + (row.tokens * 2 + row.output * 10) / 1e6,
      0,
    );
    const calls = unknown.reduce((total, row) => total + row.calls, 0);
    expect(sum('cost_own_price_usd')).toBeCloseTo(estimate, 9);
    expect(sum('cost_own_price_requests')).toBe(calls);
    const plainSum = (name: string): number =>
      shown(
        plain.filter((run) => run.tags['langfuse_mlflow.grain'] === 'window'),
        name,
      ).reduce<number>((a, b) => a + (b ?? 0), 0);
    expect(sum('cost_usd')).toBeCloseTo(plainSum('cost_usd') + estimate, 9);
    expect(sum('cost_provided_usd')).toBeCloseTo(plainSum('cost_provided_usd'), 9);
    expect(sum('cost_unknown_requests')).toBe(plainSum('cost_unknown_requests') - calls);
    expect(sum('cost_estimated_requests')).toBe(plainSum('cost_estimated_requests') + calls);
    await expectVerified();
  });

  test('without a file everything is as it was', async () => {
    await syncWith(null);
    const now = readLocalRuns(bench.folder);
    const toPlain = (runs: readonly ApiRun[]): unknown[] =>
      runs
        .map((run) => ({
          key: run.tags['langfuse_mlflow.key'],
          params: run.params,
          metrics: Object.fromEntries(
            Object.entries(run.metrics).filter(([, value]) => value !== 'NaN'),
          ),
        }))
        .toSorted((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1));
    expect(toPlain(now)).toEqual(toPlain(plain));
    await expectVerified(false);
  });

  test('a state file that was lost is recovered with its dimension runs', async () => {
    await syncWith(
      'dimensions: [user, environment]\nmetrics:\n  - { name: m, sql: COUNT(*), grains: [trend] }\n',
    );
    const before = runsOf('dimension').map((run) => run.tags['langfuse_mlflow.revision']);
    expect(before.length).toBeGreaterThan(0);
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(`${bench.stateFile}${suffix}`, { force: true });
    const recovered = await bench.recover({ env: env() });
    expect(recovered.notUnderstood).toEqual([]);
    expect(recovered.runs.dimension).toBe(before.length);
    const request = {
      kind: 'backfill',
      fromMs: smallStartMs,
      toMs: smallStartMs + 4 * dayMs,
    } as const;
    const summary = await bench.sync({ env: env(), request });
    expect(summary.failed).toEqual([]);
    expect(runsOf('dimension').map((run) => run.tags['langfuse_mlflow.revision'])).toEqual(before);
    await expectVerified();
  });
});
