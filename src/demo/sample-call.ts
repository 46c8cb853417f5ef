/** One LiteLLM call as the gateway saw it, before a callback line writes it down. */
import type { SampleModel } from './sample-models.ts';
import type { SampleTokens } from './sample-types.ts';
import type { SampleMember } from './team.ts';

/** How the client tells its session (litellm_pre_call_utils.py). */
export type SessionHint =
  | { readonly kind: 'none' }
  /** `x-litellm-session-id`, `x-claude-code-session-id` and the like. */
  | { readonly kind: 'header'; readonly header: string; readonly id: string }
  /** Body field `litellm_session_id`. */
  | { readonly kind: 'body'; readonly id: string }
  /** Body field `metadata.session_id`. */
  | { readonly kind: 'metadata'; readonly id: string }
  /** Body field `metadata.cline_task_id` of old Cline builds: LiteLLM only keeps it. */
  | { readonly kind: 'task_metadata'; readonly id: string }
  /** `prompt_cache_key`, as Roo Code sends it. */
  | { readonly kind: 'cache_key'; readonly id: string }
  /** `x-session-id`, which LiteLLM's pattern does not fit: only lines that log headers keep it. */
  | { readonly kind: 'plain_header'; readonly id: string };

export type CallType = 'acompletion' | 'anthropic_messages' | 'aembedding';

export interface SampleCall {
  /** LiteLLM's call id, shared by retries and fallbacks: the truth about the request. */
  readonly callId: string;
  readonly responseId: string;
  readonly callType: CallType;
  readonly member: SampleMember;
  readonly hint: SessionHint;
  /** Null where the gateway lost it (pass-through). */
  readonly model: SampleModel;
  readonly isModelLost: boolean;
  readonly startMs: number;
  readonly endMs: number;
  /** Null when the call was not streamed or failed. */
  readonly firstTokenMs: number | null;
  readonly isStreaming: boolean;
  /** The exception as text, or null. */
  readonly failure: string | null;
  /** Null for a failure. */
  readonly tokens: SampleTokens | null;
  /** What the callback wrote about usage. */
  readonly usageLogged: 'yes' | 'missing' | 'zeros' | 'without_total';
  readonly isCacheHit: boolean;
  /** A failure that the provider billed all the same, in USD. */
  readonly billedFailureUsd: number | null;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly input: unknown;
  readonly output: unknown;
  readonly overheadMs: number;
}

/** Cost by LiteLLM's price table, USD, null where it has no price. */
export function costOf(model: SampleModel, tokens: SampleTokens): number | null {
  if (model.price === null) return null;
  const uncached = tokens.prompt - tokens.cacheRead - tokens.cacheWrite;
  const cost =
    uncached * model.price.input +
    tokens.cacheRead * model.price.cacheRead +
    tokens.cacheWrite * model.price.cacheWrite +
    tokens.completion * model.price.output;
  return Number(cost.toFixed(10));
}
