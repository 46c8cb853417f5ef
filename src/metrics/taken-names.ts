/** Names of metrics that an own metric can't have. */
import { catalogue } from './catalogue.ts';
import { statisticSql } from './metric.ts';
import { counterMetrics } from './window-counters.ts';
import { otherValuesMetric } from './other-values.ts';

/** Of the catalogue with all their statistics, of the counters, and of the run of the rest of a dimension. */
export const takenMetricNames: ReadonlySet<string> = new Set([
  ...catalogue.flatMap((metric) =>
    metric.kind === 'scalar'
      ? [metric.name]
      : [
          metric.name,
          ...Object.keys(statisticSql).map((statistic) => `${metric.name}/${statistic}`),
        ],
  ),
  ...counterMetrics.map((metric) => metric.name),
  otherValuesMetric,
]);
