/** A *fact*: the row of one de-duplicated call attempt, and its way from and to a generation. */
import type {
  CostSource,
  Generation,
  ResolvedGeneration,
  SessionSource,
  TimingFault,
  UsageFault,
  UserSource,
} from '../litellm/generation.ts';
import { hashOf } from '../shared/hash.ts';

/** Columns of the table `facts` as SQLite gives them: booleans are 0 or 1, lists and objects are JSON text. */
export interface Fact {
  readonly source: string;
  readonly window_from_ms: number;
  readonly trace_id: string;
  readonly id: string;
  readonly start_ms: number;
  readonly end_ms: number | null;
  readonly updated_ms: number | null;
  readonly latency_ms: number | null;
  readonly time_to_first_token_ms: number | null;
  readonly timing_fault: string | null;
  readonly is_streaming: number;
  readonly is_error: number;
  readonly error_class: string | null;
  readonly http_status: number | null;
  readonly status_message: string | null;
  readonly name: string | null;
  readonly callback: string | null;
  readonly call_type: string | null;
  readonly model: string;
  readonly model_raw: string | null;
  readonly model_group: string | null;
  readonly provider: string | null;
  readonly environment: string | null;
  readonly release: string | null;
  readonly version: string | null;
  readonly prompt_name: string | null;
  readonly prompt_version: number | null;
  readonly session_id: string | null;
  readonly session_source: string | null;
  readonly session_hint: string | null;
  readonly session_hint_source: string | null;
  readonly user_id: string | null;
  readonly user_source: string | null;
  readonly key_owner_id: string | null;
  readonly key_hash: string | null;
  readonly key_alias: string | null;
  readonly team_id: string | null;
  readonly team_alias: string | null;
  readonly client_tool: string | null;
  readonly tags: string;
  readonly is_cache_hit: number;
  readonly prompt_tokens: number | null;
  readonly completion_tokens: number | null;
  readonly total_tokens: number | null;
  readonly cache_read_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly uncached_prompt_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly usage_fault: string | null;
  readonly cost_usd: number | null;
  readonly cost_source: string;
  readonly saved_cost_usd: number | null;
  readonly gateway_overhead_ms: number | null;
  readonly call_id: string | null;
  readonly response_id: string | null;
  readonly tool_calls: number | null;
  readonly parameters: string;
  readonly metadata: string;
  readonly request_id: string;
  readonly is_final_attempt: number;
  readonly not_counted: string | null;
  readonly content_hash: string | null;
  readonly row_hash: string;
}

export const factColumns = [
  'source',
  'window_from_ms',
  'trace_id',
  'id',
  'start_ms',
  'end_ms',
  'updated_ms',
  'latency_ms',
  'time_to_first_token_ms',
  'timing_fault',
  'is_streaming',
  'is_error',
  'error_class',
  'http_status',
  'status_message',
  'name',
  'callback',
  'call_type',
  'model',
  'model_raw',
  'model_group',
  'provider',
  'environment',
  'release',
  'version',
  'prompt_name',
  'prompt_version',
  'session_id',
  'session_source',
  'session_hint',
  'session_hint_source',
  'user_id',
  'user_source',
  'key_owner_id',
  'key_hash',
  'key_alias',
  'team_id',
  'team_alias',
  'client_tool',
  'tags',
  'is_cache_hit',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'uncached_prompt_tokens',
  'reasoning_tokens',
  'usage_fault',
  'cost_usd',
  'cost_source',
  'saved_cost_usd',
  'gateway_overhead_ms',
  'call_id',
  'response_id',
  'tool_calls',
  'parameters',
  'metadata',
  'request_id',
  'is_final_attempt',
  'not_counted',
  'content_hash',
  'row_hash',
] as const satisfies readonly (keyof Fact)[];

/** What the store adds to a generation to make a fact of it. */
export interface FactPlace {
  readonly source: string;
  readonly windowFromMs: number;
  readonly notCounted: string | null;
  readonly contentHash: string | null;
}

