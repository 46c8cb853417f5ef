/**
 * Every body that is sent to an MLflow server is made here and nowhere else: text for params and tags,
 * integers for times and steps, known statuses, and chunks within every limit. Why: see limits.ts.
 */
import type { CreateRun, LogBatch, RunStatus } from '../sync/ports.ts';
import { AppError } from '../shared/errors.ts';
import { toMetricKey, toParamKey, toTagKey } from './keys.ts';
import {
  batchLimits,
  toMetricValue,
  toParamValue,
  toRunName,
  toStep,
  toTagValue,
  toTimeMs,
} from './limits.ts';

export interface WireMetric {
  readonly key: string;
  /** NaN travels as the string "NaN"; as a JSON number it would be `null`. */
  readonly value: number | 'NaN';
  readonly timestamp: number;
  readonly step: number;
}

export interface WirePair {
  readonly key: string;
  readonly value: string;
}

/** The body of one `runs/log-batch` call. Empty lists are left out. */
export interface LogBatchBody {
  readonly run_id: string;
  readonly metrics?: readonly WireMetric[];
  readonly params?: readonly WirePair[];
  readonly tags?: readonly WirePair[];
}

export interface CreateRunBody {
  readonly experiment_id: string;
  readonly run_name: string;
  readonly start_time: number;
  readonly tags: readonly WirePair[];
}

/** The server keeps this tag equal to the run's name, and refuses a call where the two differ. */
const runNameTag = 'mlflow.runName';

/** Tags in the form they are stored, by their stored keys. */
export function toTagPairs(tags: Readonly<Record<string, string>>): WirePair[] {
  const pairs = new Map<string, WirePair>();
  for (const [key, value] of Object.entries(tags)) {
    const stored = toTagKey(key);
    pairs.set(stored, { key: stored, value: toTagValue(value) });
  }
  return [...pairs.values()];
}

/** Params in the form they are stored. */
export function toParamPairs(params: Readonly<Record<string, string>>): WirePair[] {
  const pairs = new Map<string, WirePair>();
  for (const [key, value] of Object.entries(params)) {
    const stored = toParamKey(key);
    pairs.set(stored, { key: stored, value: toParamValue(value) });
  }
  return [...pairs.values()];
}

/**
 * Metric points in the form they are stored. Of points with the same key, time and step the last one is
 * kept: MLflow would keep all of them and show the largest.
 */
export function toWireMetrics(metrics: LogBatch['metrics']): WireMetric[] {
  const points = new Map<string, WireMetric>();
  for (const metric of metrics) {
    const value = toMetricValue(metric.value);
    const point: WireMetric = {
      key: toMetricKey(metric.key),
      value: Number.isNaN(value) ? 'NaN' : value,
      timestamp: toTimeMs(metric.timestampMs),
      step: toStep(metric.step),
    };
    points.set(`${point.step} ${point.timestamp} ${point.key}`, point);
  }
  return [...points.values()];
}

/**
 * The body of `runs/create`, and the tags that did not fit in it and must follow by `log-batch`. The
 * product's own tags go first: a run must never exist without the key it is found by.
 */
export function toCreateRunBody(run: CreateRun): {
  body: CreateRunBody;
  remainingTags: WirePair[];
} {
  const tags = toTagPairs(run.tags)
    .filter((tag) => tag.key !== runNameTag)
    .toSorted((a, b) => rankOf(a.key) - rankOf(b.key));
  const chunk = takeChunk(tags, { count: batchLimits.tags, bytes: batchLimits.bytes });
  const body: CreateRunBody = {
    experiment_id: run.experimentId,
    run_name: toRunName(run.name),
    start_time: toTimeMs(run.startMs),
    tags: chunk,
  };
  return { body, remainingTags: tags.slice(chunk.length) };
}

function rankOf(tagKey: string): number {
  if (tagKey.startsWith('langfuse_mlflow.')) return 0;
  return tagKey.startsWith('mlflow.') ? 1 : 2;
}

/**
 * The bodies of the `runs/log-batch` calls that write `batch`, none over a limit. Params come first and
 * tags last, so that a refused param writes nothing at all and a completion tag stands for all before it.
 */
export function toLogBatchBodies(batch: LogBatch): LogBatchBody[] {
  return toLogBatchChunks(batch.runId, {
    params: toParamPairs(batch.params),
    metrics: toWireMetrics(batch.metrics),
    tags: toTagPairs(batch.tags),
  });
}

/** The same from values that are already in stored form. */
export function toLogBatchChunks(
  runId: string,
  rows: {
    readonly params: readonly WirePair[];
    readonly metrics: readonly WireMetric[];
    readonly tags: readonly WirePair[];
  },
): LogBatchBody[] {
  const bodies: LogBatchBody[] = [];
  let { params, metrics, tags } = rows;
  while (params.length + metrics.length + tags.length > 0) {
    const budget: { count: number; bytes: number } = {
      count: batchLimits.total,
      bytes: batchLimits.bytes,
    };
    const takenParams = takeChunk(params, budget, batchLimits.params);
    params = params.slice(takenParams.length);
    // MLflow writes params, then metrics, then tags: what comes later waits until what comes first is all in.
    const takenMetrics = params.length > 0 ? [] : takeChunk(metrics, budget, batchLimits.metrics);
    metrics = metrics.slice(takenMetrics.length);
    const isLast = params.length === 0 && metrics.length === 0;
    const takenTags = isLast ? takeChunk(tags, budget, batchLimits.tags) : [];
    tags = tags.slice(takenTags.length);
    bodies.push({
      run_id: runId,
      ...(takenParams.length > 0 ? { params: takenParams } : {}),
      ...(takenMetrics.length > 0 ? { metrics: takenMetrics } : {}),
      ...(takenTags.length > 0 ? { tags: takenTags } : {}),
    });
  }
  return bodies;
}

/** The longest start of `rows` that fits in what is left of `budget`, which shrinks by it. */
function takeChunk<T>(
  rows: readonly T[],
  budget: { count: number; bytes: number },
  limit = Infinity,
): T[] {
  const taken: T[] = [];
  for (const row of rows) {
    const bytes = Buffer.byteLength(JSON.stringify(row)) + 1;
    if (taken.length === limit || budget.count === 0 || budget.bytes < bytes) break;
    budget.count -= 1;
    budget.bytes -= bytes;
    taken.push(row);
  }
  return taken;
}

const statuses = ['RUNNING', 'FINISHED', 'FAILED'] as const satisfies readonly RunStatus[];

/** The body of `runs/update`. Throws INTERNAL on an unknown status: MLflow would ignore it and answer 200. */
export function toUpdateRunBody(update: {
  readonly runId: string;
  readonly status: RunStatus;
  readonly endMs?: number;
  readonly name?: string;
}): { run_id: string; status: RunStatus; end_time?: number; run_name?: string } {
  if (!statuses.includes(update.status)) {
    throw new AppError('INTERNAL', `Not a run status that MLflow knows: ${update.status}.`);
  }
  return {
    run_id: update.runId,
    status: update.status,
    ...(update.endMs === undefined ? {} : { end_time: toTimeMs(update.endMs) }),
    ...(update.name === undefined ? {} : { run_name: toRunName(update.name) }),
  };
}
