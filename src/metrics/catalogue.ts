/**
 * The metric catalogue: every number that is published, once. docs/metrics.md is generated from it.
 *
 * Words: an *attempt* is one row that LiteLLM logged (double logging removed); a *request* is one call of a
 * client, all its retries and fallbacks together, and its outcome is that of its last attempt.
 */
import type {
  DistributionMetric,
  Metric,
  MetricGrain,
  MetricUnit,
  ScalarMetric,
  Statistic,
} from './metric.ts';

const everywhere: readonly MetricGrain[] = ['window', 'model', 'session', 'trend', 'dimension'];
const notTrend: readonly MetricGrain[] = ['window', 'model', 'session', 'dimension'];
const allStatistics: readonly Statistic[] = ['mean', 'p50', 'p90', 'p95', 'p99', 'max'];

function scalar(
  name: string,
  entry: { unit: MetricUnit; sql: string; meaning: string; grains?: readonly MetricGrain[] },
): ScalarMetric {
  return { kind: 'scalar', name, grains: everywhere, ...entry };
}

function distribution(
  name: string,
  entry: {
    unit: MetricUnit;
    valueSql: string;
    meaning: string;
    trendStatistics?: readonly Statistic[];
  },
): DistributionMetric {
  return {
    kind: 'distribution',
    name,
    grains: everywhere,
    statistics: allStatistics,
    trendStatistics: ['mean', 'p50', 'p95'],
    ...entry,
  };
}

const traffic: readonly Metric[] = [
  scalar('requests', {
    unit: 'count',
    sql: 'SUM(is_final_attempt)',
    meaning:
      'Calls of clients. Retries and fallbacks of one call are one request, counted where its last attempt went.',
  }),
  scalar('attempts', {
    unit: 'count',
    sql: 'COUNT(*)',
    meaning: 'Calls that LiteLLM logged, each retry and fallback by itself.',
  }),
  scalar('attempts_per_request', {
    unit: 'ratio',
    sql: 'COUNT(*) * 1.0 / NULLIF(SUM(is_final_attempt), 0)',
    meaning: 'Attempts divided by requests; 1 when nothing was retried.',
    grains: notTrend,
  }),
  scalar('errors', {
    unit: 'count',
    sql: 'SUM(is_final_attempt * is_error)',
    meaning:
      'Requests whose last attempt failed. A lower bound: LiteLLM logs failures only with `failure_callback`.',
  }),
  scalar('error_rate', {
    unit: 'ratio',
    sql: 'SUM(is_final_attempt * is_error) * 1.0 / NULLIF(SUM(is_final_attempt), 0)',
    meaning: 'Errors divided by requests.',
  }),
  scalar('failed_attempts', {
    unit: 'count',
    sql: 'SUM(is_error)',
    meaning: 'Attempts that failed, also where a retry or fallback then succeeded.',
  }),
  scalar('gateway_cache_hits', {
    unit: 'count',
    sql: 'SUM(is_cache_hit)',
    meaning: "Attempts answered from LiteLLM's own response cache.",
    grains: notTrend,
  }),
];

const tokens: readonly Metric[] = [
  scalar('prompt_tokens', {
    unit: 'tokens',
    sql: 'SUM(prompt_tokens)',
    meaning: 'The whole input, tokens read from and written to the prompt cache included.',
  }),
  scalar('completion_tokens', {
    unit: 'tokens',
    sql: 'SUM(completion_tokens)',
    meaning: 'The whole output, reasoning included.',
  }),
  scalar('total_tokens', {
    unit: 'tokens',
    sql: 'SUM(total_tokens)',
    meaning: 'Prompt plus completion tokens.',
  }),
  scalar('uncached_prompt_tokens', {
    unit: 'tokens',
    sql: 'SUM(uncached_prompt_tokens)',
    meaning: 'Input that was neither read from nor written to the prompt cache.',
  }),
  scalar('cache_read_tokens', {
    unit: 'tokens',
    sql: 'SUM(cache_read_tokens)',
    meaning: 'Input that was read from the prompt cache.',
  }),
  scalar('cache_write_tokens', {
    unit: 'tokens',
    sql: 'SUM(cache_write_tokens)',
    meaning: 'Input that was written to the prompt cache.',
  }),
  scalar('reasoning_tokens', {
    unit: 'tokens',
    sql: 'SUM(reasoning_tokens)',
    meaning: 'Output spent on reasoning; part of `completion_tokens`.',
  }),
  scalar('prompt_cache_hit_ratio', {
    unit: 'ratio',
    sql: 'SUM(cache_read_tokens) * 1.0 / NULLIF(SUM(prompt_tokens), 0)',
    meaning: 'Share of the input that was read from the prompt cache.',
  }),
  scalar('reasoning_ratio', {
    unit: 'ratio',
    sql: 'SUM(reasoning_tokens) * 1.0 / NULLIF(SUM(completion_tokens), 0)',
    meaning: 'Share of the output spent on reasoning.',
    grains: notTrend,
  }),
  scalar('tokens_per_request', {
    unit: 'tokens',
    sql: 'SUM(total_tokens) * 1.0 / NULLIF(SUM(is_final_attempt) FILTER (WHERE total_tokens IS NOT NULL), 0)',
    meaning: 'Total tokens divided by the requests whose usage is known.',
  }),
];

