/**
 * Compares the runs that MLflow's API gives with what the sample server shows, run by run and metric by metric.
 * Each check returns what differs in words; an empty list is agreement. Shares no code with the product.
 */
import {
  expectMetrics,
  expectScores,
  toExpectedAttempts,
  type ExpectedAttempt,
  type ExpectedGrain,
} from './expected-metrics.ts';
import { groupBy } from './group-by.ts';
import type { ApiRun, MlflowApi } from './mlflow-api.ts';
import { dayMs, hourMs } from './small-traffic.ts';
import type { SyncBench } from './sync-bench.ts';

export interface Expectation {
  readonly source: string;
  readonly attempts: readonly ExpectedAttempt[];
  readonly byDay: ReadonlyMap<string, readonly ExpectedAttempt[]>;
  /** `2026-11-05 gpt-5-mini`. */
  readonly byDayAndModel: ReadonlyMap<string, readonly ExpectedAttempt[]>;
  readonly bySession: ReadonlyMap<string, readonly ExpectedAttempt[]>;
  /** Every day of the traffic, quiet ones too. */
  readonly days: readonly string[];
  readonly doubleLogged: number;
  readonly scores: ReturnType<SyncBench['server']['store']['view']>['scores'];
}

/** SYNC_SETTLE's default. */
const settleMs = 30 * 60_000;

/** What must be in MLflow now, after a sync of all settled days. */
export async function expectRuns(
  bench: SyncBench,
  options: {
    readonly api?: 'v1' | 'v2';
    /** What the alias map of the worker calls a model. */
    readonly aliases?: Readonly<Record<string, string>>;
  } = {},
): Promise<Expectation> {
  const { traffic } = bench;
  const untilMs = Math.floor((bench.nowMs() - settleMs) / dayMs) * dayMs;
  const oracle = await bench.oracle(options.api);
  const view = bench.server.store.view();
  const attempts = toExpectedAttempts(oracle, view.observations)
    .filter((one) => one.startMs < untilMs)
    .map((one) => ({
      ...one,
      canonicalModel: options.aliases?.[one.model] ?? one.canonicalModel,
    }));
  const days: string[] = [];
  for (let startMs = traffic.startMs; startMs < untilMs; startMs += dayMs)
    days.push(toDay(startMs));
  return {
    source: traffic.project.id,
    attempts,
    byDay: groupBy(attempts, (one) => one.day),
    byDayAndModel: groupBy(attempts, (one) => `${one.day} ${one.canonicalModel}`),
    bySession: groupBy(
      attempts.filter((one) => one.sessionId !== null),
      (one) => one.sessionId ?? '',
    ),
    days,
    doubleLogged: oracle.doubleLogged,
    // A score is read with the window of its own time.
    scores: view.scores.filter((score) => score.timestampMs < untilMs),
  };
}

const toDay = (instantMs: number): string => new Date(instantMs).toISOString().slice(0, 10);
const toMs = (day: string): number => Date.parse(`${day}T00:00:00Z`);

/** What one run must be. */
export interface ExpectedRun {
  /** For messages: `model 2026-11-05 gpt-5-mini`. */
  readonly label: string;
  readonly grain: ExpectedGrain | 'trend';
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly window: string | null;
  /** Day of the window run it hangs below. */
  readonly parentDay: string | null;
  readonly startMs: number;
  /** Starts that it may have instead: MLflow can't move a run's start when an earlier row comes late. */
  readonly otherStartsMs: readonly number[];
  readonly endMs: number;
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly artifacts: readonly string[];
}

