/**
 * Writes one call the way each LiteLLM callback line does.
 *
 * - `A0`: `langfuse` of mid-2025 (SDK 2): input includes the cache, a trace per call unless a header names a session.
 * - `A`: the same callback later: input without cache reads, one trace for a whole session.
 * - `B`: the SDK 4 client, `C`: LiteLLM's own OTLP export: hex ids, allow-listed metadata.
 * - `O1`: `langfuse_otel`: a GENERATION below a proxy span, usage split by Langfuse, no cost of LiteLLM's.
 */
import { createHash } from 'node:crypto';
import { toMetadata } from './litellm-metadata.ts';
import type { Prng } from './prng.ts';
import { costOf, type SampleCall } from './sample-call.ts';
import type { SampleObservation, SampleTokens, SampleTruth } from './sample-types.ts';
import type { LiteLlmLine } from './team.ts';

/** What a call says about its trace. */
export interface TraceShare {
  readonly id: string;
  readonly name: string;
  readonly sessionId: string | null;
  readonly userId: string | null;
  readonly tags: readonly string[];
  readonly environment: string;
  readonly writer: SampleObservation['writer'];
}

/** Where a call's session can be found by a reader who has only this row and its trace. */
function sessionIdOf(call: SampleCall, trace: TraceShare, line: LiteLlmLine): string | null {
  if (trace.sessionId !== null) return trace.sessionId;
  switch (call.hint.kind) {
    case 'task_metadata':
    case 'metadata':
    case 'cache_key':
      return call.hint.id;
    case 'plain_header':
      return line === 'B' || line === 'C' ? call.hint.id : null;
    default:
      return null;
  }
}

const toHexTraceId = (id: string): string =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)
    ? id.replaceAll('-', '')
    : createHash('sha256').update(id).digest('hex').slice(0, 32);

/** The trace of a call, by the regimes of litellm_pre_call_utils.py and BerriAI/litellm#40177. */
export function toTraceShare(call: SampleCall, line: LiteLlmLine): TraceShare {
  const { hint } = call;
  const sharesTrace =
    (hint.kind === 'header' && line !== 'C' && line !== 'O1') ||
    (hint.kind === 'body' && line !== 'A0' && line !== 'O1');
  const plainId = sharesTrace && 'id' in hint ? hint.id : call.callId;
  const hasSession = hint.kind === 'header' || hint.kind === 'metadata';
  const [product = ''] = call.member.userAgent.split('/');
  return {
    id: line === 'A0' || line === 'A' ? plainId : toHexTraceId(plainId),
    name: line === 'O1' ? 'litellm_request' : `litellm-${call.callType}`,
    sessionId: hasSession ? hint.id : null,
    userId: call.member.tool === 'notebook' ? call.member.userId : null,
    tags: [
      `User-Agent: ${product}`,
      `User-Agent: ${call.member.userAgent}`,
      ...(call.isCacheHit ? ['cache_hit:True'] : []),
    ],
    environment: line === 'B' || line === 'C' ? 'production' : 'default',
    writer: line === 'A0' || line === 'A' ? 'ingestion' : line === 'O1' ? 'otel' : 'otel_direct',
  };
}

/** The GENERATION of a call. `availableAtMs` is when Langfuse has it. */
export function toGeneration(
  call: SampleCall,
  line: LiteLlmLine,
  written: {
    readonly prng: Prng;
    readonly availableAtMs: number;
    readonly parentId: string | null;
  },
): SampleObservation {
  const trace = toTraceShare(call, line);
  const litellmCostUsd = litellmCostOf(call);
  const usageDetails = toUsageDetails(call, line);
  const costDetails = toCostDetails(call, { line, usageDetails, litellmCostUsd });
  const isFailed = call.failure !== null;
  const isOtel = line === 'O1';
  const isPlanner = call.member.tool === 'planner';
  return {
    id: toObservationId(call, line, written.prng),
    traceId: trace.id,
    parentObservationId: written.parentId,
    type: isOtel && call.callType === 'aembedding' ? 'EMBEDDING' : 'GENERATION',
    name: isOtel ? 'litellm_request' : generationNameOf(call, line),
    environment: trace.environment,
    version: null,
    startMs: call.startMs,
    endMs: call.endMs,
    completionStartMs: isFailed || isOtel ? null : (call.firstTokenMs ?? call.endMs),
    createdMs: written.availableAtMs - 900,
    updatedMs: written.availableAtMs - 650,
    availableAtMs: written.availableAtMs,
    level: isFailed ? 'ERROR' : 'DEFAULT',
    statusMessage: call.failure,
    model: call.isModelLost ? null : call.model.raw,
    modelParameters: call.parameters,
    usageDetails,
    costDetails,
    promptName: isPlanner ? 'migration-planner' : null,
    promptVersion: isPlanner ? 3 : null,
    metadata: toMetadata(call, line, litellmCostUsd),
    input: call.input,
    output: call.failure ?? call.output,
    matchedModel: call.isModelLost ? null : call.model.matched,
    writer: trace.writer,
    truth: toTruth(call, { line, trace, costDetails, litellmCostUsd }),
  };
}

function toObservationId(call: SampleCall, line: LiteLlmLine, prng: Prng): string {
  if (line !== 'A0' && line !== 'A') return prng.hex(16);
  return call.failure === null ? toTimeId(call.responseId, call.startMs, prng) : prng.uuid();
}

