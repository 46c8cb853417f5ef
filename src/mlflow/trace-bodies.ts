/**
 * Every body of a trace that is sent to MLflow. Times of a trace are RFC 3339 text (a number becomes 1970, with 200),
 * those of spans nanoseconds, which no JavaScript number holds.
 */
import type { Trace, TraceAssessment, TraceSpan, TraceTokens } from '../shared/trace.ts';
import { toTagPairs } from './bodies.ts';
import { toTimeMs } from './limits.ts';
import { toCleanText, toLimitedText } from './text.ts';

/** MLflow cuts a longer value of metadata when it is read. */
const maxMetadataLength = 250;
const maxPreviewLength = 1000;
/** `trace_info.client_request_id` is a VARCHAR(50). */
const maxClientRequestIdLength = 50;

export const traceHashTag = 'langfuse_mlflow.hash';

/** The body of `POST /api/3.0/mlflow/traces`. */
export function toTraceInfoBody(
  trace: Trace,
  place: { readonly experimentId: string; readonly hasAssessments: boolean },
): object {
  const previews = trace.readPreviews();
  const metadata = {
    'mlflow.trace_schema.version': '3',
    ...known('mlflow.trace.session', trace.sessionId),
    ...known('mlflow.trace.user', trace.userId),
    ...known('mlflow.sourceRun', trace.runId),
    ...known('mlflow.trace.tokenUsage', trace.tokens && JSON.stringify(toUsage(trace.tokens))),
    ...known('mlflow.trace.cost', trace.costUsd === null ? null : toCost(trace.costUsd)),
  };
  const tags = { 'mlflow.traceName': trace.name, ...trace.tags, [traceHashTag]: trace.hash };
  return {
    trace: {
      trace_info: {
        trace_id: trace.id,
        client_request_id: toLimitedText(trace.externalId, maxClientRequestIdLength),
        trace_location: {
          type: 'MLFLOW_EXPERIMENT',
          mlflow_experiment: { experiment_id: place.experimentId },
        },
        request_time: toTimeText(trace.startMs),
        ...(trace.durationMs === null
          ? {}
          : { execution_duration: `${(Math.max(0, trace.durationMs) / 1000).toFixed(3)}s` }),
        state: trace.isError ? 'ERROR' : 'OK',
        ...known('request_preview', previews.request, maxPreviewLength),
        ...known('response_preview', previews.response, maxPreviewLength),
        trace_metadata: metadata,
        tags: Object.fromEntries(toTagPairs(tags).map(({ key, value }) => [key, value])),
        assessments: place.hasAssessments
          ? trace.assessments.map((assessment) => toAssessmentBody(assessment, trace.id))
          : [],
      },
    },
  };
}

function toAssessmentBody(assessment: TraceAssessment, traceId: string): object {
  const time = toTimeText(assessment.timeMs);
  return {
    assessment_id: assessment.id,
    assessment_name: toCleanText(assessment.name),
    trace_id: traceId,
    ...known('span_id', assessment.spanId),
    source: { source_type: assessment.sourceType, source_id: assessment.sourceId },
    create_time: time,
    last_update_time: time,
    feedback: {
      value:
        typeof assessment.value === 'string' ? toCleanText(assessment.value) : assessment.value,
    },
    ...known('rationale', assessment.comment, 5000),
  };
}

/** Bodies of `POST /v1/traces`, each of about `maxBytes` at most unless one span is larger. */
export function* toOtlpBodies(trace: Trace, maxBytes: number): Generator<string> {
  let spans: string[] = [];
  let bytes = 0;
  for (const span of trace.spans) {
    const text = JSON.stringify(toOtlpSpan(trace, span));
    if (spans.length > 0 && bytes + text.length > maxBytes) {
      yield renderOtlp(spans);
      spans = [];
      bytes = 0;
    }
    spans.push(text);
    bytes += text.length;
  }
  yield renderOtlp(spans);
}

function renderOtlp(spans: readonly string[]): string {
  return `{"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[{"scope":{"name":"langfuse-mlflow"},"spans":[${spans.join(',')}]}]}]}`;
}

