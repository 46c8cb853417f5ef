/** Publishes the trend point of one model in one window. */
import { hashOf } from '../shared/hash.ts';
import { completeTag, hashTag, revisionTag } from '../runs/tags.ts';
import { toTrendRun, type TrendPointSpec } from '../runs/trend.ts';
import { publishRun, type Publishing, type PublishOutcome } from './publish-run.ts';

/**
 * Creates the model's trend run when it is missing, then logs the point. A corrected point is logged at the
 * same step with a time one millisecond later per correction: MLflow shows the latest time of a step.
 */
export async function publishTrendPoint(
  publishing: Publishing,
  trend: {
    readonly source: string;
    readonly model: string;
    readonly point: TrendPointSpec;
    readonly windowToMs: number;
  },
): Promise<PublishOutcome> {
  const { ledger, target } = publishing;
  const { point } = trend;
  const before = ledger.getPoint(point.key, point.step);
  if (before?.state === 'done' && before.hash === point.hash) return 'unchanged';
  const known = ledger.get(point.key);
  const outcome =
    known?.state === 'done'
      ? 'updated'
      : await publishRun(
          publishing,
          toTrendRun({ source: trend.source, model: trend.model, startMs: point.timestampMs }),
        );
  const run = ledger.get(point.key);
  if (!run?.runId) throw new Error(`the trend run of ${trend.model} has no id`);

  const revision =
    before === null
      ? 0
      : before.state !== 'done' && before.hash === point.hash
        ? before.revision
        : before.revision + 1;
  const metrics = Object.fromEntries(point.metrics);
  const names = new Set([...Object.keys(before?.metrics ?? {}), ...point.metrics.keys()]);
  // Written ahead with every name that may be in MLflow, so that none is forgotten when it must be retracted.
  ledger.putPoint({
    key: point.key,
    step: point.step,
    revision,
    hash: point.hash,
    metrics: { ...before?.metrics, ...metrics },
    state: 'writing',
  });
  const points = ledger.points(point.key);
  await target.logBatch({
    runId: run.runId,
    metrics: [...names].map((key) => ({
      key,
      value: point.metrics.get(key) ?? Number.NaN,
      step: point.step,
      timestampMs: point.timestampMs + revision,
    })),
    params: {},
    tags: {
      [hashTag]: hashOf(points.map((one) => [one.step, one.hash])),
      [revisionTag]: String(points.reduce((sum, one) => sum + one.revision, 0)),
      [completeTag]: 'true',
    },
  });
  if (points.every((one) => one.step <= point.step)) {
    await target.updateRun({ runId: run.runId, status: 'FINISHED', endMs: trend.windowToMs });
  }
  ledger.putPoint({
    key: point.key,
    step: point.step,
    revision,
    hash: point.hash,
    metrics,
    state: 'done',
  });
  return outcome === 'created' ? 'created' : 'updated';
}
