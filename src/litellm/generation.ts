/**
 * A *generation*: what one LiteLLM call was, understood from its Langfuse observation by the rules of
 * docs/litellm.md. Unknown is null, never zero.
 */

/** Token counts of one call. `promptTokens` is the whole input, cache included. */
export interface TokenCounts {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** `max(0, prompt - cacheRead - cacheWrite)`. */
  readonly uncachedPromptTokens: number;
  /** Part of `completionTokens`; a row where it is more carries the fault `inconsistent`. */
  readonly reasoningTokens: number;
}

/** Where the cost of a call comes from. `estimate`: unknown, and told by a
 * price of the settings file when it is counted. `not_billed`: a cache hit or an unbilled failure, cost 0. */
export type CostSource = 'provided' | 'langfuse_estimate' | 'estimate' | 'not_billed' | 'unknown';

/** How the session was found. Which one wins is told at `resolveTrace`. */
export type SessionSource =
  | 'session_id'
  | 'requester_metadata'
  | 'requester_header'
  | 'prompt_cache_key'
  | 'trace_session_id'
  | 'trace_sibling'
  | 'trace_id';

export type UserSource = 'user_id' | 'trace_user_id' | 'key_owner';

/** What a row itself says of its session without having a session id. */
export type SessionHintSource = 'requester_metadata' | 'requester_header' | 'prompt_cache_key';

/** Which LiteLLM callback wrote a row. */
export type LiteLLMCallback = 'langfuse' | 'langfuse_otel';

/** Why the times of a row are left out of latency figures; the request is still counted. */
export type TimingFault = 'no_end' | 'end_before_start' | 'too_long' | 'in_future';

/**
 * Why tokens are odd. `missing`: no usage on a success; `total_missing`: the total was rebuilt from its parts;
 * `inconsistent`: counted, but the parts exceed the whole or LiteLLM's own usage object disagrees.
 */
export type UsageFault = 'missing' | 'total_missing' | 'inconsistent';

export interface Generation {
  readonly traceId: string;
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly updatedMs: number | null;
  /** `endMs - startMs`, null with a {@link TimingFault}. */
  readonly latencyMs: number | null;
  /** Only of streamed calls, and only where `0 <= value < latency`. */
  readonly timeToFirstTokenMs: number | null;
  readonly timingFault: TimingFault | null;
  readonly isStreaming: boolean;
  readonly isError: boolean;
  /** `RateLimitError`, `Timeout`, … or `(unknown)` for an error without a recognisable class; null for a success. */
  readonly errorClass: string | null;
  readonly httpStatus: number | null;
  /** The error's text, at most 4,000 characters. */
  readonly statusMessage: string | null;
  readonly name: string | null;
  /** Null for a row that LiteLLM did not write (counted with origin `all`). */
  readonly callback: LiteLLMCallback | null;
  /** `acompletion`, `aembedding`, `anthropic_messages`, … where the name tells it. */
  readonly callType: string | null;
  /** Canonical model, `(unknown)` where the row has none. */
  readonly model: string;
  readonly modelRaw: string | null;
  readonly modelGroup: string | null;
  readonly provider: string | null;
  readonly environment: string | null;
  readonly release: string | null;
  readonly version: string | null;
  readonly promptName: string | null;
  readonly promptVersion: number | null;
  readonly sessionId: string | null;
  readonly sessionSource: SessionSource | null;
  /** What the row itself says below a session id; kept so that its trace can be resolved again. */
  readonly sessionHint: string | null;
  readonly sessionHintSource: SessionHintSource | null;
  readonly userId: string | null;
  readonly userSource: UserSource | null;
  /** LiteLLM's user who owns the key; the user of last resort. */
  readonly keyOwnerId: string | null;
  readonly keyHash: string | null;
  readonly keyAlias: string | null;
  readonly teamId: string | null;
  readonly teamAlias: string | null;
  /** Product of the client's user agent, e.g. `Cline`, `claude-cli`; null where no tag or header names it. */
  readonly clientTool: string | null;
  readonly tags: readonly string[];
  readonly isCacheHit: boolean;
  readonly tokens: TokenCounts | null;
  readonly usageFault: UsageFault | null;
  readonly costUsd: number | null;
  readonly costSource: CostSource;
  /** What a proxy cache hit would have cost, where LiteLLM says it. */
  readonly savedCostUsd: number | null;
  readonly gatewayOverheadMs: number | null;
  /** LiteLLM's id of the call (shared by its retries), where a row has it. */
  readonly callId: string | null;
  /** The provider's or LiteLLM's response id, where a row has it; a cache hit repeats it minutes later. */
  readonly responseId: string | null;
  /** Tool calls in the output; null when the content was not read or does not tell (absent, redacted, cut). */
  readonly toolCalls: number | null;
  /** `max_tokens`, `temperature`, … that were really sent, scalars only. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  /** The metadata kept for later questions: scalars and small objects, without the bulky LiteLLM keys. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A generation after its whole trace was looked at. */
export interface ResolvedGeneration extends Generation {
  /** The request (client's call) that this attempt belongs to: attempts of one request share it. */
  readonly requestId: string;
  /** True on the last attempt of a request: its outcome is the request's outcome. */
  readonly isFinalAttempt: boolean;
}

/** Why an observation is not a generation. */
export type NotCountedReason =
  | 'synthetic_root'
  | 'not_a_generation'
  | 'other_origin'
  | 'no_model_no_usage';

export type Understanding =
  | { readonly kind: 'generation'; readonly generation: Generation }
  | { readonly kind: 'not_counted'; readonly reason: NotCountedReason };

/** What a team may set about understanding; all of it is pure input. */
export interface UnderstandingRules {
  /** Exact raw or group name to canonical name; wins over every rule. */
  readonly modelAliases: Readonly<Record<string, string>>;
  /** `litellm`: only rows that LiteLLM wrote. `all`: every generation in the project. */
  readonly origin: 'litellm' | 'all';
  /** A longer latency is a broken clock, not a latency. */
  readonly maxLatencyMs: number;
  /** Rows that start later than this instant are in the future. */
  readonly nowMs: number;
}
