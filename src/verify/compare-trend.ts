/** Compares the trend run of a model, point by point, with what its windows hold. */
import { metricColumns } from '../metrics/aggregate-query.ts';
import { toIso } from '../shared/time.ts';
import { completeTag, hashTag } from '../runs/tags.ts';
import { toTrendRun, type TrendPointSpec } from '../runs/trend.ts';
import type { Ledger } from '../store/ledger.ts';
import type { MetricPoint, StoredRun, Target } from '../sync/ports.ts';
import { toRunTags } from '../sync/run-tags.ts';
import { compareRecords, compareTags } from './compare-run.ts';
import type { Difference } from './drift.ts';

export interface ExpectedTrend {
  readonly source: string;
  readonly model: string;
  readonly key: string;
  readonly windowMs: number;
  /** Points by step, of the windows that are checked; windows where the model has no rows give none. */
  readonly points: ReadonlyMap<number, TrendPointSpec>;
  /** Steps of the windows that are checked. */
  readonly steps: ReadonlySet<number>;
  /** Steps of all windows that the state file holds. */
  readonly knownSteps: ReadonlySet<number>;
}

/** A step whose points in MLflow are not those of its window. */
export interface WrongStep {
  readonly step: number;
  /** True where neither the state file nor the ledger knows of a window with that number. */
  readonly isAlien: boolean;
  /** Names under which MLflow holds points at the step. */
  readonly names: readonly string[];
  /** The newest time of a point at the step, or null when there is none. */
  readonly newestMs: number | null;
}

export interface TrendComparison {
  readonly differences: readonly Difference[];
  readonly wrongSteps: readonly WrongStep[];
  readonly comparedPoints: number;
}

/** Reads the history of every metric of the run that is this worker's. */
export async function compareTrend(
  parts: { readonly target: Target; readonly ledger: Ledger },
  expected: ExpectedTrend,
  found: StoredRun,
): Promise<TrendComparison> {
  const latest = await readLatest(parts.target, expected, found);
  const wrongSteps: WrongStep[] = [];
  const differences = compareRunItself(parts, expected, found);
  let comparedPoints = 0;
  const isAlien = (step: number): boolean =>
    !expected.knownSteps.has(step) && parts.ledger.getPoint(expected.key, step) === null;
  const steps = [...expected.steps, ...[...latest.keys()].filter(isAlien)];
  for (const step of steps.toSorted((a, b) => a - b)) {
    const wanted = toStoredMetrics(parts.target, expected.points.get(step)?.metrics ?? new Map());
    const actual = latest.get(step) ?? new Map<string, MetricPoint>();
    comparedPoints += wanted.size;
    const place = isAlien(step) ? `step ${step}` : toIso(step * expected.windowMs);
    const wrong = compareStep(wanted, actual).map((difference) => ({
      ...difference,
      what: `${difference.what} at ${place}`,
    }));
    if (wrong.length === 0) continue;
    differences.push(...wrong);
    wrongSteps.push({
      step,
      isAlien: isAlien(step),
      names: [...actual.keys()],
      newestMs:
        actual.size === 0
          ? null
          : Math.max(...[...actual.values()].map((point) => point.timestampMs)),
    });
  }
  return { differences, wrongSteps, comparedPoints };
}

function compareStep(
  wanted: ReadonlyMap<string, number>,
  actual: ReadonlyMap<string, MetricPoint>,
): Difference[] {
  const differences: Difference[] = [];
  for (const [name, value] of wanted) {
    const point = actual.get(name);
    if (point !== undefined && Object.is(point.value, value)) continue;
    const found = point === undefined ? null : Number.isNaN(point.value) ? 'NaN' : point.value;
    differences.push({ what: `point ${name}`, expected: value, found });
  }
  for (const [name, point] of actual) {
    if (wanted.has(name) || Number.isNaN(point.value)) continue;
    differences.push({ what: `point ${name}`, expected: null, found: point.value });
  }
  return differences;
}

/** By step and name, the point that MLflow shows: the newest time, then the greatest value. */
async function readLatest(
  target: Target,
  expected: ExpectedTrend,
  found: StoredRun,
): Promise<Map<number, Map<string, MetricPoint>>> {
  const own = metricColumns('trend').map((column) => column.name);
  const described = [...expected.points.values()].flatMap((point) => [...point.metrics.keys()]);
  const names = new Set(
    toStoredMetrics(target, new Map([...own, ...described].map((name) => [name, 0]))).keys(),
  );
  const latest = new Map<number, Map<string, MetricPoint>>();
  for (const name of Object.keys(found.metrics).filter((key) => names.has(key))) {
    // In order of step and time, so that the last one of a step stays.
    for (const point of await target.metricHistory(found.runId, name)) {
      const ofStep = latest.get(point.step) ?? new Map<string, MetricPoint>();
      latest.set(point.step, ofStep);
      const known = ofStep.get(name);
      if (known === undefined || isShownBefore(point, known)) ofStep.set(name, point);
    }
  }
  return latest;
}

function isShownBefore(point: MetricPoint, other: MetricPoint): boolean {
  return point.timestampMs === other.timestampMs
    ? point.value > other.value
    : point.timestampMs > other.timestampMs;
}

function toStoredMetrics(
  target: Pick<Target, 'toStoredForm'>,
  metrics: ReadonlyMap<string, number>,
): Map<string, number> {
  const { metrics: stored } = target.toStoredForm({
    name: '',
    tags: {},
    params: {},
    metrics: Object.fromEntries(metrics),
  });
  return new Map(Object.entries(stored));
}

function compareRunItself(
  parts: { readonly target: Target; readonly ledger: Ledger },
  expected: ExpectedTrend,
  found: StoredRun,
): Difference[] {
  const values = toTrendValues(parts.ledger, expected);
  const stored = parts.target.toStoredForm({ name: '', metrics: {}, ...values });
  return [
    ...compareTags(parts.target, { wanted: values.tags, written: [], found: found.tags }),
    ...compareRecords('param', stored.params, found.params),
    ...(found.status === 'FINISHED'
      ? []
      : [{ what: 'status', expected: 'FINISHED', found: found.status }]),
    ...(values.endMs === null || found.endMs === values.endMs
      ? []
      : [{ what: 'end', expected: values.endMs, found: found.endMs }]),
  ];
}

/** Tags, params and end of a trend run; the ledger knows the tags that were written with the last point. */
export function toTrendValues(
  ledger: Ledger,
  trend: Pick<ExpectedTrend, 'source' | 'model' | 'key' | 'windowMs'>,
): {
  readonly tags: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  readonly endMs: number | null;
} {
  const entry = ledger.get(trend.key);
  const spec = toTrendRun({ source: trend.source, model: trend.model, startMs: 0 });
  const steps = ledger
    .points(trend.key)
    .filter((point) => Object.keys(point.metrics).length > 0)
    .map((point) => point.step);
  return {
    tags: {
      ...toRunTags(spec, { parentRunId: null, revision: entry?.revision ?? 0 }),
      ...(entry === null ? {} : { [hashTag]: entry.hash }),
      [completeTag]: 'true',
    },
    params: spec.params,
    endMs: steps.length === 0 ? null : (Math.max(...steps) + 1) * trend.windowMs,
  };
}
