/** Asks a sample server one question at a time. */
import type { SampleKeys, SampleServer } from '../../src/demo/sample-server.ts';
import type {
  SampleObservation,
  SampleScore,
  SampleTrace,
  SampleTraffic,
} from '../../src/demo/sample-types.ts';

export type Json = Record<string, unknown>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `{}` where the answer is not JSON. */
  readonly body: Json;
  readonly data: Json[];
  readonly cursor: string | undefined;
}

/** `GET <url>/api/public<path>?<query>` with the server's own keys unless others are given (null: none). */
export async function ask(
  server: SampleServer,
  path: string,
  asking: {
    readonly query?: Record<string, string>;
    readonly keys?: SampleKeys | null;
    readonly method?: string;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Answer> {
  const keys = asking.keys === undefined ? server.keys : asking.keys;
  const url = `${server.url}/api/public${path}?${new URLSearchParams(asking.query).toString()}`;
  const response = await fetch(url, {
    method: asking.method ?? 'GET',
    redirect: 'manual',
    ...(asking.signal ? { signal: asking.signal } : {}),
    headers: keys
      ? {
          authorization: `Basic ${Buffer.from(`${keys.publicKey}:${keys.secretKey}`).toString('base64')}`,
        }
      : {},
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  const body = isJson ? (JSON.parse(text) as Json) : {};
  const meta = (body['meta'] ?? {}) as { cursor?: string };
  return {
    status: response.status,
    headers: response.headers,
    text,
    body,
    data: Array.isArray(body['data']) ? (body['data'] as Json[]) : [],
    cursor: meta.cursor,
  };
}

/** Follows the cursor to its end. */
export async function askAll(
  server: SampleServer,
  path: string,
  query: Record<string, string>,
): Promise<Json[]> {
  const rows: Json[] = [];
  let cursor: string | undefined;
  do {
    const answer = await ask(server, path, { query: { ...query, ...(cursor ? { cursor } : {}) } });
    rows.push(...answer.data);
    cursor = answer.cursor;
  } while (cursor !== undefined);
  return rows;
}

/** 2026-11-02T09:00:00.000Z. */
export const nineOClockMs = Date.UTC(2026, 10, 2, 9);

export function anObservation(fields: Partial<SampleObservation> = {}): SampleObservation {
  const startMs = fields.startMs ?? nineOClockMs;
  return {
    id: 'o1',
    traceId: 'trace-1',
    parentObservationId: null,
    type: 'GENERATION',
    name: null,
    environment: 'default',
    version: null,
    startMs,
    endMs: startMs + 2500,
    completionStartMs: startMs + 400,
    createdMs: startMs + 3000,
    updatedMs: startMs + 3500,
    availableAtMs: startMs + 4000,
    level: 'DEFAULT',
    statusMessage: null,
    model: 'openai/gpt-5-mini',
    modelParameters: { stream: true },
    usageDetails: { input: 30, output: 12, total: 142, cache_read_input_tokens: 100 },
    costDetails: { total: 0.25 },
    promptName: null,
    promptVersion: null,
    metadata: {},
    input: { messages: [{ role: 'user', content: 'hello' }] },
    output: { role: 'assistant', content: 'good day' },
    matchedModel: { id: 'm1', inputPrice: 2.5e-7, outputPrice: 2e-6 },
    writer: 'ingestion',
    truth: {
      kind: 'generation',
      requestId: 'r1',
      tokens: null,
      costUsd: null,
      sessionId: null,
      latencyMs: null,
      timeToFirstTokenMs: null,
    },
    ...fields,
  };
}

export function aTrace(fields: Partial<SampleTrace> = {}): SampleTrace {
  return {
    id: 'trace-1',
    timestampMs: nineOClockMs,
    name: 'litellm-acompletion',
    userId: null,
    sessionId: 'session-1',
    tags: ['User-Agent: OpenAI'],
    environment: 'default',
    release: null,
    version: null,
    metadata: { note: 'x' },
    input: { a: 1 },
    output: { b: 2 },
    createdMs: nineOClockMs + 3000,
    updatedMs: nineOClockMs + 3500,
    availableAtMs: nineOClockMs + 4000,
    writer: 'ingestion',
    ...fields,
  };
}

export function aScore(fields: Partial<SampleScore> = {}): SampleScore {
  return {
    id: 's1',
    name: 'quality',
    dataType: 'NUMERIC',
    value: 0.8,
    stringValue: null,
    source: 'EVAL',
    comment: null,
    environment: 'default',
    timestampMs: nineOClockMs + 60_000,
    createdMs: nineOClockMs + 60_000,
    updatedMs: nineOClockMs + 60_000,
    availableAtMs: nineOClockMs + 61_000,
    traceId: 'trace-1',
    observationId: null,
    sessionId: null,
    ...fields,
  };
}

export function aTraffic(fields: Partial<SampleTraffic> = {}): SampleTraffic {
  return {
    project: { id: 'p1', name: 'Project one' },
    seed: 1,
    startMs: Date.UTC(2026, 10, 2),
    endMs: Date.UTC(2026, 10, 3),
    traces: [aTrace()],
    observations: [anObservation()],
    scores: [],
    ...fields,
  };
}

/** `count` observations of one trace, a second apart, `o000` the oldest. */
export function manyObservations(count: number): SampleObservation[] {
  return Array.from({ length: count }, (_, index) =>
    anObservation({
      id: `o${String(index).padStart(3, '0')}`,
      startMs: nineOClockMs + index * 1000,
    }),
  );
}