function toOtlpSpan(trace: Trace, span: TraceSpan): object {
  const attributes = Object.entries(toAttributes(span)).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string'
        ? { stringValue: value }
        : typeof value === 'boolean'
          ? { boolValue: value }
          : { doubleValue: value },
  }));
  return {
    traceId: trace.id.slice('tr-'.length),
    spanId: span.id,
    ...(span.parentId === null ? {} : { parentSpanId: span.parentId }),
    name: toCleanText(span.name),
    kind: 1,
    startTimeUnixNano: toNanos(span.startMs),
    // OTLP has no open span that is over: its time is then in no duration of the trace.
    endTimeUnixNano: toNanos(span.endMs ?? span.startMs),
    status: toStatus(span, { ok: 1, error: 2 }),
    attributes,
  };
}

/** `traces.json`, as MLflow's own client writes it beside a trace whose spans are not in the database. */
export function toTraceFile(trace: Trace): Uint8Array {
  const spans = trace.spans.map((span) => ({
    trace_id: toBase64(trace.id.slice('tr-'.length)),
    span_id: toBase64(span.id),
    parent_span_id: span.parentId === null ? null : toBase64(span.parentId),
    name: toCleanText(span.name),
    start_time_unix_nano: toNanos(span.startMs),
    end_time_unix_nano: toNanos(span.endMs ?? span.startMs),
    events: [],
    status: toStatus(span, { ok: 'STATUS_CODE_OK', error: 'STATUS_CODE_ERROR' }),
    attributes: Object.fromEntries([
      ['mlflow.traceRequestId', JSON.stringify(trace.id)],
      ...Object.entries(toAttributes(span)).map(([key, value]) => [
        key,
        jsonAttributes.has(key) ? value : JSON.stringify(value),
      ]),
    ]) as Record<string, string>,
  }));
  // A quote inside of a text is escaped, so that this meets no text.
  const text = JSON.stringify({ spans }).replaceAll(
    /"(start|end)_time_unix_nano":"(\d+)"/g,
    '"$1_time_unix_nano":$2',
  );
  return new TextEncoder().encode(text);
}

/** Attributes that are JSON already. */
const jsonAttributes: ReadonlySet<string> = new Set([
  'mlflow.spanInputs',
  'mlflow.spanOutputs',
  'mlflow.chat.tokenUsage',
  'mlflow.llm.cost',
]);

function toAttributes(span: TraceSpan): Record<string, string | number | boolean> {
  const text = span.readText();
  const isCall = span.model !== null;
  return {
    'mlflow.spanType': span.type,
    ...known('mlflow.spanInputs', toJson(text?.inputs), Infinity),
    ...known('mlflow.spanOutputs', toJson(text?.outputs), Infinity),
    ...known('mlflow.llm.model', span.model),
    ...known('mlflow.llm.provider', span.provider),
    ...known('mlflow.chat.tokenUsage', span.tokens && JSON.stringify(toUsage(span.tokens))),
    // Without it MLflow computes a cost by a price list of its own, which an empty one prevents.
    ...(isCall ? { 'mlflow.llm.cost': span.costUsd === null ? '{}' : toCost(span.costUsd) } : {}),
    ...Object.fromEntries(
      Object.entries(span.attributes).map(([key, value]) => [
        toCleanText(key),
        typeof value === 'string' ? toCleanText(value) : value,
      ]),
    ),
  };
}

function toUsage(tokens: TraceTokens): object {
  return {
    input_tokens: tokens.input,
    output_tokens: tokens.output,
    total_tokens: tokens.total,
    cache_read_input_tokens: tokens.cacheRead,
    cache_creation_input_tokens: tokens.cacheWrite,
  };
}

/** Langfuse tells the whole alone. */
function toCost(costUsd: number): string {
  return JSON.stringify({ total_cost: costUsd });
}

function toStatus<T>(
  span: TraceSpan,
  codes: { readonly ok: T; readonly error: T },
): { readonly code: T; readonly message: string } {
  const message = span.isError ? toLimitedText(span.message ?? '', 4000) : '';
  return { code: span.isError ? codes.error : codes.ok, message };
}

function toJson(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return toCleanText(
    JSON.stringify(value, (_, field: unknown) =>
      typeof field === 'string' ? toCleanText(field) : field,
    ),
  );
}

function known(
  key: string,
  value: string | null | undefined,
  limit = maxMetadataLength,
): Record<string, string> {
  if (value === null || value === undefined) return {};
  return { [key]: limit === Infinity ? value : toLimitedText(value, limit) };
}

function toTimeText(timeMs: number): string {
  return new Date(toTimeMs(Math.round(timeMs))).toISOString();
}

function toNanos(timeMs: number): string {
  return String(BigInt(Math.round(timeMs * 1000)) * 1000n);
}

function toBase64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}
