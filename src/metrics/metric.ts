/** What one entry of the metric catalogue is. */

/** Where a metric is published. `trend` metrics become points of the trend runs, of each model and of all. */
export type MetricGrain = 'window' | 'model' | 'session' | 'trend' | 'dimension';

export type MetricUnit = 'count' | 'ratio' | 'tokens' | 'USD' | 'ms' | 'tokens/s';

/** One number per group of facts: an SQL aggregate over the columns of `counted_facts`. NULL means unknown and is not published. */
export interface ScalarMetric {
  readonly kind: 'scalar';
  readonly name: string;
  readonly unit: MetricUnit;
  readonly sql: string;
  readonly meaning: string;
  readonly grains: readonly MetricGrain[];
}

/** Mean, percentiles and maximum of one value per fact, published as `name/mean`, `name/p50`, … NULL values are left out. */
export interface DistributionMetric {
  readonly kind: 'distribution';
  readonly name: string;
  readonly unit: MetricUnit;
  /** SQL expression per fact. */
  readonly valueSql: string;
  readonly statistics: readonly Statistic[];
  readonly meaning: string;
  readonly grains: readonly MetricGrain[];
  /** Which of the statistics go to the trend run. */
  readonly trendStatistics: readonly Statistic[];
}

export type Metric = ScalarMetric | DistributionMetric;

export type Statistic = 'mean' | 'p50' | 'p90' | 'p95' | 'p99' | 'max';

/** SQL of a statistic. Percentiles interpolate linearly between the two nearest ranks and are exact (SQLite's `percentile`). */
export const statisticSql: Readonly<Record<Statistic, (value: string) => string>> = {
  mean: (value) => `AVG(${value})`,
  p50: (value) => `percentile(${value}, 50)`,
  p90: (value) => `percentile(${value}, 90)`,
  p95: (value) => `percentile(${value}, 95)`,
  p99: (value) => `percentile(${value}, 99)`,
  max: (value) => `MAX(${value})`,
};
