/**
 * What the runs of a bench must show, computed from the oracle's attempts and the generator's rows in plain
 * loops. Shares no code with the product. A metric that is null must be absent in MLflow.
 */
import type { SampleObservation, SampleScore } from '../../src/demo/sample-types.ts';
import { groupBy } from './group-by.ts';
import { totalsOf, type Oracle, type OracleAttempt, type OracleDistribution } from './oracle.ts';

export type ExpectedGrain = 'window' | 'model' | 'session';
export type ExpectedMetrics = Readonly<Record<string, number | null>>;

/** One attempt as the oracle counts it, and its row as the generator made it. */
export interface ExpectedAttempt extends OracleAttempt {
  /** What the team calls the model. */
  readonly canonicalModel: string;
  /** `2026-11-05`, UTC. */
  readonly day: string;
  readonly row: SampleObservation;
}

/** Written by hand: the name under which each model of the sample team must appear. */
const canonicalNames: Readonly<Record<string, string>> = {
  'anthropic/claude-sonnet-4-5-20250929': 'claude-sonnet-4-5-20250929',
  'bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0': 'claude-sonnet-4-5-20250929',
  'anthropic/claude-haiku-4-5-20251001': 'claude-haiku-4-5-20251001',
  'openai/gpt-5-mini': 'gpt-5-mini',
  'openai/gpt-4o-mini': 'gpt-4o-mini',
  'vertex_ai/gemini-2.5-pro': 'gemini-2.5-pro',
  'deepseek/deepseek-reasoner': 'deepseek-reasoner',
  'hosted_vllm/qwen3-coder-30b': 'qwen3-coder-30b',
  'openai/text-embedding-3-small': 'text-embedding-3-small',
  // The callback of the new gateway does not log the model group, and a deployment's name says nothing.
  'azure/corp-reasoner-east': 'corp-reasoner-east',
  '(unknown)': '(unknown)',
};

/** The oracle's attempts with what the runs are grouped by; `current` are the rows as they can be read now. */
export function toExpectedAttempts(
  oracle: Oracle,
  current: readonly SampleObservation[],
): ExpectedAttempt[] {
  const rows = new Map(current.map((row) => [`${row.traceId} ${row.id}`, row]));
  return oracle.attempts.map((attempt) => {
    const row = rows.get(`${attempt.traceId} ${attempt.id}`);
    const group = row?.metadata['model_group'];
    const canonicalModel =
      attempt.model === 'azure/corp-reasoner-east' && group === 'o4-mini'
        ? 'o4-mini'
        : canonicalNames[attempt.model];
    if (row === undefined || canonicalModel === undefined)
      throw new Error(`the tests have no canonical name for ${attempt.model}`);
    return {
      ...attempt,
      canonicalModel,
      day: new Date(attempt.startMs).toISOString().slice(0, 10),
      row,
    };
  });
}