/** A sum of zeros of unbilled failures, beside attempts of unknown cost, would look like a price of zero. */
const hasPricedAttempt =
  "(SUM(cost_source IN ('provided', 'langfuse_estimate', 'estimate')) > 0 OR SUM(cost_source = 'unknown') = 0)";

const cost: readonly Metric[] = [
  scalar('cost_usd', {
    unit: 'USD',
    sql: `CASE WHEN ${hasPricedAttempt} THEN SUM(cost_usd) END`,
    meaning:
      'Cost of all attempts whose cost is known; unbilled failures and cache hits are 0. Absent when only unbilled ones are known and others are not; `cost_unknown_requests` tells what is missing.',
  }),
  scalar('cost_provided_usd', {
    unit: 'USD',
    sql: "SUM(cost_usd) FILTER (WHERE cost_source = 'provided')",
    meaning: 'The part of the cost that LiteLLM itself gave.',
    grains: notTrend,
  }),
  scalar('cost_estimated_usd', {
    unit: 'USD',
    sql: "SUM(cost_usd) FILTER (WHERE cost_source IN ('langfuse_estimate', 'estimate'))",
    meaning:
      'The part of the cost that is an estimate: of Langfuse from its price table, or of a price in the settings file.',
    grains: notTrend,
  }),
  scalar('cost_unknown_requests', {
    unit: 'count',
    sql: "SUM(cost_source = 'unknown')",
    meaning: 'Attempts whose cost nobody knows. They are not in `cost_usd`.',
  }),
  scalar('cost_estimated_requests', {
    unit: 'count',
    sql: "SUM(cost_source IN ('langfuse_estimate', 'estimate'))",
    meaning: 'Attempts whose cost is an estimate, of Langfuse or of a price in the settings file.',
    grains: notTrend,
  }),
  scalar('cost_own_price_usd', {
    unit: 'USD',
    sql: "SUM(cost_usd) FILTER (WHERE cost_source = 'estimate')",
    meaning:
      'The part of the cost that was estimated by a price in the settings file; absent where none was.',
  }),
  scalar('cost_own_price_requests', {
    unit: 'count',
    sql: "NULLIF(SUM(cost_source = 'estimate'), 0)",
    meaning:
      'Attempts whose unknown cost was estimated by a price in the settings file; absent where none was.',
  }),
  scalar('cost_coverage', {
    unit: 'ratio',
    sql: "SUM(cost_source <> 'unknown') * 1.0 / COUNT(*)",
    meaning: 'Share of attempts whose cost is known.',
    grains: notTrend,
  }),
  scalar('cost_per_request_usd', {
    unit: 'USD',
    sql: `CASE WHEN ${hasPricedAttempt} THEN SUM(cost_usd) / NULLIF(SUM(is_final_attempt) FILTER (WHERE cost_source <> 'unknown'), 0) END`,
    meaning: 'Known cost divided by the requests whose cost is known.',
  }),
  scalar('cost_per_1k_completion_tokens_usd', {
    unit: 'USD',
    sql: "1000.0 * SUM(cost_usd) FILTER (WHERE completion_tokens IS NOT NULL) / NULLIF(SUM(completion_tokens) FILTER (WHERE cost_source <> 'unknown'), 0)",
    meaning: 'Known cost (input included) per thousand tokens of output.',
  }),
  scalar('gateway_cache_saved_usd', {
    unit: 'USD',
    sql: 'SUM(saved_cost_usd)',
    meaning: "What LiteLLM's response cache saved, where LiteLLM tells it.",
    grains: notTrend,
  }),
];

const speed: readonly Metric[] = [
  distribution('latency_ms', {
    unit: 'ms',
    valueSql: 'CASE WHEN is_error = 0 THEN latency_ms END',
    meaning: 'Start to end of each successful attempt; broken times left out.',
    trendStatistics: ['mean', 'p50', 'p95', 'p99'],
  }),
  distribution('time_to_first_token_ms', {
    unit: 'ms',
    valueSql: 'CASE WHEN is_error = 0 THEN time_to_first_token_ms END',
    meaning: 'Start to first token of each successful streamed attempt.',
  }),
  distribution('output_tokens_per_second', {
    unit: 'tokens/s',
    valueSql:
      'CASE WHEN is_error = 0 AND completion_tokens > 1 AND time_to_first_token_ms IS NOT NULL AND latency_ms > time_to_first_token_ms ' +
      'THEN (completion_tokens - 1) * 1000.0 / (latency_ms - time_to_first_token_ms) END',
    meaning:
      'Tokens after the first, divided by the time after the first token, of each streamed attempt.',
  }),
  distribution('gateway_overhead_ms', {
    unit: 'ms',
    valueSql: 'gateway_overhead_ms',
    meaning: 'Time that LiteLLM itself added, as it reports it.',
    trendStatistics: ['p50', 'p95'],
  }),
];

