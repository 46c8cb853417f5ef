/** The legacy lists with the habits of their wire. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startSampleServer } from '../../src/demo/sample-server.ts';
import { createSampleTraffic } from '../../src/demo/traffic.ts';
import {
  anObservation,
  ask,
  aTrace,
  aTraffic,
  manyObservations,
  nineOClockMs,
  type Json,
} from './client.ts';

const fixture = (name: string): Json[] =>
  (JSON.parse(readFileSync(`test/fixtures/${name}`, 'utf8')) as { data: Json[] }).data;

const keysOf = (row: Json | undefined): string[] => Object.keys(row ?? {}).sort();

describe('GET /observations', () => {
  it('has exactly the keys of the recorded rows', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'v3-legacy' });
    const [row] = (await ask(server, '/observations')).data;
    expect(keysOf(row)).toEqual(keysOf(fixture('litellm-samples.json')[0]));
  });

  it('counts cache tokens twice in usage.input, as Langfuse does', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'v3-legacy' });
    const [row] = (await ask(server, '/observations')).data;
    expect(row).toMatchObject({
      usage: { unit: 'TOKENS', input: 130, output: 12, total: 142 },
      promptTokens: 130,
      calculatedTotalCost: 0.25,
      inputPrice: 2.5e-7,
      latency: 2.5,
      timeToFirstToken: 0.4,
    });
  });

  it('an unknown cost is calculatedTotalCost 0, and null on Langfuse 2', async () => {
    const traffic = aTraffic({ observations: [anObservation({ costDetails: {} })] });
    const costIn = async (mode: 'v3-legacy' | 'v2.95'): Promise<unknown> => {
      await using server = await startSampleServer({ traffic, mode });
      return (await ask(server, '/observations')).data[0]?.['calculatedTotalCost'];
    };
    expect(await costIn('v3-legacy')).toBe(0);
    expect(await costIn('v2.95')).toBeNull();
  });

  it('Langfuse 2 has three types, no environment, no usage and cost details', async () => {
    const observations = [
      anObservation({ id: 'a', type: 'EMBEDDING' }),
      anObservation({ id: 'b', type: 'TOOL', startMs: nineOClockMs - 1 }),
    ];
    await using server = await startSampleServer({
      traffic: aTraffic({ observations }),
      mode: 'v2.95',
    });
    const rows = (await ask(server, '/observations')).data;
    expect(rows.map((row) => row['type'])).toEqual(['GENERATION', 'SPAN']);
    for (const key of ['environment', 'usageDetails', 'costDetails', 'usagePricingTierName']) {
      expect(rows[0]).not.toHaveProperty(key);
    }
    expect(rows[0]).toMatchObject({ promptTokens: 130, completionTokens: 12, totalTokens: 142 });
  });

  it('over-counts totalItems, and has an empty page at the end', async () => {
    await using server = await startSampleServer({
      traffic: aTraffic({ observations: manyObservations(100) }),
      mode: 'v3-legacy',
    });
    const first = await ask(server, '/observations', { query: { limit: '100' } });
    expect(first.data).toHaveLength(100);
    expect(first.body['meta']).toEqual({ page: 1, limit: 100, totalItems: 103, totalPages: 2 });
    const second = await ask(server, '/observations', { query: { limit: '100', page: '2' } });
    expect([second.status, second.data]).toEqual([200, []]);
  });

  it('pages shift when a row arrives between two requests', async () => {
    await using server = await startSampleServer({
      traffic: aTraffic({ observations: manyObservations(4) }),
      mode: 'v3-legacy',
    });
    const page = async (number: number): Promise<unknown[]> =>
      (
        await ask(server, '/observations', { query: { limit: '2', page: String(number) } })
      ).data.map((row) => row['id']);
    expect(await page(1)).toEqual(['o003', 'o002']);
    server.store.putObservation(anObservation({ id: 'new', startMs: nineOClockMs + 9000 }));
    expect(await page(2)).toEqual(['o002', 'o001']);
  });

  it('can order rows of one instant differently from request to request', async () => {
    const observations = ['a', 'b', 'c'].map((id) => anObservation({ id }));
    await using server = await startSampleServer({
      traffic: aTraffic({ observations }),
      mode: 'v3-legacy',
      hasUnstableTies: true,
    });
    const ids = async (): Promise<unknown[]> =>
      (await ask(server, '/observations')).data.map((row) => row['id']);
    const first = await ids();
    expect(await ids()).toEqual(first.toReversed());
  });

  it.each([
    ['limit', '101'],
    ['limit', '0'],
    ['page', '0'],
    ['fromStartTime', 'yesterday'],
  ])('%s=%s is a 400', async (name, value) => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'v3-legacy' });
    expect((await ask(server, '/observations', { query: { [name]: value } })).status).toBe(400);
  });

  it('gives one row by id, and 404 for another', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'dual' });
    expect((await ask(server, '/observations/o1')).body).toMatchObject({ id: 'o1' });
    expect((await ask(server, '/observations/nope')).status).toBe(404);
  });
});

describe('GET /traces', () => {
  it('has exactly the keys of the recorded traces', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'v3-legacy' });
    const [trace] = (await ask(server, '/traces')).data;
    expect(keysOf(trace)).toEqual(keysOf(fixture('litellm-samples-traces.json')[0]));
    expect(trace).toMatchObject({ observations: ['o1'], totalCost: 0.25, latency: 2.5 });
  });

  it('groups left out come as [], -1, null and {}', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'v3-legacy' });
    const [trace] = (await ask(server, '/traces', { query: { fields: 'core' } })).data;
    expect(trace).toMatchObject({
      sessionId: 'session-1',
      observations: [],
      scores: [],
      totalCost: -1,
      latency: -1,
      input: null,
      metadata: {},
    });
  });

  it('a trace without observations has cost 0 and latency 0', async () => {
    await using server = await startSampleServer({
      traffic: aTraffic({ observations: [] }),
      mode: 'v3-legacy',
    });
    expect((await ask(server, '/traces')).data[0]).toMatchObject({ totalCost: 0, latency: 0 });
  });

  it('orders and filters, and drops unknown field names', async () => {
    const traces = [
      aTrace(),
      aTrace({
        id: 'trace-2',
        timestampMs: nineOClockMs + 1000,
        sessionId: null,
        tags: ['a', 'b'],
      }),
    ];
    await using server = await startSampleServer({ traffic: aTraffic({ traces }), mode: 'dual' });
    const ids = async (query: Record<string, string>): Promise<unknown[]> =>
      (await ask(server, '/traces', { query })).data.map((trace) => trace['id']);
    expect(await ids({ fields: 'no_such' })).toEqual(['trace-2', 'trace-1']);
    expect(await ids({ orderBy: 'timestamp.asc' })).toEqual(['trace-1', 'trace-2']);
    expect(await ids({ tags: 'b' })).toEqual(['trace-2']);
    expect(await ids({ sessionId: 'session-1' })).toEqual(['trace-1']);
    expect(await ids({ toTimestamp: '2026-11-02T09:00:01Z' })).toEqual(['trace-1']);
    expect((await ask(server, '/traces', { query: { orderBy: 'cost.asc' } })).status).toBe(400);
  });

  it('one trace comes with its observations and scores', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'dual' });
    const trace = await ask(server, '/traces/trace-1');
    expect(trace.body['observations']).toMatchObject([{ id: 'o1', model: 'openai/gpt-5-mini' }]);
    expect((await ask(server, '/traces/none')).status).toBe(404);
  });

  it('may insist on a date range', async () => {
    await using server = await startSampleServer({
      traffic: aTraffic(),
      mode: 'dual',
      rejectsNoDateRange: true,
    });
    expect((await ask(server, '/traces')).status).toBe(400);
    const query = { fromTimestamp: '2026-11-02T00:00:00Z' };
    expect((await ask(server, '/traces', { query })).status).toBe(200);
  });
});

describe('sessions and aggregates', () => {
  it('a session is known by its first trace', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'v3-legacy' });
    const [session] = (await ask(server, '/sessions')).data;
    expect(session).toEqual({
      id: 'session-1',
      createdAt: '2026-11-02T09:00:03.000Z',
      projectId: 'p1',
      environment: 'default',
    });
    const whole = await ask(server, '/sessions/session-1');
    expect(whole.body['traces']).toMatchObject([{ id: 'trace-1' }]);
  });

  it('metrics sum by model, in milliseconds, with whole numbers as strings', async () => {
    await using server = await startSampleServer({
      traffic: aTraffic({ observations: manyObservations(3) }),
      mode: 'events_only',
    });
    const query = JSON.stringify({
      view: 'observations',
      dimensions: [{ field: 'providedModelName' }],
      metrics: [
        { measure: 'count', aggregation: 'count' },
        { measure: 'totalCost', aggregation: 'sum' },
        { measure: 'latency', aggregation: 'avg' },
      ],
      filters: [{ column: 'type', operator: '=', value: 'GENERATION', type: 'string' }],
      fromTimestamp: '2026-11-02T00:00:00Z',
      toTimestamp: '2026-11-03T00:00:00Z',
    });
    expect((await ask(server, '/v2/metrics', { query: { query } })).data).toEqual([
      {
        providedModelName: 'openai/gpt-5-mini',
        count_count: '3',
        sum_totalCost: 0.75,
        avg_latency: 2500,
      },
    ]);
    expect((await ask(server, '/v2/metrics', { query: { query: '{}' } })).status).toBe(400);
  });

  it('daily metrics have one entry a day, newest first', async () => {
    const traffic = createSampleTraffic({ days: 2, content: 'cheap' });
    await using server = await startSampleServer({ traffic, mode: 'v2.95' });
    const days = (await ask(server, '/metrics/daily')).data.map((day) => day['date']);
    expect(days).toEqual(['2026-11-03', '2026-11-02']);
  });
});