/** The row of a resolved generation. `row_hash` covers everything but the time of Langfuse's last update. */
export function toFact(generation: ResolvedGeneration, place: FactPlace): Fact {
  const tokens = generation.tokens;
  const withoutHash = {
    source: place.source,
    window_from_ms: place.windowFromMs,
    trace_id: generation.traceId,
    id: generation.id,
    start_ms: generation.startMs,
    end_ms: generation.endMs,
    latency_ms: generation.latencyMs,
    time_to_first_token_ms: generation.timeToFirstTokenMs,
    timing_fault: generation.timingFault,
    is_streaming: Number(generation.isStreaming),
    is_error: Number(generation.isError),
    error_class: generation.errorClass,
    http_status: generation.httpStatus,
    status_message: generation.statusMessage,
    name: generation.name,
    callback: generation.callback,
    call_type: generation.callType,
    model: generation.model,
    model_raw: generation.modelRaw,
    model_group: generation.modelGroup,
    provider: generation.provider,
    environment: generation.environment,
    release: generation.release,
    version: generation.version,
    prompt_name: generation.promptName,
    prompt_version: generation.promptVersion,
    session_id: generation.sessionId,
    session_source: generation.sessionSource,
    session_hint: generation.sessionHint,
    session_hint_source: generation.sessionHintSource,
    user_id: generation.userId,
    user_source: generation.userSource,
    key_owner_id: generation.keyOwnerId,
    key_hash: generation.keyHash,
    key_alias: generation.keyAlias,
    team_id: generation.teamId,
    team_alias: generation.teamAlias,
    client_tool: generation.clientTool,
    tags: JSON.stringify(generation.tags),
    is_cache_hit: Number(generation.isCacheHit),
    prompt_tokens: tokens?.promptTokens ?? null,
    completion_tokens: tokens?.completionTokens ?? null,
    total_tokens: tokens?.totalTokens ?? null,
    cache_read_tokens: tokens?.cacheReadTokens ?? null,
    cache_write_tokens: tokens?.cacheWriteTokens ?? null,
    uncached_prompt_tokens: tokens?.uncachedPromptTokens ?? null,
    reasoning_tokens: tokens?.reasoningTokens ?? null,
    usage_fault: generation.usageFault,
    cost_usd: generation.costUsd,
    cost_source: generation.costSource,
    saved_cost_usd: generation.savedCostUsd,
    gateway_overhead_ms: generation.gatewayOverheadMs,
    call_id: generation.callId,
    response_id: generation.responseId,
    tool_calls: generation.toolCalls,
    parameters: JSON.stringify(generation.parameters),
    metadata: JSON.stringify(generation.metadata),
    request_id: generation.requestId,
    is_final_attempt: Number(generation.isFinalAttempt),
    not_counted: place.notCounted,
    content_hash: place.contentHash,
  };
  return { ...withoutHash, updated_ms: generation.updatedMs, row_hash: hashOf(withoutHash) };
}

/** The generation that a fact was made of. */
export function toResolvedGeneration(fact: Fact): ResolvedGeneration {
  return {
    traceId: fact.trace_id,
    id: fact.id,
    startMs: fact.start_ms,
    endMs: fact.end_ms,
    updatedMs: fact.updated_ms,
    latencyMs: fact.latency_ms,
    timeToFirstTokenMs: fact.time_to_first_token_ms,
    timingFault: fact.timing_fault as TimingFault | null,
    isStreaming: fact.is_streaming === 1,
    isError: fact.is_error === 1,
    errorClass: fact.error_class,
    httpStatus: fact.http_status,
    statusMessage: fact.status_message,
    name: fact.name,
    callback: fact.callback as ResolvedGeneration['callback'],
    callType: fact.call_type,
    model: fact.model,
    modelRaw: fact.model_raw,
    modelGroup: fact.model_group,
    provider: fact.provider,
    environment: fact.environment,
    release: fact.release,
    version: fact.version,
    promptName: fact.prompt_name,
    promptVersion: fact.prompt_version,
    sessionId: fact.session_id,
    sessionSource: fact.session_source as SessionSource | null,
    sessionHint: fact.session_hint,
    sessionHintSource: fact.session_hint_source as ResolvedGeneration['sessionHintSource'],
    userId: fact.user_id,
    userSource: fact.user_source as UserSource | null,
    keyOwnerId: fact.key_owner_id,
    keyHash: fact.key_hash,
    keyAlias: fact.key_alias,
    teamId: fact.team_id,
    teamAlias: fact.team_alias,
    clientTool: fact.client_tool,
    tags: JSON.parse(fact.tags) as string[],
    isCacheHit: fact.is_cache_hit === 1,
    tokens: toTokens(fact),
    usageFault: fact.usage_fault as UsageFault | null,
    costUsd: fact.cost_usd,
    costSource: fact.cost_source as CostSource,
    savedCostUsd: fact.saved_cost_usd,
    gatewayOverheadMs: fact.gateway_overhead_ms,
    callId: fact.call_id,
    responseId: fact.response_id,
    toolCalls: fact.tool_calls,
    parameters: JSON.parse(fact.parameters) as ResolvedGeneration['parameters'],
    metadata: JSON.parse(fact.metadata) as ResolvedGeneration['metadata'],
    requestId: fact.request_id,
    isFinalAttempt: fact.is_final_attempt === 1,
  };
}

function toTokens(fact: Fact): Generation['tokens'] {
  if (fact.total_tokens === null) return null;
  return {
    promptTokens: fact.prompt_tokens ?? 0,
    completionTokens: fact.completion_tokens ?? 0,
    totalTokens: fact.total_tokens,
    cacheReadTokens: fact.cache_read_tokens ?? 0,
    cacheWriteTokens: fact.cache_write_tokens ?? 0,
    uncachedPromptTokens: fact.uncached_prompt_tokens ?? 0,
    reasoningTokens: fact.reasoning_tokens ?? 0,
  };
}
