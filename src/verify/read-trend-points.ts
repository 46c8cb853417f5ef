/** The points of a trend run as a ledger would keep them, from the histories of its metrics. */
import { metricColumns } from '../metrics/aggregate-query.ts';
import { toTrendPoint } from '../runs/trend.ts';
import type { CustomMetric } from '../shared/measures.ts';
import type { TrendPoint } from '../store/ledger.ts';
import type { MetricPoint, StoredRun, Target } from '../sync/ports.ts';
import { toWindow } from './compare-facts.ts';

/** One request per metric of the run. Points are those that MLflow shows: of each step the newest in time. */
export async function readTrendPoints(
  target: Pick<Target, 'metricHistory'>,
  trend: {
    readonly run: StoredRun;
    readonly key: string;
    readonly source: string;
    readonly model: string;
    readonly windowMs: number;
    /** Metrics of the settings file. */
    readonly own: readonly CustomMetric[];
  },
): Promise<TrendPoint[]> {
  const { run, source, model, windowMs } = trend;
  const steps = new Map<number, Map<string, MetricPoint>>();
  for (const { name } of metricColumns('trend', trend.own)) {
    if (run.metrics[name] === undefined) continue;
    // In order of step and time, so that the last one of a step stays.
    for (const point of await target.metricHistory(run.runId, name)) {
      const ofStep = steps.get(point.step) ?? new Map<string, MetricPoint>();
      steps.set(point.step, ofStep);
      ofStep.set(name, point);
    }
  }
  return [...steps].map(([step, points]) => {
    const fromMs = step * windowMs;
    const metrics = new Map(
      [...points]
        .filter(([, point]) => !Number.isNaN(point.value))
        .map(([name, point]) => [name, point.value]),
    );
    // A correction is written one millisecond later than what it corrects.
    const newestMs = Math.max(...[...points.values()].map((point) => point.timestampMs));
    const { hash } = toTrendPoint({ source, model, interval: toWindow(fromMs, windowMs), metrics });
    return {
      key: trend.key,
      step,
      revision: Math.max(0, newestMs - fromMs),
      hash,
      metrics: Object.fromEntries(metrics),
      state: 'done',
    };
  });
}