/** Every metric of a group of attempts, but for scores and what tells how a window was read. */
export function expectMetrics(
  attempts: readonly ExpectedAttempt[],
  grain: ExpectedGrain,
): ExpectedMetrics {
  const totals = totalsOf(attempts);
  const finals = attempts.filter((one) => one.isFinal);
  const withTokens = attempts.filter((one) => one.tokens !== null);
  const known = attempts.filter((one) => one.costUsd !== null);
  const provided = known.filter((one) => costSourceOf(one) === 'provided');
  const estimated = known.filter((one) => costSourceOf(one) === 'estimated');
  const isPriced = provided.length + estimated.length > 0 || totals.costUnknownAttempts === 0;
  const costUsd = isPriced ? totals.costUsd : null;
  const withToolCalls = attempts.filter((one) => toolCallsOf(one.row) !== null);
  const sessions = distinct(attempts, (one) => one.sessionId);
  const finalsWithSession = finals.filter((one) => one.sessionId !== null).length;
  const tokens = (value: number): number | null => (withTokens.length === 0 ? null : value);

  const everywhere: ExpectedMetrics = {
    requests: totals.requests,
    attempts: totals.attempts,
    attempts_per_request: ratio(totals.attempts, totals.requests),
    errors: totals.errors,
    error_rate: ratio(totals.errors, totals.requests),
    failed_attempts: totals.failedAttempts,
    gateway_cache_hits: attempts.filter(isCacheHit).length,
    prompt_tokens: tokens(totals.promptTokens),
    completion_tokens: tokens(totals.completionTokens),
    total_tokens: tokens(totals.totalTokens),
    uncached_prompt_tokens: tokens(totals.uncachedPromptTokens),
    cache_read_tokens: tokens(totals.cacheReadTokens),
    cache_write_tokens: tokens(totals.cacheWriteTokens),
    reasoning_tokens: tokens(totals.reasoningTokens),
    prompt_cache_hit_ratio: ratio(tokens(totals.cacheReadTokens), totals.promptTokens),
    reasoning_ratio: ratio(tokens(totals.reasoningTokens), totals.completionTokens),
    tokens_per_request: ratio(
      tokens(totals.totalTokens),
      withTokens.filter((one) => one.isFinal).length,
    ),
    cost_usd: costUsd,
    cost_provided_usd: sumOrNull(provided, (one) => one.costUsd),
    cost_estimated_usd: sumOrNull(estimated, (one) => one.costUsd),
    cost_unknown_requests: totals.costUnknownAttempts,
    cost_estimated_requests: estimated.length,
    cost_coverage: ratio(known.length, attempts.length),
    cost_per_request_usd: ratio(costUsd, known.filter((one) => one.isFinal).length),
    cost_per_1k_completion_tokens_usd: ratio(
      sumOrNull(withTokens, (one) => (one.costUsd === null ? null : one.costUsd * 1000)),
      known.reduce((sum, one) => sum + (one.tokens?.completion ?? 0), 0),
    ),
    gateway_cache_saved_usd: null,
    ...spread('latency_ms', totals.latencyMs),
    ...spread('time_to_first_token_ms', totals.timeToFirstTokenMs),
    ...spread('output_tokens_per_second', distributionOver(attempts, outputSpeedOf)),
    ...spread('gateway_overhead_ms', distributionOver(attempts, overheadOf)),
    tool_calls: sumOrNull(withToolCalls, (one) => toolCallsOf(one.row)),
    requests_with_tool_calls: sumOrNull(withToolCalls, (one) =>
      Number(one.isFinal && (toolCallsOf(one.row) ?? 0) > 0),
    ),
    active_users: distinct(attempts, userOf).size,
    active_keys: distinct(attempts, keyOf).size,
    'context_tokens/max':
      withTokens.length === 0
        ? null
        : Math.max(...withTokens.map((one) => one.tokens?.prompt ?? 0)),
    usage_unknown_requests: totals.usageMissingAttempts,
    usage_rebuilt_requests: withTokens.filter((one) => one.row.usageDetails['total'] === undefined)
      .length,
    usage_inconsistent_requests: 0,
    timing_rejected_requests: attempts.filter((one) => !hasGoodTimes(one.row)).length,
    content_missing_requests: 0,
  };
  if (grain === 'session') {
    const ends = attempts.map((one) => one.row.endMs ?? one.startMs);
    return {
      ...everywhere,
      active_models: distinct(attempts, (one) => one.canonicalModel).size,
      session_turns: totals.requests,
      session_span_ms: Math.max(...ends) - Math.min(...attempts.map((one) => one.startMs)),
      session_active_ms: sumOrNull(
        attempts.filter((one) => hasGoodTimes(one.row)),
        (one) => (one.row.endMs ?? 0) - one.startMs,
      ),
    };
  }
  return {
    ...everywhere,
    active_sessions: sessions.size,
    ...(grain === 'window'
      ? { active_models: distinct(attempts, (one) => one.canonicalModel).size }
      : {}),
    requests_with_session: finalsWithSession,
    session_coverage: ratio(finalsWithSession, totals.requests),
  };
}

/** `score/<name>/count` and `/mean`, from the scores that can be read now. */
export function expectScores(
  attempts: readonly ExpectedAttempt[],
  scores: readonly SampleScore[],
  grain: ExpectedGrain,
): Record<string, number> {
  const own = new Set(attempts.map((one) => `${one.traceId} ${one.id}`));
  const traces = new Set(attempts.map((one) => one.traceId));
  const sessions = new Set(attempts.map((one) => one.sessionId));
  const hits = scores.filter((score) => {
    if (score.traceId === null)
      return grain === 'session' && score.sessionId !== null && sessions.has(score.sessionId);
    return score.observationId === null
      ? traces.has(score.traceId)
      : own.has(`${score.traceId} ${score.observationId}`);
  });
  const metrics: Record<string, number> = {};
  for (const [name, group] of groupBy(hits, (score) => score.name)) {
    metrics[`score/${name}/count`] = group.length;
    const values = group.flatMap((score) => (score.value === null ? [] : [score.value]));
    if (values.length > 0)
      metrics[`score/${name}/mean`] = values.reduce((sum, value) => sum + value, 0) / values.length;
  }
  return metrics;
}

