/**
 * `POST /api/public/otel/v1/traces`: a span becomes an observation by its `langfuse.*` attributes, and where they are
 * missing by those of the GenAI conventions (langfuse OtelIngestionProcessor.ts).
 */
import { putObservationPiece, putTracePiece } from './ingest-row.ts';
import type { OtlpSpan } from './otlp-request.ts';
import type { SampleStore } from './sample-store.ts';
import type { SampleObservation } from './sample-types.ts';

/** `isDirect`: the header `x-langfuse-ingestion-version: 4`, which writes straight into the v4 table. */
export function ingestSpans(
  store: SampleStore,
  spans: readonly OtlpSpan[],
  to: { readonly nowMs: number; readonly isDirect: boolean },
): void {
  const writer: SampleObservation['writer'] = to.isDirect ? 'otel_direct' : 'otel';
  for (const span of spans) {
    putObservationPiece(store, { ...toObservation(span), writer }, to.nowMs);
    putTracePiece(
      store,
      {
        id: span.traceId,
        writer,
        timestampMs: span.startMs,
        name: text(span, 'langfuse.trace.name'),
        userId: text(span, 'langfuse.user.id', 'user.id'),
        sessionId: text(span, 'langfuse.session.id', 'session.id'),
        tags: list(parsed(span.attributes['langfuse.trace.tags'])),
        environment: text(span, 'langfuse.environment'),
        release: text(span, 'langfuse.release'),
        version: text(span, 'langfuse.version'),
      },
      to.nowMs,
    );
  }
}

function toObservation(span: OtlpSpan): Omit<SampleObservation, 'writer' | OwnFields> {
  const completionStart = parsed(span.attributes['langfuse.observation.completion_start_time']);
  return {
    id: span.spanId,
    traceId: span.traceId,
    parentObservationId: span.parentSpanId,
    type: toType(span),
    name: span.name,
    environment: text(span, 'langfuse.environment') ?? 'default',
    version: text(span, 'langfuse.version'),
    startMs: span.startMs,
    endMs: span.endMs,
    completionStartMs: typeof completionStart === 'string' ? Date.parse(completionStart) : null,
    level: text(span, 'langfuse.observation.level') ?? (span.isError ? 'ERROR' : 'DEFAULT'),
    statusMessage: text(span, 'langfuse.observation.status_message') ?? span.statusMessage,
    model: text(span, ...modelKeys),
    modelParameters: record(parsed(span.attributes['langfuse.observation.model.parameters'])),
    usageDetails: numbers(
      parsed(span.attributes['langfuse.observation.usage_details']) ?? genAiUsage(span),
    ),
    costDetails: numbers(
      parsed(span.attributes['langfuse.observation.cost_details']) ?? {
        total: span.attributes['gen_ai.usage.cost'],
      },
    ),
    promptName: text(span, 'langfuse.observation.prompt.name'),
    promptVersion: Number(span.attributes['langfuse.observation.prompt.version'] ?? 0) || null,
    metadata: toMetadata(span),
    input: parsed(span.attributes['langfuse.observation.input']),
    output: parsed(span.attributes['langfuse.observation.output']),
  };
}

/** What Langfuse, not the span, decides. */
type OwnFields = 'createdMs' | 'updatedMs' | 'availableAtMs' | 'matchedModel' | 'truth';

function toType(span: OtlpSpan): string {
  const type = text(span, 'langfuse.observation.type');
  if (type !== null) return type.toUpperCase();
  return text(span, ...modelKeys) === null ? 'SPAN' : 'GENERATION';
}

/** Values are stored as text and parsed where they parse. Spans of Langfuse's own SDKs are not copied as `attributes`. */
function toMetadata(span: OtlpSpan): Record<string, unknown> {
  const prefix = 'langfuse.observation.metadata.';
  const own = Object.entries(span.attributes)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]): [string, unknown] => [key.slice(prefix.length), parsed(value)]);
  const isOfSdk = span.scope.name.startsWith('langfuse-sdk');
  return {
    ...(isOfSdk ? {} : { attributes: span.attributes }),
    resourceAttributes: span.resource,
    scope: span.scope,
    ...Object.fromEntries(own),
  };
}

/** Where a model is named, the first wins. */
const modelKeys = [
  'langfuse.observation.model.name',
  'gen_ai.response.model',
  'gen_ai.request.model',
  'llm.response.model',
  'llm.model_name',
];

const usageNames: Readonly<Record<string, string>> = {
  prompt_tokens: 'input',
  input_tokens: 'input',
  prompt: 'input',
  completion_tokens: 'output',
  output_tokens: 'output',
  completion: 'output',
  total_tokens: 'total',
};

/** Counts by the conventions of GenAI (`gen_ai.usage.*`) and OpenInference (`llm.token_count.*`). */
function genAiUsage(span: OtlpSpan): Record<string, unknown> {
  const counts = Object.entries(span.attributes).flatMap(([key, value]): [string, unknown][] => {
    const name = /^(?:gen_ai\.usage|llm\.token_count)\.(.+)$/.exec(key)?.[1];
    if (name === undefined || name === 'cost') return [];
    return [[usageNames[name] ?? name, value]];
  });
  return Object.fromEntries(counts);
}

function text(span: OtlpSpan, ...keys: readonly string[]): string | null {
  for (const key of keys) {
    const value = span.attributes[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  return null;
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value ?? null;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function numbers(value: unknown): Record<string, number> {
  return Object.fromEntries(
    Object.entries(record(value) ?? {}).filter(
      (entry): entry is [string, number] => typeof entry[1] === 'number',
    ),
  );
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
