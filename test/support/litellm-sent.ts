/** What LiteLLM's callback sends, caught at a socket and brought into a form that is the same on each run. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseOtlpProtobuf, type OtlpSpan } from '../../src/demo/otlp-request.ts';

export interface SpanCatcher extends AsyncDisposable {
  readonly url: string;
  /** Spans so far, in the order of arrival. */
  readonly spans: readonly OtlpSpan[];
  /** Path and the headers that matter of each export. */
  readonly exports: readonly Readonly<Record<string, string | undefined>>[];
}

export async function catchSpans(): Promise<SpanCatcher> {
  const spans: OtlpSpan[] = [];
  const exports: Record<string, string | undefined>[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method === 'POST') {
        const { headers } = request;
        exports.push({
          path: request.url,
          'content-type': headers['content-type'],
          'x-langfuse-ingestion-version': headers['x-langfuse-ingestion-version']?.toString(),
        });
        spans.push(...parseOtlpProtobuf(Buffer.concat(chunks)));
      }
      response.setHeader('content-type', 'application/json');
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    exports,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const firstMs = Date.UTC(2026, 10, 20, 9);

/**
 * OTLP JSON with made-up ids, times a minute apart, and each call a second long; whether the first token came before
 * the end is kept.
 */
export function toFixture(spans: readonly OtlpSpan[]): Record<string, unknown> {
  const sorted = spans.toSorted((a, b) => a.startMs - b.startMs);
  // What began at the same instant still does: a failure that is logged twice is known by that.
  const instants = [...new Set(sorted.map((span) => span.startMs))];
  const texts = sorted.map((span) => {
    const startMs = firstMs + instants.indexOf(span.startMs) * 60_000;
    return JSON.stringify({
      traceId: span.traceId,
      spanId: span.spanId,
      name: span.name,
      startTimeUnixNano: `${startMs}000000`,
      endTimeUnixNano: `${startMs + 1000}000000`,
      attributes: Object.entries(span.attributes).map(([key, value]) => ({
        key,
        value: toAnyValue(key, withoutTime(key, value, { span, startMs })),
      })),
    });
  });
  const [first] = sorted;
  return {
    resourceSpans: [
      {
        resource: { attributes: toAttributes(first?.resource ?? {}) },
        scopeSpans: [
          {
            scope: { name: first?.scope.name, attributes: [] },
            spans: JSON.parse(withoutIds(`[${texts.join(',')}]`)) as unknown,
          },
        ],
      },
    ],
  };
}

const completionStart = 'langfuse.observation.completion_start_time';

function withoutTime(
  key: string,
  value: unknown,
  at: { readonly span: OtlpSpan; readonly startMs: number },
): unknown {
  if (key !== completionStart || typeof value !== 'string') return value;
  const isBeforeEnd = Date.parse(JSON.parse(value) as string) < at.span.endMs;
  return JSON.stringify(new Date(at.startMs + (isBeforeEnd ? 400 : 1000)).toISOString());
}

const toAttributes = (values: Readonly<Record<string, unknown>>): unknown[] =>
  Object.entries(values).map(([key, value]) => ({ key, value: toAnyValue(key, value) }));

function toAnyValue(key: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value))
    return { arrayValue: { values: value.map((one) => toAnyValue(key, one)) } };
  return { stringValue: String(value) };
}

/** Each id becomes a number of its own length and look; equal ids stay equal. */
function withoutIds(text: string): string {
  const known = new Map<string, string>();
  const number = (id: string, length: number): string => {
    const found = known.get(id) ?? String(known.size + 1).padStart(length, '0');
    known.set(id, found);
    return found;
  };
  return (
    text
      // Durations first: the digits of a fraction may look like an id.
      .replaceAll(
        /(\\"(?:litellm_overhead_time_ms|callback_duration_ms|_response_ms)\\": )[\d.]+/g,
        '$14.5',
      )
      .replaceAll(/(\\"(?:created|created_at|completed_at)\\": )\d+/g, '$11790000000')
      .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:4000')
      .replaceAll(
        /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g,
        (id) => `00000000-0000-4000-8000-${number(id, 12)}`,
      )
      .replaceAll(/\b[0-9a-f]{64}\b/g, (id) => number(id, 64))
      .replaceAll(/\b[0-9a-f]{32}\b/g, (id) => number(id, 32))
      .replaceAll(/\b[0-9a-f]{16}\b/g, (id) => number(id, 16))
  );
}
