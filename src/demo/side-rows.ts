/** Rows beside the counted generations: guardrails, proxy spans, and Cline's own exports. None is ever counted. */
import { bareObservation } from './bare-observation.ts';
import type { Prng } from './prng.ts';
import type { SampleCall } from './sample-call.ts';
import type { SampleObservation, SampleTrace } from './sample-types.ts';

type Placed = Pick<SampleObservation, 'createdMs' | 'updatedMs' | 'availableAtMs'>;

const placedLike = (row: SampleObservation): Placed => ({
  createdMs: row.createdMs,
  updatedMs: row.updatedMs,
  availableAtMs: row.availableAtMs,
});

/** LiteLLM's `guardrail` span in the trace of a call. */
export function toGuardrailSpan(prng: Prng, row: SampleObservation): SampleObservation {
  return {
    ...bareObservation,
    ...placedLike(row),
    id: row.writer === 'ingestion' ? prng.uuid() : prng.hex(16),
    traceId: row.traceId,
    parentObservationId: null,
    type: 'SPAN',
    name: 'guardrail',
    environment: row.environment,
    startMs: row.startMs + 2,
    endMs: row.startMs + 2 + prng.int(12, 90),
    metadata: {
      guardrail_name: 'secret-scan',
      guardrail_mode: 'pre_call',
      guardrail_status: 'success',
    },
    writer: row.writer,
  };
}

/** The proxy's request span above a `langfuse_otel` generation (BerriAI/litellm#14020). */
export function toProxySpan(id: string, row: SampleObservation): SampleObservation {
  return {
    ...bareObservation,
    ...placedLike(row),
    id,
    traceId: row.traceId,
    parentObservationId: null,
    type: 'SPAN',
    name: 'Received Proxy Server Request',
    environment: row.environment,
    startMs: row.startMs - 4,
    endMs: (row.endMs ?? row.startMs) + 3,
    metadata: row.metadata,
    writer: row.writer,
  };
}

/** The raw provider span below it: the same call again, without a model or usage of its own. */
export function toRawSpan(prng: Prng, row: SampleObservation): SampleObservation {
  return {
    ...bareObservation,
    ...placedLike(row),
    id: prng.hex(16),
    traceId: row.traceId,
    parentObservationId: row.id,
    type: 'SPAN',
    name: 'raw_gen_ai_request',
    environment: row.environment,
    startMs: row.startMs + 1,
    endMs: row.endMs,
    level: row.level,
    statusMessage: row.statusMessage,
    metadata: row.metadata,
    writer: row.writer,
  };
}

/** Cline's own export of a call that LiteLLM also logged: a trace with an AI-SDK span, a generation and an event. */
export function toClineRows(
  prng: Prng,
  call: SampleCall,
  export_: { readonly sessionId: string; readonly availableAtMs: number },
): { readonly trace: SampleTrace; readonly observations: readonly SampleObservation[] } {
  const traceId = prng.hex(32);
  const spanId = prng.hex(16);
  const shared = {
    ...bareObservation,
    traceId,
    environment: 'default',
    createdMs: export_.availableAtMs - 900,
    updatedMs: export_.availableAtMs - 650,
    availableAtMs: export_.availableAtMs,
    metadata: {
      resourceAttributes: { 'service.name': 'cline-sdk', 'telemetry.sdk.language': 'nodejs' },
      scope: { name: 'ai', attributes: {} },
    },
    writer: 'otel_direct' as const,
  };
  const startMs = call.startMs - 35;
  const endMs = call.endMs + 20;
  const span: SampleObservation = {
    ...shared,
    id: spanId,
    parentObservationId: null,
    type: 'SPAN',
    name: 'ai.streamText',
    startMs,
    endMs,
  };
  const generation: SampleObservation = {
    ...shared,
    id: prng.hex(16),
    parentObservationId: spanId,
    type: 'GENERATION',
    name: 'ai.streamText.doStream',
    startMs: startMs + 3,
    endMs: endMs - 2,
    completionStartMs: call.firstTokenMs,
    model: call.model.group,
    modelParameters: { temperature: 1 },
    usageDetails: call.tokens
      ? {
          input: call.tokens.prompt,
          output: call.tokens.completion,
          total: call.tokens.prompt + call.tokens.completion,
        }
      : {},
    input: call.input,
    output: call.output,
  };
  const event: SampleObservation = {
    ...shared,
    id: prng.hex(16),
    parentObservationId: spanId,
    type: 'EVENT',
    name: 'task.step',
    startMs: startMs + 1,
    endMs: null,
  };
  return {
    trace: {
      id: traceId,
      timestampMs: startMs,
      name: 'ai.streamText',
      userId: call.member.userId,
      sessionId: export_.sessionId,
      tags: ['cline'],
      environment: 'default',
      release: null,
      version: null,
      metadata: {},
      input: call.input,
      output: call.output,
      createdMs: shared.createdMs,
      updatedMs: shared.updatedMs,
      availableAtMs: shared.availableAtMs,
      writer: 'otel_direct',
    },
    observations: [span, generation, event],
  };
}
