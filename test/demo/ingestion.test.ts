import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startSampleServer, type SampleServer } from '../../src/demo/sample-server.ts';
import { openSource } from '../../src/langfuse/open-source.ts';
import { findDoubleLogged } from '../../src/litellm/double-logged.ts';
import { toGeneration } from '../../src/litellm/to-generation.ts';
import type { Generation } from '../../src/litellm/generation.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { dayMs, toInstant } from '../../src/shared/time.ts';
import { emptyTraffic } from '../support/empty-traffic.ts';
import { understandingRules } from '../support/builders.ts';
import { ask } from './client.ts';

const sent = readFileSync(
  new URL('../fixtures/litellm-sent/langfuse-callback.json', import.meta.url),
  'utf8',
);

let server: SampleServer;
beforeAll(async () => {
  server = await startSampleServer({ traffic: emptyTraffic });
});
afterAll(() => server.close());
beforeEach(() => {
  server.setTraffic(emptyTraffic);
  server.setMode('dual');
});

const basic = (secret: string): string =>
  `Basic ${Buffer.from(`pk-lf-sample:${secret}`).toString('base64')}`;

async function post(
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(`${server.url}/api/public${path}`, {
    method: 'POST',
    headers: {
      authorization: basic(server.keys.secretKey),
      'content-type': 'application/json',
      ...headers,
    },
    body,
  });
  const text = await answer.text();
  return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

const spansPath = '/otel/v1/traces';
const direct = { 'x-langfuse-ingestion-version': '4' };

/** What the reader and the rules make of all that the server holds, in order of start. */
async function understood(reader: 'v2' | 'legacy'): Promise<Generation[]> {
  const signal = new AbortController().signal;
  const source = await openSource({
    baseUrl: server.url,
    ...server.keys,
    concurrency: 1,
    timeoutMs: 5000,
    maxWaitMs: 5000,
    reader,
    clock: systemClock,
    onNotice: () => {},
  });
  const fromMs = Date.UTC(2026, 10, 20);
  const interval = { fromMs: toInstant(fromMs), toMs: toInstant(fromMs + dayMs) };
  const found: Generation[] = [];
  for await (const page of source.readWindow(interval, { signal })) {
    for (const row of page.observations) {
      const understanding = toGeneration(row, understandingRules());
      if (understanding.kind === 'generation') found.push(understanding.generation);
    }
  }
  return found.toSorted((a, b) => a.startMs - b.startMs);
}

describe("spans of LiteLLM's langfuse callback, as LiteLLM 1.106.12 sends them", () => {
  test.each(['v2', 'legacy'] as const)('are understood through the %s API', async (reader) => {
    expect(await post(spansPath, sent, direct)).toEqual({ status: 200, body: {} });
    const generations = await understood(reader);
    const told = generations.map((one) => ({
      prompt: one.tokens?.promptTokens ?? null,
      completion: one.tokens?.completionTokens ?? null,
      cost: one.costUsd,
      source: one.costSource,
      model: one.model,
    }));
    const plain = { prompt: 10, completion: 20, cost: 1.35e-5, source: 'provided' };
    const none = { prompt: null, completion: null, cost: 0, source: 'not_billed' };
    const model = 'gpt-4o-mini';
    expect(told).toEqual([
      { ...plain, model },
      { ...plain, model },
      { ...plain, cost: 0, source: 'not_billed', model },
      { prompt: 9, completion: 10, cost: 7.35e-6, source: 'provided', model },
      { ...none, model },
      { ...none, model: 'no-such' },
      { ...none, model: 'no-such' },
      { ...plain, model },
      { ...plain, model },
      { ...plain, model },
      // The route of Anthropic logs the public name and no cost.
      { prompt: 2095, completion: 503, cost: null, source: 'unknown', model: 'mock-gpt' },
    ]);
    for (const one of generations) {
      expect(one).toMatchObject({
        callback: 'langfuse',
        keyAlias: 'agents-key',
        teamAlias: 'Platform',
        keyOwnerId: 'dev@example.com',
        clientTool: 'test-agent',
        callId: expect.stringMatching(/^0{8}-/) as string,
        latencyMs: 1000,
      });
    }
    const [, marked, cached, streamed, failed, unknown, again, header] = generations;
    expect(marked).toMatchObject({ isCacheHit: false, isStreaming: false });
    expect(cached).toMatchObject({
      isCacheHit: true,
      responseId: marked?.responseId,
      traceId: marked?.traceId,
      savedCostUsd: 1.35e-5,
    });
    expect(streamed).toMatchObject({ isStreaming: true, timeToFirstTokenMs: 400 });
    expect(failed).toMatchObject({ isError: true, errorClass: 'RateLimitError', httpStatus: 429 });
    expect(unknown).toMatchObject({ errorClass: 'ProxyModelNotFoundError', httpStatus: 400 });
    // A model that the proxy does not have is logged twice, and counted once.
    expect(again?.callId).toBe(unknown?.callId);
    expect([...findDoubleLogged(generations)]).toHaveLength(1);
    expect(header).toMatchObject({ sessionHint: 'session-2' });
  });

  test('carry session, user and tags to their trace', async () => {
    await post(spansPath, sent, direct);
    const { data } = await ask(server, '/traces', { query: { sessionId: 'session-1' } });
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({ userId: 'end-user', sessionId: 'session-1' });
    expect(data[0]?.['tags']).toContain('a-tag');
    expect(data[0]?.['totalCost']).toBeCloseTo(1.35e-5, 12);
    expect(data[0]?.['observations']).toHaveLength(2);
  });

  test('sent twice are there once', async () => {
    await post(spansPath, sent, direct);
    await post(spansPath, gzipSync(sent), { ...direct, 'content-encoding': 'gzip' });
    expect(await understood('legacy')).toHaveLength(11);
  });

  test('that are no message are refused, and the server lives on', async () => {
    const protobuf = { 'content-type': 'application/x-protobuf' };
    // Field 1, a length of five, and one byte.
    expect(await post(spansPath, new Uint8Array([0x0a, 5, 1]), protobuf)).toMatchObject({
      status: 400,
    });
    expect(await post(spansPath, '{"resourceSpans": 1}')).toMatchObject({ status: 400 });
    expect(await post(spansPath, 'x', { 'content-type': 'text/plain' })).toMatchObject({
      status: 400,
    });
    expect(await post(spansPath, new Uint8Array(), protobuf)).toMatchObject({ status: 200 });
  });

  test('find no such route on Langfuse 2', async () => {
    server.setMode('v2.95');
    expect(await post(spansPath, sent)).toMatchObject({ status: 404 });
  });
});

describe('a batch of events', () => {
  const at = '2026-11-20T10:00:00.000Z';
  const event = (type: string, body: Record<string, unknown>): Record<string, unknown> => ({
    id: `event-${type}`,
    type,
    timestamp: at,
    body,
  });

  test('is taken event by event, and answered with both lists', async () => {
    const { status, body } = await post(
      '/ingestion',
      JSON.stringify({
        batch: [
          event('trace-create', { id: 't1', timestamp: at, sessionId: 's1', tags: ['b', 'a'] }),
          event('generation-create', {
            id: 'g1',
            traceId: 't1',
            name: 'litellm-acompletion',
            startTime: at,
            model: 'openai/gpt-4o-mini',
            metadata: { litellm_response_cost: 0.5 },
          }),
          event('generation-update', {
            id: 'g1',
            traceId: 't1',
            endTime: '2026-11-20T10:00:02.000Z',
            usage: { promptTokens: 7, completionTokens: 3, totalTokens: 10, totalCost: 0.5 },
          }),
          event('generation-create', { traceId: 't1' }),
          event('nonsense', {}),
        ],
      }),
    );
    expect(status).toBe(207);
    expect(body).toMatchObject({
      successes: [{ status: 201 }, { status: 201 }, { status: 201 }],
      errors: [
        { id: 'event-generation-create', status: 400 },
        { id: 'event-nonsense', status: 400 },
      ],
    });
    const [row] = await understood('legacy');
    expect(row).toMatchObject({
      id: 'g1',
      latencyMs: 2000,
      costUsd: 0.5,
      tokens: { promptTokens: 7, completionTokens: 3 },
    });
    const { data } = await ask(server, '/traces', { query: { sessionId: 's1' } });
    expect(data[0]?.['tags']).toEqual(['a', 'b']);
  });

  test('is refused with a wrong key, without one, and as a whole when it is none', async () => {
    const batch = JSON.stringify({ batch: [] });
    expect(await post('/ingestion', batch)).toMatchObject({ status: 207 });
    expect(await post('/ingestion', '[]')).toMatchObject({ status: 400 });
    expect(await post('/ingestion', batch, { authorization: basic('sk-lf-wrong') })).toMatchObject({
      status: 401,
    });
    expect(await post(spansPath, sent, { authorization: basic('sk-lf-wrong') })).toMatchObject({
      status: 401,
    });
    expect(await understood('legacy')).toEqual([]);
  });
});