const work: readonly Metric[] = [
  scalar('tool_calls', {
    unit: 'count',
    sql: 'SUM(tool_calls)',
    meaning: 'Tool calls that models asked for. Absent where no text was read.',
  }),
  scalar('requests_with_tool_calls', {
    unit: 'count',
    sql: 'SUM(is_final_attempt * (tool_calls > 0))',
    meaning: 'Requests whose answer asked for at least one tool. Absent where no text was read.',
    grains: notTrend,
  }),
  scalar('active_users', {
    unit: 'count',
    sql: 'COUNT(DISTINCT user_id)',
    meaning: 'Distinct users: the end user, else the owner of the key.',
  }),
  scalar('active_keys', {
    unit: 'count',
    sql: 'COUNT(DISTINCT COALESCE(key_hash, key_alias))',
    meaning: 'Distinct gateway keys.',
  }),
  scalar('active_sessions', {
    unit: 'count',
    sql: 'COUNT(DISTINCT session_id)',
    meaning: 'Distinct sessions.',
    grains: ['window', 'model', 'trend', 'dimension'],
  }),
  scalar('active_models', {
    unit: 'count',
    sql: 'COUNT(DISTINCT model)',
    meaning: 'Distinct models.',
    grains: ['window', 'session', 'dimension'],
  }),
  scalar('session_turns', {
    unit: 'count',
    sql: 'SUM(is_final_attempt)',
    meaning: 'Requests of the session over all windows.',
    grains: ['session'],
  }),
  scalar('session_span_ms', {
    unit: 'ms',
    sql: 'MAX(COALESCE(end_ms, start_ms)) - MIN(start_ms)',
    meaning: 'First start to last end of the session.',
    grains: ['session'],
  }),
  scalar('session_active_ms', {
    unit: 'ms',
    sql: 'SUM(latency_ms)',
    meaning: 'Time the session spent waiting for models.',
    grains: ['session'],
  }),
  scalar('context_tokens/max', {
    unit: 'tokens',
    sql: 'MAX(prompt_tokens)',
    meaning: 'The largest input of one attempt.',
    grains: notTrend,
  }),
];

const quality: readonly Metric[] = [
  scalar('usage_unknown_requests', {
    unit: 'count',
    sql: "SUM(usage_fault IS 'missing')",
    meaning: 'Successful attempts without token counts. They are not in any token metric.',
  }),
  scalar('usage_rebuilt_requests', {
    unit: 'count',
    sql: "SUM(usage_fault IS 'total_missing')",
    meaning: 'Attempts whose total was missing and was rebuilt from its parts.',
    grains: notTrend,
  }),
  scalar('usage_inconsistent_requests', {
    unit: 'count',
    sql: "SUM(usage_fault IS 'inconsistent')",
    meaning: 'Attempts whose token counts contradict each other. They are counted as reported.',
    grains: notTrend,
  }),
  scalar('timing_rejected_requests', {
    unit: 'count',
    sql: 'SUM(timing_fault IS NOT NULL)',
    meaning: 'Attempts whose times are broken. They count, but are not in any latency metric.',
    grains: notTrend,
  }),
  scalar('requests_with_session', {
    unit: 'count',
    sql: 'SUM(is_final_attempt * (session_id IS NOT NULL))',
    meaning: 'Requests whose session is known.',
    grains: ['window', 'model', 'dimension'],
  }),
  scalar('session_coverage', {
    unit: 'ratio',
    sql: 'SUM(is_final_attempt * (session_id IS NOT NULL)) * 1.0 / NULLIF(SUM(is_final_attempt), 0)',
    meaning: 'Share of requests whose session is known.',
    grains: ['window', 'model', 'trend', 'dimension'],
  }),
  scalar('content_missing_requests', {
    unit: 'count',
    sql: 'SUM(content_hash IS NULL)',
    meaning: 'Attempts whose text was not read.',
    grains: notTrend,
  }),
];

/** Every metric that is an SQL aggregate over facts. */
export const catalogue: readonly Metric[] = [
  ...traffic,
  ...tokens,
  ...cost,
  ...speed,
  ...work,
  ...quality,
];