export function listExpectedRuns(expected: Expectation): ExpectedRun[] {
  const { source, scores } = expected;
  const span = (day: string): Pick<ExpectedRun, 'startMs' | 'otherStartsMs' | 'endMs'> => ({
    startMs: toMs(day),
    otherStartsMs: [],
    endMs: toMs(day) + dayMs,
  });
  const bounds = (day: string): Record<string, string> => ({
    window_from: `${day}T00:00:00.000Z`,
    window_to: new Date(toMs(day) + dayMs).toISOString(),
    source,
  });
  const metricsOf = (
    attempts: readonly ExpectedAttempt[],
    grain: ExpectedGrain,
  ): ExpectedRun['metrics'] => ({
    ...expectMetrics(attempts, grain),
    ...expectScores(attempts, scores, grain),
  });
  const windows = expected.days.map((day): ExpectedRun => {
    const attempts = expected.byDay.get(day) ?? [];
    return {
      label: `window ${day}`,
      grain: 'window',
      name: day,
      params: bounds(day),
      window: day,
      parentDay: null,
      ...span(day),
      metrics: {
        ...(attempts.length === 0
          ? { requests: 0, attempts: 0, errors: 0 }
          : metricsOf(attempts, 'window')),
        rows_quarantined: 0,
      },
      artifacts: [
        'error_groups.json',
        'errors.json',
        'manifest.json',
        'models.json',
        'report.html',
        'requests.json',
        'sessions.json',
      ],
    };
  });
  const models = [...expected.byDayAndModel].map(([name, attempts]): ExpectedRun => {
    const [day = '', model = ''] = name.split(/ (.*)/s);
    return {
      label: `model ${name}`,
      grain: 'model',
      name,
      params: { ...bounds(day), model },
      window: day,
      parentDay: day,
      ...span(day),
      metrics: metricsOf(attempts, 'model'),
      artifacts: ['error_groups.json', 'errors.json', 'report.html', 'requests.json'],
    };
  });
  const sessions = [...expected.bySession].map(([sessionId, attempts]): ExpectedRun => {
    const startMs = Math.min(...attempts.map((one) => one.startMs));
    return {
      label: `session ${sessionId}`,
      grain: 'session',
      name: `session ${sessionId}`,
      params: { session_id: sessionId, source },
      window: toDay(startMs),
      parentDay: toDay(startMs),
      startMs,
      otherStartsMs: attempts.some(isLate) ? attempts.map((one) => one.startMs) : [],
      endMs: Math.max(...attempts.map((one) => one.row.endMs ?? one.startMs)),
      metrics: metricsOf(attempts, 'session'),
      artifacts: ['report.html', 'requests.json', 'transcript.md'],
    };
  });
  const ofAll: ExpectedRun = {
    label: 'trend',
    grain: 'trend',
    name: 'trend all models',
    params: { source },
    window: null,
    parentDay: null,
    startMs: toMs(expected.days[0] ?? ''),
    otherStartsMs: [],
    endMs: toMs(expected.days.at(-1) ?? '') + dayMs,
    metrics: {},
    artifacts: [],
  };
  const trends = [...groupBy(expected.attempts, (one) => one.canonicalModel)].map(
    ([model, attempts]): ExpectedRun => {
      const days = attempts.map((one) => toMs(one.day));
      return {
        label: `trend ${model}`,
        grain: 'trend',
        name: `trend ${model}`,
        params: { model, source },
        window: null,
        parentDay: null,
        startMs: Math.min(...days),
        otherStartsMs: attempts.some(isLate) ? days : [],
        endMs: Math.max(...days) + dayMs,
        metrics: {},
        artifacts: [],
      };
    },
  );
  return [...windows, ...models, ...sessions, ofAll, ...trends];
}

/** Not there yet in the night after its day. */
function isLate({ row }: ExpectedAttempt): boolean {
  return row.availableAtMs > toMs(toDay(row.startMs)) + dayMs + 2.5 * hourMs;
}

/** Names whose value tells how a window was read, and the sum that {@link checkRuns} checks as a whole. */
const readingMetrics = new Set([
  'rows_read',
  'duplicate_rows_dropped',
  'rows_not_counted',
  'double_logged_dropped',
]);

/** Metrics, params, tags, nesting, times and status of every run; no run may be missing, more, or there twice. */
export function checkRuns(runs: readonly ApiRun[], expected: Expectation): string[] {
  const found: string[] = [];
  const expectedRuns = listExpectedRuns(expected);
  const byLabel = groupBy(runs, toLabel);
  const idOfWindow = new Map(
    runs
      .filter((run) => run.tags['langfuse_mlflow.grain'] === 'window')
      .map((run) => [run.name, run.runId]),
  );
  for (const label of byLabel.keys()) {
    if (!expectedRuns.some((run) => run.label === label)) found.push(`${label}: not expected`);
  }
  for (const wanted of expectedRuns) {
    const [run, ...more] = byLabel.get(wanted.label) ?? [];
    if (run === undefined) {
      found.push(`${wanted.label}: missing`);
      continue;
    }
    if (more.length > 0) found.push(`${wanted.label}: there ${more.length + 1} times`);
    const say = (what: string, is: unknown, should: unknown): void => {
      if (JSON.stringify(is) !== JSON.stringify(should))
        found.push(
          `${wanted.label}: ${what} is ${JSON.stringify(is)}, should be ${JSON.stringify(should)}`,
        );
    };
    say('name', run.name, wanted.name);
    say('status', run.status, 'FINISHED');
    if (!wanted.otherStartsMs.includes(run.startMs ?? 0)) say('start', run.startMs, wanted.startMs);
    say('end', run.endMs, wanted.endMs);
    say('params', sorted(run.params), sorted(wanted.params));
    say('window tag', run.tags['langfuse_mlflow.window'] ?? null, wanted.window);
    say('source tag', run.tags['langfuse_mlflow.source'], expected.source);
    say('complete tag', run.tags['langfuse_mlflow.complete'], 'true');
    say('run name tag', run.tags['mlflow.runName'], wanted.name);
    say(
      'parent',
      run.tags['mlflow.parentRunId'] ?? null,
      wanted.parentDay === null ? null : (idOfWindow.get(wanted.parentDay) ?? 'a window run'),
    );
    for (const tag of ['key', 'hash'])
      say(`${tag} tag`, /^[0-9a-f]{32}$/.test(run.tags[`langfuse_mlflow.${tag}`] ?? ''), true);
    if (!/^\d+$/.test(run.tags['langfuse_mlflow.revision'] ?? ''))
      found.push(`${wanted.label}: no revision tag`);
    if (wanted.grain !== 'trend')
      found.push(...compareMetrics(wanted.label, run.metrics, wanted.metrics));
  }
  const doubles = runs.reduce(
    (sum, run) => sum + Number(run.metrics['double_logged_dropped'] ?? 0),
    0,
  );
  if (doubles !== expected.doubleLogged)
    found.push(
      `double_logged_dropped over all windows is ${doubles}, should be ${expected.doubleLogged}`,
    );
  return found;
}