/** `time-HH-MM-SS-ffffff_<response id>`: how SDK 2 names a generation. */
export function toTimeId(responseId: string, startMs: number, prng: Prng): string {
  const time = new Date(startMs).toISOString().slice(11, 23).replaceAll(/[:.]/g, '-');
  return `time-${time}${String(prng.int(0, 999)).padStart(3, '0')}_${responseId}`;
}

function generationNameOf(call: SampleCall, line: LiteLlmLine): string {
  const hasKey = line !== 'A0' || call.callType !== 'anthropic_messages';
  return hasKey && call.member.keyAlias !== null
    ? `litellm:${call.member.keyAlias}`
    : `litellm-${call.callType}`;
}

/** LiteLLM's `response_cost`: 0 for a cache hit and a failure, null without a price. */
function litellmCostOf(call: SampleCall): number | null {
  if (call.billedFailureUsd !== null) return call.billedFailureUsd;
  if (call.failure !== null || call.isCacheHit) return 0;
  if (call.isModelLost || call.tokens === null) return null;
  return costOf(call.model, call.tokens);
}

/** The three meanings of `input`; see docs/litellm.md. */
function toUsageDetails(call: SampleCall, line: LiteLlmLine): Record<string, number> {
  const { tokens } = call;
  if (tokens === null || call.usageLogged === 'missing') return {};
  if (call.usageLogged === 'zeros') return { input: 0, output: 0, total: 0 };
  const total = tokens.prompt + tokens.completion;
  if (line === 'O1') {
    return {
      input: tokens.prompt - tokens.cacheRead - tokens.cacheWrite,
      output: tokens.completion - tokens.reasoning,
      ...(tokens.cacheRead > 0 ? { input_cached_tokens: tokens.cacheRead } : {}),
      ...(tokens.cacheWrite > 0 ? { input_cache_creation: tokens.cacheWrite } : {}),
      ...(tokens.reasoning > 0 ? { output_reasoning_tokens: tokens.reasoning } : {}),
      ...(call.usageLogged === 'without_total' ? {} : { total }),
    };
  }
  return {
    input: line === 'A0' ? tokens.prompt : tokens.prompt - tokens.cacheRead,
    output: tokens.completion,
    total,
    cache_creation_input_tokens: tokens.cacheWrite,
    cache_read_input_tokens: tokens.cacheRead,
  };
}

function toCostDetails(
  call: SampleCall,
  known: {
    readonly line: LiteLlmLine;
    readonly usageDetails: Readonly<Record<string, number>>;
    readonly litellmCostUsd: number | null;
  },
): Record<string, number> {
  if (known.line === 'O1') {
    return call.failure === null ? estimateOf(call, known.usageDetails) : {};
  }
  if (call.billedFailureUsd !== null) return { total: call.billedFailureUsd };
  const hasUsage = Object.keys(known.usageDetails).length > 0;
  if (call.failure !== null || !hasUsage || known.litellmCostUsd === null) return {};
  return { total: known.litellmCostUsd };
}

/** Langfuse prices each usage key itself where it knows the model and nobody gave a cost. */
function estimateOf(
  call: SampleCall,
  usage: Readonly<Record<string, number>>,
): Record<string, number> {
  const { matched } = call.model;
  if (matched === null) return {};
  const prices: Record<string, number> = {
    input: matched.inputPrice,
    input_cached_tokens: call.model.price?.cacheRead ?? matched.inputPrice,
    output: matched.outputPrice,
  };
  const costs: Record<string, number> = {};
  let total = 0;
  for (const [key, price] of Object.entries(prices)) {
    const units = usage[key];
    if (units === undefined) continue;
    costs[key] = Number((units * price).toFixed(10));
    total += costs[key];
  }
  return { ...costs, total: Number(total.toFixed(10)) };
}

function toTruth(
  call: SampleCall,
  known: {
    readonly line: LiteLlmLine;
    readonly trace: TraceShare;
    readonly costDetails: Readonly<Record<string, number>>;
    readonly litellmCostUsd: number | null;
  },
): SampleTruth {
  const isFailed = call.failure !== null;
  const isLogged = call.usageLogged === 'yes' || call.usageLogged === 'without_total';
  const tokens: SampleTokens | null = isFailed || !isLogged ? null : call.tokens;
  const latencyMs = isFailed || call.endMs < call.startMs ? null : call.endMs - call.startMs;
  const hasFirstToken =
    latencyMs !== null &&
    call.isStreaming &&
    known.line !== 'O1' &&
    call.firstTokenMs !== null &&
    call.firstTokenMs < call.endMs;
  return {
    kind: 'generation',
    requestId: call.callId,
    tokens,
    costUsd: trueCostOf(call, known),
    sessionId: sessionIdOf(call, known.trace, known.line),
    latencyMs,
    timeToFirstTokenMs:
      hasFirstToken && call.firstTokenMs !== null ? call.firstTokenMs - call.startMs : null,
  };
}

function trueCostOf(
  call: SampleCall,
  known: {
    readonly line: LiteLlmLine;
    readonly costDetails: Readonly<Record<string, number>>;
    readonly litellmCostUsd: number | null;
  },
): number | null {
  if (call.failure !== null) return known.costDetails['total'] ?? 0;
  if (call.isCacheHit) return 0;
  return known.line === 'O1' ? (known.costDetails['total'] ?? null) : known.litellmCostUsd;
}
