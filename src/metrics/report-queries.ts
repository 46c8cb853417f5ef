/** SQL of the figures of a report that are no metrics of a run. Pure text; the store runs it. */
import { metricColumns } from './aggregate-query.ts';

/** Upper ends, in milliseconds, of the bars of the latency distribution; the last bar has none. */
export const latencyEdgesMs: readonly number[] = [
  250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000,
];

/**
 * Requests and known cost per span of `@bucketMs` and model: `bucket` (0 is the one that begins at `@bucketFromMs`),
 * `model`, `requests`, `cost_usd`. Summed over the buckets they are the metrics of the same names.
 */
export function buildTimelineQuery(where: string): string {
  return `SELECT (start_ms - CAST(@bucketFromMs AS INTEGER)) / CAST(@bucketMs AS INTEGER) AS bucket, model,
  SUM(is_final_attempt) AS requests, ${costSql()} AS cost_usd
FROM counted_facts WHERE ${where} GROUP BY 1, 2 ORDER BY 1, 2`;
}

/** How many attempts of a model fall into each bar of the distribution: `model`, `bar`, `attempts`. */
export function buildLatencyQuery(where: string): string {
  const cases = latencyEdgesMs.map((edge, index) => `WHEN latency_ms < ${edge} THEN ${index}`);
  return `SELECT model, CASE ${cases.join(' ')} ELSE ${latencyEdgesMs.length} END AS bar, COUNT(*) AS attempts
FROM counted_facts WHERE ${where} AND is_error = 0 AND latency_ms IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2`;
}

/** Failed attempts by class: `error_class`, `model`, `attempts`, `errors` (requests that ended so), first and last time. */
export function buildFailureQuery(where: string): string {
  return `SELECT error_class, http_status, model, COUNT(*) AS attempts, SUM(is_final_attempt) AS errors,
  MIN(start_ms) AS first_ms, MAX(start_ms) AS last_ms
FROM counted_facts WHERE ${where} AND is_error = 1
GROUP BY 1, 2, 3 ORDER BY attempts DESC, 1, 2, 3`;
}

/** The catalogue's own expression, so that parts and whole are counted alike. */
function costSql(): string {
  return metricColumns('window').find((column) => column.name === 'cost_usd')?.sql ?? 'NULL';
}