// ------------------------------------------------------------------ of one attempt

type CostSource = 'provided' | 'estimated' | 'not_billed' | 'unknown';

function costSourceOf(attempt: ExpectedAttempt): CostSource {
  if (attempt.costUsd === null) return 'unknown';
  if (attempt.isError) return attempt.costUsd > 0 ? 'provided' : 'not_billed';
  if (isCacheHit(attempt)) return 'not_billed';
  return Object.keys(attempt.row.costDetails).length > 1 ? 'estimated' : 'provided';
}

const isCacheHit = (attempt: ExpectedAttempt): boolean =>
  attempt.row.metadata['cache_hit'] === true;

/** Null where there is no output, which is what a failure without an answer has. */
function toolCallsOf(row: SampleObservation): number | null {
  const { output } = row;
  if (output === null || output === undefined) return null;
  if (typeof output !== 'object') return 0;
  const { tool_calls: calls, content } = output as { tool_calls?: unknown; content?: unknown };
  if (Array.isArray(calls)) return calls.length;
  if (!Array.isArray(content)) return 0;
  return content.filter((block) => (block as { type?: unknown }).type === 'tool_use').length;
}

function outputSpeedOf(attempt: ExpectedAttempt): number | null {
  const { tokens, latencyMs, timeToFirstTokenMs } = attempt;
  if (tokens === null || tokens.completion <= 1) return null;
  if (latencyMs === null || timeToFirstTokenMs === null) return null;
  return ((tokens.completion - 1) / (latencyMs - timeToFirstTokenMs)) * 1000;
}

function overheadOf(attempt: ExpectedAttempt): number | null {
  const hidden = attempt.row.metadata['hidden_params'] as
    | { litellm_overhead_time_ms?: number | null }
    | undefined;
  return hidden?.litellm_overhead_time_ms ?? null;
}

function hasGoodTimes(row: SampleObservation): boolean {
  return row.endMs !== null && row.endMs >= row.startMs;
}

function userOf(attempt: ExpectedAttempt): string | null {
  const { metadata } = attempt.row;
  const attributes = metadata['attributes'] as Record<string, string> | undefined;
  // The notebook of the data team names its user on the trace; its key is its own.
  const alias = attributes?.['metadata.user_api_key_alias'];
  return (metadata['user_api_key_user_id'] as string | undefined) ?? alias ?? null;
}

function keyOf(attempt: ExpectedAttempt): string | null {
  const { metadata } = attempt.row;
  const attributes = metadata['attributes'] as Record<string, string> | undefined;
  const hash = metadata['user_api_key_hash'] as string | undefined;
  return hash ?? attributes?.['metadata.user_api_key_alias'] ?? null;
}

// ------------------------------------------------------------------ of many

function ratio(part: number | null, whole: number): number | null {
  return part === null || whole === 0 ? null : part / whole;
}

/** Null where no attempt has a value. */
function sumOrNull<T>(items: readonly T[], valueOf: (item: T) => number | null): number | null {
  let sum: number | null = null;
  for (const item of items) {
    const value = valueOf(item);
    if (value !== null) sum = (sum ?? 0) + value;
  }
  return sum;
}

function distinct<T>(items: readonly T[], valueOf: (item: T) => string | null): Set<string> {
  return new Set(items.map(valueOf).filter((value) => value !== null));
}

function distributionOver(
  attempts: readonly ExpectedAttempt[],
  valueOf: (attempt: ExpectedAttempt) => number | null,
): OracleDistribution | null {
  const stand = attempts.flatMap((attempt) => {
    const latencyMs = valueOf(attempt);
    return latencyMs === null ? [] : [{ ...attempt, latencyMs }];
  });
  return totalsOf(stand).latencyMs;
}

function spread(name: string, distribution: OracleDistribution | null): ExpectedMetrics {
  const statistics = ['mean', 'p50', 'p90', 'p95', 'p99', 'max'] as const;
  return Object.fromEntries(
    statistics.map((statistic) => [`${name}/${statistic}`, distribution?.[statistic] ?? null]),
  );
}
