/** Points of the trend over all models for windows that were published before there was one. Pure but for the ledger. */
import { metricColumns } from '../metrics/aggregate-query.ts';
import { toTrendKey, toTrendPoint, allModels } from '../runs/trend.ts';
import type { CustomMetric } from '../shared/measures.ts';
import { toInstant } from '../shared/time.ts';
import type { Ledger, TrendPoint } from '../store/ledger.ts';

/**
 * What the window runs in MLflow say, so that the line begins where the traffic did. None once a point was written:
 * each window writes its own from then on.
 */
export function earlierPoints(
  ledger: Ledger,
  trend: {
    readonly source: string;
    readonly windowMs: number;
    /** Start of the window that is being published. */
    readonly fromMs: number;
    /** Metrics of the settings file. */
    readonly own: readonly CustomMetric[];
  },
): TrendPoint[] {
  const { source, windowMs } = trend;
  const key = toTrendKey({ source, model: allModels });
  if (ledger.points(key).some(({ state }) => state === 'done')) return [];
  const names = new Set(metricColumns('trend', trend.own).map(({ name }) => name));
  return ledger.ofGrain(source, 'window').flatMap((entry) => {
    const { windowFromMs, metrics } = entry;
    if (entry.state !== 'done' || windowFromMs === null || windowFromMs === trend.fromMs) return [];
    const interval = {
      fromMs: toInstant(windowFromMs),
      toMs: toInstant(windowFromMs + windowMs),
    };
    const kept = new Map(Object.entries(metrics).filter(([name]) => names.has(name)));
    const { step, hash } = toTrendPoint({ source, model: allModels, interval, metrics: kept });
    return [
      {
        key,
        step,
        revision: 0,
        hash,
        metrics: Object.fromEntries(kept),
        state: 'writing' as const,
      },
    ];
  });
}
