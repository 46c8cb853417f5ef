/** The v2 list with each habit of the real wire that a reader must know. */
import { describe, expect, it } from 'vitest';
import { startSampleServer } from '../../src/demo/sample-server.ts';
import {
  anObservation,
  ask,
  askAll,
  aTrace,
  aTraffic,
  manyObservations,
  nineOClockMs,
} from './client.ts';

const v2 = '/v2/observations';
const allFields = 'core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context';

describe('fields of a v2 row', () => {
  it('core and basic when nothing is asked; the rest is absent, prices null, TTFT null', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'events_only' });
    const [row] = (await ask(server, v2)).data;
    expect(Object.keys(row ?? {}).sort()).toEqual(
      [
        'id',
        'traceId',
        'startTime',
        'endTime',
        'projectId',
        'parentObservationId',
        'type',
        'name',
        'level',
        'statusMessage',
        'version',
        'environment',
        'bookmarked',
        'public',
        'userId',
        'sessionId',
        'isRootObservation',
        'latency',
        'timeToFirstToken',
        'modelId',
        'inputPrice',
        'outputPrice',
        'totalPrice',
      ].sort(),
    );
    expect(row).toMatchObject({ latency: 2.5, timeToFirstToken: null, inputPrice: null });
  });

  it('missing strings are "", the parent and the trace name are null', async () => {
    const traffic = aTraffic({ traces: [] });
    await using server = await startSampleServer({ traffic, mode: 'events_only' });
    const [row] = (await ask(server, v2, { query: { fields: allFields } })).data;
    expect(row).toMatchObject({
      name: '',
      version: '',
      statusMessage: '',
      userId: '',
      sessionId: '',
      release: '',
      promptId: '',
      promptName: '',
      promptVersion: null,
      traceName: null,
      parentObservationId: null,
    });
  });

  it('the model is `model`, prices are decimal strings, content is raw text', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'events_only' });
    const [row] = (await ask(server, v2, { query: { fields: allFields } })).data;
    expect(row).toMatchObject({
      model: 'openai/gpt-5-mini',
      modelId: 'm1',
      inputPrice: '0.00000025',
      outputPrice: '0.000002',
      totalPrice: null,
      input: '{"messages":[{"role":"user","content":"hello"}]}',
      output: '{"role":"assistant","content":"good day"}',
      timeToFirstToken: 0.4,
      inputUsage: 130,
      totalUsage: 142,
    });
    expect(row).not.toHaveProperty('providedModelName');
  });

  it('can send the documented name of the model instead', async () => {
    await using server = await startSampleServer({
      traffic: aTraffic(),
      mode: 'events_only',
      v2ModelKey: 'providedModelName',
    });
    const [row] = (await ask(server, v2, { query: { fields: 'model' } })).data;
    expect(row).toMatchObject({ providedModelName: 'openai/gpt-5-mini' });
    expect(row).not.toHaveProperty('model');
  });

  it('an unknown cost is totalCost 0 with empty costDetails', async () => {
    const observations = [anObservation({ costDetails: {}, usageDetails: {} })];
    await using server = await startSampleServer({
      traffic: aTraffic({ observations }),
      mode: 'events_only',
    });
    const [row] = (await ask(server, v2, { query: { fields: 'usage' } })).data;
    expect(row).toMatchObject({ totalCost: 0, costDetails: {}, inputCost: null, totalUsage: 0 });
  });

  it('a time to first token of 0 ms comes as null when metrics are asked', async () => {
    const observations = [anObservation({ completionStartMs: nineOClockMs })];
    await using server = await startSampleServer({
      traffic: aTraffic({ observations }),
      mode: 'events_only',
    });
    const withFields = async (fields: string): Promise<unknown> =>
      (await ask(server, v2, { query: { fields } })).data[0]?.['timeToFirstToken'];
    expect(await withFields('time')).toBe(0);
    expect(await withFields('time,metrics')).toBeNull();
    expect(await withFields('basic')).toBeNull();
  });

  it('metadata values are cut to 200 characters unless their key is expanded', async () => {
    const big = { usage: 'x'.repeat(300) };
    const metadata = { hidden_params: big, short: { a: 1 }, count: 12 };
    await using server = await startSampleServer({
      traffic: aTraffic({ observations: [anObservation({ metadata })] }),
      mode: 'events_only',
    });
    const cut = (await ask(server, v2, { query: { fields: 'metadata' } })).data[0];
    expect(cut?.['metadata']).toEqual({
      hidden_params: JSON.stringify(big).slice(0, 200),
      short: { a: 1 },
      count: 12,
    });
    const whole = await ask(server, v2, {
      query: { fields: 'metadata', expandMetadata: 'other,hidden_params' },
    });
    expect(whole.data[0]?.['metadata']).toEqual(metadata);
  });

  it('unknown field names and unknown parameters are dropped without a word', async () => {
    await using server = await startSampleServer({ traffic: aTraffic() });
    const answer = await ask(server, v2, { query: { fields: 'time,no_such', page: '2' } });
    expect(answer.status).toBe(200);
    expect(answer.data[0]).toHaveProperty('updatedAt');
  });

  it('before 3.175 the group trace_context does not exist, before 4.0 no isRootObservation', async () => {
    await using server = await startSampleServer({
      traffic: aTraffic(),
      mode: 'v3-preview',
      version: '3.160.0',
    });
    const [row] = (await ask(server, v2, { query: { fields: 'basic,trace_context' } })).data;
    expect(row).not.toHaveProperty('tags');
    expect(row).not.toHaveProperty('isRootObservation');
  });

  it.each([
    ['parseIoAsJson', 'true'],
    ['limit', '1001'],
    ['fromStartTime', '2026-11-02'],
    ['level', 'FATAL'],
    ['filter', 'not json'],
    ['cursor', 'bm90IGEgY3Vyc29y'],
  ])('%s=%s is a 400', async (name, value) => {
    await using server = await startSampleServer({ traffic: aTraffic() });
    expect((await ask(server, v2, { query: { [name]: value } })).status).toBe(400);
  });
});