/** `model 2026-11-05 gpt-5-mini`: what a run stands for. */
export function toLabel(run: ApiRun): string {
  const grain = run.tags['langfuse_mlflow.grain'];
  const { model, session_id: sessionId, window_from: from } = run.params;
  return [grain, from?.slice(0, 10), model ?? sessionId]
    .filter((part) => part !== undefined)
    .join(' ');
}

function compareMetrics(
  label: string,
  is: ApiRun['metrics'],
  should: ExpectedRun['metrics'],
): string[] {
  const names = new Set([...Object.keys(is), ...Object.keys(should)]);
  return [...names]
    .filter((name) => !readingMetrics.has(name))
    .flatMap((name) => {
      const value = is[name] ?? null;
      // A score that was taken back is expected nowhere.
      const wanted = should[name] === undefined && value === 'NaN' ? null : should[name];
      if (wanted === undefined)
        return [`${label}: ${name} is ${value}, and nothing says what it should be`];
      return isSame(value, wanted) ? [] : [`${label}: ${name} is ${value}, should be ${wanted}`];
    });
}

/** Counts exactly, fractions to 1e-9; a number that was retracted is NaN and counts as absent. */
function isSame(value: number | string | null, wanted: number | null): boolean {
  const number = value === 'NaN' ? null : value;
  if (number === null || wanted === null) return number === wanted;
  if (typeof number !== 'number') return false;
  if (Number.isInteger(wanted) && Number.isInteger(number)) return number === wanted;
  return Math.abs(number - wanted) <= 1e-9 * Math.max(Math.abs(number), Math.abs(wanted));
}

/** Metrics that a team follows over months: a trend without one of them would be no trend. */
const trendMetrics = [
  'requests',
  'errors',
  'error_rate',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'cache_read_tokens',
  'cost_usd',
  'cost_unknown_requests',
  'latency_ms/mean',
  'latency_ms/p50',
  'latency_ms/p95',
  'time_to_first_token_ms/p50',
  'time_to_first_token_ms/p95',
];

/** Each point of each trend run is the number of its model's run of that day (or of all models), at the step and time of the day. */
export async function checkTrends(
  api: MlflowApi,
  runs: readonly ApiRun[],
  expected: Expectation,
): Promise<string[]> {
  const found: string[] = [];
  for (const run of runs.filter((one) => one.tags['langfuse_mlflow.grain'] === 'trend')) {
    const { model = null } = run.params;
    const daily = new Map(
      expected.days.flatMap((day) => {
        const attempts =
          model === null ? expected.byDay.get(day) : expected.byDayAndModel.get(`${day} ${model}`);
        const step = toMs(day) / dayMs;
        if (attempts !== undefined) return [[step, expectMetrics(attempts, 'model')] as const];
        return model === null ? [[step, quietDay(run)] as const] : [];
      }),
    );
    const names = new Set([...Object.keys(run.metrics), ...trendMetrics]);
    await Promise.all(
      [...names].map(async (name) => {
        const label = `${run.name}: ${name}`;
        const points = name in run.metrics ? await api.getHistory(run.runId, name) : [];
        const byStep = groupBy(points, (point) => point.step);
        for (const step of byStep.keys()) {
          if (!daily.has(step) && byStep.get(step)?.at(-1)?.value !== 'NaN')
            found.push(`${label} has a point at step ${step}`);
        }
        for (const [step, metrics] of daily) {
          const wanted = metrics[name];
          const latest = byStep.get(step)?.at(-1);
          if (wanted === undefined) found.push(`${label} is no metric of a model`);
          else if (!isSame(latest?.value ?? null, wanted))
            found.push(`${label} at step ${step} is ${latest?.value}, should be ${wanted}`);
          const lateMs = latest === undefined ? 0 : latest.timestampMs - step * dayMs;
          // One millisecond per correction.
          if (lateMs < 0 || lateMs > 100)
            found.push(`${label} at step ${step} has the time ${latest?.timestampMs}`);
        }
      }),
    );
  }
  return found;
}

/** A day without a call: no request is a number, all else is unknown. */
function quietDay(run: ApiRun): ExpectedRun['metrics'] {
  const unknown = [...Object.keys(run.metrics), ...trendMetrics].map((name): [string, null] => [
    name,
    null,
  ]);
  return { ...Object.fromEntries(unknown), requests: 0, attempts: 0, errors: 0 };
}

function sorted(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
