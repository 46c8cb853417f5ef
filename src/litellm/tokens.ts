/**
 * Tokens of a call, by the one rule that fits every LiteLLM build. What `input` means changed three times
 * (with the cache inside, without the cache read, without both: BerriAI/litellm#18520, #26919), while
 * `total` and the `output` keys never did. So the whole input is `total - output`.
 */
import { own, toNonNegative, toRecord } from './coerce.ts';
import type { TokenCounts, UsageFault } from './generation.ts';

/** Keys of one meaning, the first one present wins (langfuse/langfuse#13571, #13988, #14249). */
const aliases = {
  total: ['total', 'total_tokens'],
  input: ['input', 'input_tokens', 'prompt_tokens', 'prompt'],
  completion: ['completion_tokens', 'completion'],
  cacheRead: [
    'cache_read_input_tokens',
    'input_cached_tokens',
    'input_cache_read',
    'input_cache_read_tokens',
  ],
  cacheWrite: ['cache_creation_input_tokens'],
  cacheWriteSplit: ['input_cache_creation', 'input_cache_creation_5m', 'input_cache_creation_1h'],
  cacheWriteLast: ['input_cache_write', 'input_cache_write_tokens'],
  reasoning: ['output_reasoning_tokens', 'output_reasoning', 'reasoning_tokens'],
} as const;

export interface Usage {
  readonly tokens: TokenCounts | null;
  readonly usageFault: UsageFault | null;
}

/**
 * Counts of one row from its `usageDetails` and, for what LiteLLM does not pass on (cached tokens of older
 * builds, reasoning tokens), from LiteLLM's `usage_object`.
 *
 * No positive count at all means unknown, never 0: `missing` on a success, no fault on an error.
 */
export function toUsage(row: {
  readonly usageDetails: Readonly<Record<string, number>>;
  readonly usageObject: Readonly<Record<string, unknown>> | null;
  readonly isError: boolean;
}): Usage {
  const details = toCounts(row.usageDetails);
  if (![...details.values()].some((value) => value > 0)) {
    return { tokens: null, usageFault: row.isError ? null : 'missing' };
  }

  const reported = toReportedUsage(row.usageObject);
  const cacheReadTokens = first(details, aliases.cacheRead) || reported.cacheRead || 0;
  const cacheWriteTokens =
    first(details, aliases.cacheWrite) ||
    sum(details, aliases.cacheWriteSplit) ||
    first(details, aliases.cacheWriteLast) ||
    reported.cacheWrite ||
    0;
  const reasoningTokens = first(details, aliases.reasoning) || reported.reasoning || 0;

  const completionTokens = sumOfOutput(details);
  const total = first(details, aliases.total) ?? 0;
  const isTotalMissing = total === 0;
  const isTotalTooSmall = !isTotalMissing && completionTokens > total;
  const promptTokens =
    isTotalMissing || isTotalTooSmall
      ? (reported.prompt ??
        (first(details, aliases.input) ?? 0) + cacheReadTokens + cacheWriteTokens)
      : total - completionTokens;

  const isInconsistent =
    isTotalTooSmall ||
    cacheReadTokens + cacheWriteTokens > promptTokens ||
    reasoningTokens > completionTokens ||
    (reported.prompt !== null && reported.prompt !== promptTokens) ||
    (reported.completion !== null && reported.completion !== completionTokens);
  return {
    tokens: {
      promptTokens,
      completionTokens,
      totalTokens: promptTokens + completionTokens,
      cacheReadTokens,
      cacheWriteTokens,
      uncachedPromptTokens: Math.max(0, promptTokens - cacheReadTokens - cacheWriteTokens),
      reasoningTokens,
    },
    usageFault: isTotalMissing ? 'total_missing' : isInconsistent ? 'inconsistent' : null,
  };
}

/** True where LiteLLM wrote usage and every count in it is 0: it counted nothing, so its price of 0 says nothing. */
export function isAllZero(usageDetails: Readonly<Record<string, number>>): boolean {
  const counts = Object.values(usageDetails);
  return counts.length > 0 && counts.every((value) => value === 0);
}

interface ReportedUsage {
  readonly prompt: number | null;
  readonly completion: number | null;
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
  readonly reasoning: number | null;
}

/** LiteLLM's `usage_object`, in the words of chat completions or of the Responses API. */
function toReportedUsage(usageObject: Readonly<Record<string, unknown>> | null): ReportedUsage {
  const promptDetails =
    toRecord(own(usageObject, 'prompt_tokens_details')) ??
    toRecord(own(usageObject, 'input_tokens_details'));
  const completionDetails =
    toRecord(own(usageObject, 'completion_tokens_details')) ??
    toRecord(own(usageObject, 'output_tokens_details'));
  const hasCounts = (count(usageObject, 'total_tokens') ?? 0) > 0;
  return {
    prompt: hasCounts
      ? (count(usageObject, 'prompt_tokens') ?? count(usageObject, 'input_tokens'))
      : null,
    completion: hasCounts
      ? (count(usageObject, 'completion_tokens') ?? count(usageObject, 'output_tokens'))
      : null,
    cacheRead:
      count(promptDetails, 'cached_tokens') || count(usageObject, 'cache_read_input_tokens'),
    cacheWrite:
      count(promptDetails, 'cache_creation_tokens') ||
      count(usageObject, 'cache_creation_input_tokens'),
    reasoning: count(completionDetails, 'reasoning_tokens'),
  };
}

function count(record: Readonly<Record<string, unknown>> | null, key: string): number | null {
  return toCount(own(record, key));
}

function toCounts(usageDetails: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const key of Object.keys(usageDetails)) {
    const value = count(usageDetails, key);
    if (value !== null) counts.set(key, value);
  }
  return counts;
}

/** Counts above this are not token counts, and sums of them would lose digits. */
const maxCount = 1e12;

function toCount(value: unknown): number | null {
  const number = toNonNegative(value);
  return number !== null && number <= maxCount ? Math.round(number) : null;
}

function first(counts: ReadonlyMap<string, number>, keys: readonly string[]): number | null {
  for (const key of keys) {
    const value = counts.get(key);
    if (value !== undefined) return value;
  }
  return null;
}

function sum(counts: ReadonlyMap<string, number>, keys: readonly string[]): number {
  return keys.reduce((total, key) => total + (counts.get(key) ?? 0), 0);
}

/** Every key with "output" in it is a disjoint part of the completion, as Langfuse's own reduction has it. */
function sumOfOutput(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  let isFound = false;
  for (const [key, value] of counts) {
    if (!key.includes('output')) continue;
    total += value;
    isFound = true;
  }
  return isFound ? total : (first(counts, aliases.completion) ?? 0);
}
