/** Columns of the tables that compare models or sessions: metrics of the catalogue under names that sort and read well. */
import { compare } from './fact-text.ts';
import type { Column } from './table.ts';

export interface Compared {
  /** What tells apart rows that are equal in cost and requests. */
  readonly label: string;
  /** Metrics of the catalogue by name; an absent one is unknown. */
  readonly metrics: ReadonlyMap<string, number>;
}

/** Metric names; in the table `/` becomes `_`. MLflow shows the first five columns of a table without scrolling. */
const comparedMetrics: readonly string[] = [
  'cost_usd',
  'requests',
  'errors',
  'latency_ms/p50',
  'latency_ms/p95',
  'attempts',
  'error_rate',
  'cost_per_request_usd',
  'cost_unknown_requests',
  'prompt_tokens',
  'uncached_prompt_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'completion_tokens',
  'reasoning_tokens',
  'total_tokens',
  'prompt_cache_hit_ratio',
  'time_to_first_token_ms/p50',
  'time_to_first_token_ms/p95',
  'output_tokens_per_second/p50',
  'tool_calls',
];

/** One column per compared metric, after the name of what is compared. */
export function comparisonColumns<Row extends Compared>(
  more: readonly string[] = [],
): readonly Column<Row>[] {
  return [...comparedMetrics, ...more].map((metric) => ({
    name: metric.replaceAll('/', '_'),
    cell: (row) => toKnown(row.metrics.get(metric)),
  }));
}

/** Costliest first, then most requests, then by name; an unknown cost comes after every known one. */
export function byCost(a: Compared, b: Compared): number {
  return (
    compareDescending(a.metrics.get('cost_usd'), b.metrics.get('cost_usd')) ||
    compareDescending(a.metrics.get('requests'), b.metrics.get('requests')) ||
    compare(a.label, b.label)
  );
}

/** A retracted metric is NaN in MLflow: for a reader it is unknown. */
function toKnown(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}

function compareDescending(a: number | undefined, b: number | undefined): number {
  const [left, right] = [toKnown(a), toKnown(b)];
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  return right - left;
}
