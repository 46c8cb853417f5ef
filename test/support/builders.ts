/** Small builders: a complete object with the few fields that a test is about. */
import type { Generation, TokenCounts, UnderstandingRules } from '../../src/litellm/generation.ts';
import type { Observation, TraceAttributes } from '../../src/shared/observation.ts';

/** 2026-03-04T09:00:00.000Z, when every built thing starts unless told otherwise. */
export const builtStartMs = Date.UTC(2026, 2, 4, 9);

/** A streamed chat call that LiteLLM's `langfuse` callback wrote: two seconds, 120 tokens, one tenth of a cent. */
export function anObservation(fields: Partial<Observation> = {}): Observation {
  const startMs = fields.startMs ?? builtStartMs;
  return {
    id: 'observation-1',
    traceId: 'trace-1',
    projectId: 'project-1',
    parentObservationId: null,
    type: 'GENERATION',
    name: 'litellm-acompletion',
    environment: 'default',
    release: null,
    version: null,
    startMs,
    endMs: startMs + 2_000,
    completionStartMs: startMs + 500,
    createdMs: startMs + 3_000,
    updatedMs: startMs + 3_000,
    level: 'DEFAULT',
    statusMessage: null,
    model: 'openai/gpt-4o',
    modelParameters: { stream: true },
    usageDetails: { input: 100, output: 20, total: 120 },
    costDetails: { total: 0.001 },
    calculatedTotalCostUsd: null,
    promptName: null,
    promptVersion: null,
    userId: null,
    sessionId: null,
    tags: [],
    traceName: null,
    metadata: { litellm_response_cost: 0.001 },
    ...fields,
  };
}

/** Token counts that add up: the cache is inside `promptTokens`. */
export function tokenCounts(fields: Partial<TokenCounts> = {}): TokenCounts {
  const {
    promptTokens = 100,
    completionTokens = 20,
    cacheReadTokens = 0,
    cacheWriteTokens = 0,
  } = fields;
  return {
    promptTokens,
    completionTokens,
    totalTokens: promptTokens + completionTokens,
    cacheReadTokens,
    cacheWriteTokens,
    uncachedPromptTokens: promptTokens - cacheReadTokens - cacheWriteTokens,
    reasoningTokens: 0,
    ...fields,
  };
}

/** What {@link anObservation} is understood as. Latency follows start and end unless given. */
export function aGeneration(fields: Partial<Generation> = {}): Generation {
  const startMs = fields.startMs ?? builtStartMs;
  const endMs = fields.endMs === undefined ? startMs + 2_000 : fields.endMs;
  return {
    traceId: 'trace-1',
    id: 'observation-1',
    startMs,
    endMs,
    updatedMs: startMs + 3_000,
    latencyMs: endMs === null ? null : endMs - startMs,
    timeToFirstTokenMs: endMs === null ? null : 500,
    timingFault: endMs === null ? 'no_end' : null,
    isStreaming: true,
    isError: false,
    errorClass: null,
    httpStatus: null,
    statusMessage: null,
    name: 'litellm-acompletion',
    callback: 'langfuse',
    callType: 'acompletion',
    model: 'gpt-4o',
    modelRaw: 'openai/gpt-4o',
    modelGroup: null,
    provider: 'openai',
    environment: 'default',
    release: null,
    version: null,
    promptName: null,
    promptVersion: null,
    sessionId: null,
    sessionSource: null,
    sessionHint: null,
    sessionHintSource: null,
    userId: null,
    userSource: null,
    keyOwnerId: null,
    keyHash: null,
    keyAlias: null,
    teamId: null,
    teamAlias: null,
    clientTool: null,
    tags: [],
    isCacheHit: false,
    tokens: tokenCounts(),
    usageFault: null,
    costUsd: 0.001,
    costSource: 'provided',
    savedCostUsd: null,
    gatewayOverheadMs: null,
    callId: null,
    responseId: null,
    toolCalls: null,
    parameters: { stream: true },
    metadata: {},
    ...fields,
  };
}

/** A failed attempt of 400 ms: a rate limit, no tokens, not billed. */
export function aFailure(fields: Partial<Generation> = {}): Generation {
  const startMs = fields.startMs ?? builtStartMs;
  return aGeneration({
    endMs: startMs + 400,
    timeToFirstTokenMs: null,
    isError: true,
    errorClass: 'RateLimitError',
    httpStatus: 429,
    statusMessage: 'litellm.RateLimitError: slow down',
    tokens: null,
    costUsd: 0,
    costSource: 'not_billed',
    ...fields,
  });
}

export function traceAttributes(fields: Partial<TraceAttributes> = {}): TraceAttributes {
  return {
    traceId: 'trace-1',
    timestampMs: builtStartMs,
    updatedMs: builtStartMs + 3_000,
    name: 'litellm-acompletion',
    userId: null,
    sessionId: null,
    tags: [],
    environment: 'default',
    release: null,
    version: null,
    metadata: {},
    ...fields,
  };
}

export function understandingRules(fields: Partial<UnderstandingRules> = {}): UnderstandingRules {
  return {
    modelAliases: {},
    origin: 'litellm',
    maxLatencyMs: 6 * 60 * 60 * 1_000,
    nowMs: Date.UTC(2027, 0, 1),
    ...fields,
  };
}