describe('pages of the v2 list', () => {
  it('the cursor holds a position only: parameters that are not repeated are gone', async () => {
    const observations = [
      ...manyObservations(6),
      anObservation({ id: 'span', type: 'SPAN', startMs: nineOClockMs + 1500 }),
    ];
    await using server = await startSampleServer({
      traffic: aTraffic({ observations }),
      mode: 'events_only',
    });
    const first = await ask(server, v2, { query: { type: 'GENERATION', limit: '3' } });
    expect(first.data.map((row) => row['id'])).toEqual(['o005', 'o004', 'o003']);
    const cursor = first.cursor ?? '';
    expect(JSON.parse(Buffer.from(cursor, 'base64').toString())).toEqual({
      lastStartTimeTo: '2026-11-02T09:00:03.000Z',
      lastTraceId: 'trace-1',
      lastId: 'o003',
    });
    const forgetful = await ask(server, v2, { query: { cursor } });
    expect(forgetful.data.map((row) => row['id'])).toEqual(['o002', 'span', 'o001', 'o000']);
    const careful = await ask(server, v2, { query: { cursor, type: 'GENERATION', limit: '3' } });
    expect(careful.data.map((row) => row['id'])).toEqual(['o002', 'o001', 'o000']);
    expect(careful.cursor).toBeUndefined();
  });

  it('pages of any size give each row once, also rows of one instant', async () => {
    const observations = manyObservations(40).map((row, index) => ({
      ...row,
      traceId: `trace-${index % 5}`,
      startMs: nineOClockMs + (index % 3),
    }));
    await using server = await startSampleServer({
      traffic: aTraffic({ observations }),
      mode: 'events_only',
    });
    for (const limit of ['1', '7', '40']) {
      const rows = await askAll(server, v2, { limit });
      expect(new Set(rows.map((row) => row['id'])).size).toBe(40);
      expect(rows).toHaveLength(40);
    }
  });

  it('from is inclusive and to is exclusive', async () => {
    await using server = await startSampleServer({
      traffic: aTraffic({ observations: manyObservations(5) }),
      mode: 'events_only',
    });
    const query = {
      fromStartTime: '2026-11-02T09:00:01.000Z',
      toStartTime: '2026-11-02T10:00:03.000+01:00',
    };
    const rows = (await ask(server, v2, { query })).data;
    expect(rows.map((row) => row['id'])).toEqual(['o002', 'o001']);
  });

  it('filters on endTime, and refuses a column that cannot be filtered', async () => {
    await using server = await startSampleServer({
      traffic: aTraffic({ observations: manyObservations(5) }),
      mode: 'events_only',
    });
    const condition = (column: string): string =>
      JSON.stringify([
        { column, operator: '>=', value: '2026-11-02T09:00:05.500Z', type: 'datetime' },
      ]);
    const ended = await ask(server, v2, { query: { filter: condition('endTime') } });
    expect(ended.data.map((row) => row['id'])).toEqual(['o004', 'o003']);
    expect((await ask(server, v2, { query: { filter: condition('updatedAt') } })).status).toBe(400);
  });
});

