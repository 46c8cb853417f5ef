/** Reads an OTLP trace export, in protobuf or in JSON (opentelemetry-proto trace.proto, common.proto). */
import { z } from 'zod';
import { readMessage, toDouble, toSigned, type WireField } from './protobuf.ts';

export interface OtlpSpan {
  /** 32 and 16 lower-case hex digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: {
    readonly name: string;
    readonly version: string | null;
    readonly attributes: Readonly<Record<string, unknown>>;
  };
  /** True for STATUS_CODE_ERROR. */
  readonly isError: boolean;
  readonly statusMessage: string | null;
}

const nanosPerMilli = 1_000_000n;
const toMs = (nanos: bigint): number => Number(nanos / nanosPerMilli);

const jsonValue: z.ZodType = z.lazy(() =>
  z
    .object({
      stringValue: z.string(),
      boolValue: z.boolean(),
      intValue: z.union([z.string(), z.number()]).transform(Number),
      doubleValue: z.number(),
      arrayValue: z
        .object({ values: z.array(jsonValue).default([]) })
        .transform(({ values }) => values),
    })
    .partial()
    .transform((value) => Object.values(value)[0] ?? null),
);
const jsonAttributes = z
  .array(z.object({ key: z.string(), value: jsonValue }))
  .default([])
  .transform((entries) => Object.fromEntries(entries.map(({ key, value }) => [key, value])));
const jsonNanos = z.union([z.string(), z.number()]).transform((text) => toMs(BigInt(text)));
const jsonSpan = z.object({
  traceId: z.string().toLowerCase(),
  spanId: z.string().toLowerCase(),
  parentSpanId: z.string().toLowerCase().default(''),
  name: z.string().default(''),
  startTimeUnixNano: jsonNanos,
  endTimeUnixNano: jsonNanos,
  attributes: jsonAttributes,
  status: z
    .object({ code: z.union([z.number(), z.string()]), message: z.string() })
    .partial()
    .default({}),
});
const jsonRequest = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: jsonAttributes }).default({ attributes: {} }),
      scopeSpans: z.array(
        z.object({
          scope: z
            .object({
              name: z.string().default(''),
              version: z.string().nullable().default(null),
              attributes: jsonAttributes,
            })
            .default({ name: '', version: null, attributes: {} }),
          spans: z.array(jsonSpan),
        }),
      ),
    }),
  ),
});

/** Spans of `application/json`. Throws where the body has another shape. */
export function parseOtlpJson(body: Uint8Array): OtlpSpan[] {
  const request = jsonRequest.parse(JSON.parse(Buffer.from(body).toString('utf8')));
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId || null,
        name: span.name,
        startMs: span.startTimeUnixNano,
        endMs: span.endTimeUnixNano,
        attributes: span.attributes,
        resource: resource.attributes,
        scope,
        isError: span.status.code === 2 || span.status.code === 'STATUS_CODE_ERROR',
        statusMessage: span.status.message ?? null,
      })),
    ),
  );
}

/** Spans of `application/x-protobuf`. Throws RangeError where the bytes are no such message. */
export function parseOtlpProtobuf(body: Uint8Array): OtlpSpan[] {
  return messages(readMessage(body), 1).flatMap((resourceSpans) => {
    const resource = messages(resourceSpans, 1).flatMap((one) => toAttributes(one, 1));
    return messages(resourceSpans, 2).flatMap((scopeSpans) => {
      const scope = messages(scopeSpans, 1)[0] ?? [];
      return messages(scopeSpans, 2).map((span) => ({
        ...toSpan(span),
        resource: Object.fromEntries(resource),
        scope: {
          name: textOf(scope, 1) ?? '',
          version: textOf(scope, 2),
          attributes: Object.fromEntries(toAttributes(scope, 3)),
        },
      }));
    });
  });
}

function toSpan(span: readonly WireField[]): Omit<OtlpSpan, 'resource' | 'scope'> {
  const status = messages(span, 15)[0] ?? [];
  return {
    traceId: hexOf(span, 1),
    spanId: hexOf(span, 2),
    parentSpanId: hexOf(span, 4) || null,
    name: textOf(span, 5) ?? '',
    startMs: toMs(numberOf(span, 7)),
    endMs: toMs(numberOf(span, 8)),
    attributes: Object.fromEntries(toAttributes(span, 9)),
    isError: numberOf(status, 3) === 2n,
    statusMessage: textOf(status, 2),
  };
}

function toAttributes(fields: readonly WireField[], number: number): [string, unknown][] {
  return messages(fields, number).map((entry) => [
    textOf(entry, 1) ?? '',
    toValue(messages(entry, 2)[0] ?? []),
  ]);
}

/** An AnyValue: string, bool, int, double or array; what else there is (maps, bytes) comes as null. */
function toValue(fields: readonly WireField[]): unknown {
  const [field] = fields;
  if (field === undefined) return null;
  const { number, value } = field;
  if (typeof value === 'bigint') {
    if (number === 2) return value === 1n;
    return number === 4 ? toDouble(value) : toSigned(value);
  }
  if (number === 1) return Buffer.from(value).toString('utf8');
  return number === 5 ? messages(readMessage(value), 1).map(toValue) : null;
}

const messages = (fields: readonly WireField[], number: number): WireField[][] =>
  bytesOf(fields, number).map(readMessage);

const bytesOf = (fields: readonly WireField[], number: number): Uint8Array[] =>
  fields.flatMap((field) =>
    field.number === number && typeof field.value !== 'bigint' ? [field.value] : [],
  );

function textOf(fields: readonly WireField[], number: number): string | null {
  const [bytes] = bytesOf(fields, number);
  return bytes === undefined ? null : Buffer.from(bytes).toString('utf8');
}

const hexOf = (fields: readonly WireField[], number: number): string =>
  Buffer.from(bytesOf(fields, number)[0] ?? []).toString('hex');

function numberOf(fields: readonly WireField[], number: number): bigint {
  const value = fields.find((field) => field.number === number)?.value;
  return typeof value === 'bigint' ? value : 0n;
}
