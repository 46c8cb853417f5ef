/** Builds the SQL that turns facts into the metrics of a grain. Pure text; the store runs it. */
import { catalogue } from './catalogue.ts';
import type { CustomMetric } from '../shared/measures.ts';
import { statisticSql, type MetricGrain } from './metric.ts';

/** One published name and its SQL aggregate. */
export interface MetricColumn {
  readonly name: string;
  readonly sql: string;
}

/** The columns of a grain, distributions spread over their statistics, then those of `own` metrics. */
export function metricColumns(
  grain: MetricGrain,
  own: readonly CustomMetric[] = [],
): MetricColumn[] {
  const known = catalogue
    .filter((metric) => metric.grains.includes(grain))
    .flatMap((metric) => {
      if (metric.kind === 'scalar') return [{ name: metric.name, sql: metric.sql }];
      const statistics = grain === 'trend' ? metric.trendStatistics : metric.statistics;
      return statistics.map((statistic) => ({
        name: `${metric.name}/${statistic}`,
        sql: statisticSql[statistic](metric.valueSql),
      }));
    });
  const custom = own
    .filter((metric) => metric.grains.includes(grain))
    .map(({ name, sql }) => ({ name, sql: `(${sql})` }));
  return [...known, ...custom];
}

/** What is grouped: a column of facts, or null for one group over everything that `where` leaves. */
export interface AggregateQuery {
  readonly grain: MetricGrain;
  readonly groupBy: string | null;
  /** SQL condition with named parameters. */
  readonly where: string;
  /** Names of the metrics that are wanted; all of the grain by default. */
  readonly only?: readonly string[];
  /** Metrics of the settings file. */
  readonly own?: readonly CustomMetric[];
}

/**
 * `SELECT group_key, <one column per metric> FROM counted_facts WHERE … GROUP BY …`, ordered by the key.
 * A group without facts gives no row.
 */
export function buildAggregateQuery(query: AggregateQuery): string {
  const columns = metricColumns(query.grain, query.own)
    .filter((column) => query.only?.includes(column.name) ?? true)
    .map((column) => `${column.sql} AS "${column.name}"`);
  const key = query.groupBy ?? "''";
  return [
    `SELECT ${key} AS group_key,`,
    `  ${columns.join(',\n  ')}`,
    'FROM counted_facts',
    `WHERE ${query.where}`,
    query.groupBy === null
      ? 'HAVING COUNT(*) > 0'
      : `GROUP BY ${query.groupBy} ORDER BY ${query.groupBy}`,
  ].join('\n');
}

/** A row of {@link buildAggregateQuery} as metrics; NULL (unknown) is left out. */
export function toMetrics(row: Readonly<Record<string, unknown>>): Map<string, number> {
  const metrics = new Map<string, number>();
  for (const [name, value] of Object.entries(row)) {
    if (name !== 'group_key' && typeof value === 'number' && Number.isFinite(value))
      metrics.set(name, value);
  }
  return metrics;
}