describe('rows that are not observations of their own', () => {
  it('a trace of the legacy path has a synthetic root above its rows, with its attributes', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'dual' });
    const query = { fields: 'core,basic,trace_context,usage' };
    const rows = (await ask(server, v2, { query })).data;
    const root = rows.find((row) => row['id'] === 't-trace-1');
    expect(root).toMatchObject({
      type: 'SPAN',
      endTime: null,
      parentObservationId: null,
      isRootObservation: true,
      sessionId: 'session-1',
      usageDetails: {},
    });
    const child = rows.find((row) => row['id'] === 'o1');
    expect(child).toMatchObject({
      parentObservationId: 't-trace-1',
      isRootObservation: false,
      sessionId: 'session-1',
      traceName: 'litellm-acompletion',
      tags: ['User-Agent: OpenAI'],
    });
  });

  it('a trace written straight into the v4 table has none', async () => {
    const traffic = aTraffic({
      traces: [aTrace({ writer: 'otel_direct' })],
      observations: [anObservation({ writer: 'otel_direct' })],
    });
    await using server = await startSampleServer({ traffic, mode: 'dual' });
    const rows = (await ask(server, v2)).data;
    expect(rows.map((row) => row['id'])).toEqual(['o1']);
    expect(rows[0]).toMatchObject({ parentObservationId: null, isRootObservation: true });
  });

  it('on an events-only server only the root of a trace knows the session', async () => {
    const traffic = aTraffic({
      observations: [
        anObservation({ id: 'root', type: 'SPAN' }),
        anObservation({ id: 'child', parentObservationId: 'root', startMs: nineOClockMs + 5 }),
      ],
    });
    await using server = await startSampleServer({ traffic, mode: 'events_only' });
    const rows = (await ask(server, v2)).data;
    expect(rows.map((row) => [row['id'], row['sessionId']])).toEqual([
      ['child', ''],
      ['root', 'session-1'],
    ]);
  });

  it('un-merged duplicates: identical, older at the same place, older at another start', async () => {
    const observations = manyObservations(300);
    await using server = await startSampleServer({
      traffic: aTraffic({ observations }),
      mode: 'events_only',
      duplicateShare: 0.3,
    });
    const rows = await askAll(server, v2, { limit: '20', fields: 'core,time,usage' });
    const byId = new Map<unknown, (typeof rows)[number][]>();
    for (const row of rows) byId.set(row['id'], [...(byId.get(row['id']) ?? []), row]);
    expect(byId.size).toBe(300);
    const kinds = new Set<string>();
    for (const versions of byId.values()) {
      const [newest] = versions.toSorted((a, b) =>
        String(b['updatedAt']).localeCompare(String(a['updatedAt'])),
      );
      expect(newest?.['usageDetails']).toMatchObject({ total: 142 });
      const [first, second] = versions;
      if (!first || !second) continue;
      const sameUpdate = first['updatedAt'] === second['updatedAt'];
      const sameStart = first['startTime'] === second['startTime'];
      kinds.add(`${sameUpdate ? 'same' : 'older'} version, ${sameStart ? 'same' : 'other'} start`);
    }
    expect([...kinds].sort()).toEqual([
      'older version, other start',
      'older version, same start',
      'same version, same start',
    ]);
  });

  it('rows of the legacy path reach the v2 table only after the propagation delay', async () => {
    const nowMs = nineOClockMs + 60_000;
    await using server = await startSampleServer({
      traffic: aTraffic(),
      mode: 'dual',
      propagationDelayMs: 600_000,
      nowMs,
    });
    expect((await ask(server, '/observations')).data).toHaveLength(1);
    expect((await ask(server, v2)).data).toHaveLength(0);
    server.setNow(nowMs + 600_000);
    expect((await ask(server, v2)).data).toHaveLength(2);
  });
});
