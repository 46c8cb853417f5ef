/** Scores in their three generations. */
import { describe, expect, it } from 'vitest';
import { startSampleServer } from '../../src/demo/sample-server.ts';
import { aScore, ask, askAll, aTraffic, nineOClockMs } from './client.ts';

const scores = [
  aScore({ id: 'n', observationId: 'o1' }),
  aScore({ id: 'b', dataType: 'BOOLEAN', value: 1, name: 'feedback' }),
  aScore({
    id: 'c',
    dataType: 'CATEGORICAL',
    value: null,
    stringValue: 'solved',
    name: 'outcome',
    traceId: null,
    sessionId: 'session-1',
  }),
  aScore({ id: 'orphan', traceId: 'deleted' }),
];
const traffic = aTraffic({ scores });

const idsOf = (rows: readonly Record<string, unknown>[]): string[] =>
  rows.map((row) => String(row['id'])).sort();

describe('the three generations of scores', () => {
  it('v1 has scores of existing traces only, values split by type', async () => {
    await using server = await startSampleServer({ traffic, mode: 'v3-legacy' });
    const rows = (await ask(server, '/scores')).data;
    expect(idsOf(rows)).toEqual(['b', 'n']);
    expect(rows.find((row) => row['id'] === 'b')).toMatchObject({
      value: 1,
      stringValue: 'True',
      dataType: 'BOOLEAN',
      trace: { sessionId: 'session-1' },
    });
    expect(rows.find((row) => row['id'] === 'n')).not.toHaveProperty('stringValue');
  });

  it('v2 adds scores of sessions', async () => {
    await using server = await startSampleServer({ traffic, mode: 'v3-legacy' });
    const rows = (await ask(server, '/v2/scores')).data;
    expect(idsOf(rows)).toEqual(['b', 'c', 'n']);
    expect(rows.find((row) => row['id'] === 'c')).toMatchObject({
      value: 0,
      stringValue: 'solved',
      sessionId: 'session-1',
      traceId: null,
      trace: null,
    });
  });

  it('v3 has one value of the type, every score, and the subject only when asked', async () => {
    await using server = await startSampleServer({ traffic, mode: 'events_only' });
    const plain = (await ask(server, '/v3/scores')).data;
    expect(idsOf(plain)).toEqual(['b', 'c', 'n', 'orphan']);
    expect(plain[0]).not.toHaveProperty('subject');
    expect(plain[0]).not.toHaveProperty('comment');
    const rows = (await ask(server, '/v3/scores', { query: { fields: 'core,details,subject' } }))
      .data;
    const byId = new Map(rows.map((row) => [row['id'], row]));
    expect(byId.get('n')).toMatchObject({
      value: 0.8,
      subject: { kind: 'observation', id: 'o1', traceId: 'trace-1' },
    });
    expect(byId.get('b')).toMatchObject({ value: true, subject: { kind: 'trace', id: 'trace-1' } });
    expect(byId.get('c')).toMatchObject({
      value: 'solved',
      comment: null,
      subject: { kind: 'session', id: 'session-1' },
    });
  });

  it.each([
    ['page', '2'],
    ['userId', 'u'],
    ['fields', 'core,unknown'],
    ['limit', '101'],
    ['observationId', 'o1'],
    ['cursor', 'bm8'],
  ])('v3 is strict: %s=%s is a 400', async (name, value) => {
    await using server = await startSampleServer({ traffic, mode: 'dual' });
    expect((await ask(server, '/v3/scores', { query: { [name]: value } })).status).toBe(400);
  });

  it('v3 pages by cursor, also over scores of one instant', async () => {
    const many = Array.from({ length: 23 }, (_, index) =>
      aScore({ id: `s${String(index).padStart(2, '0')}`, timestampMs: nineOClockMs + (index % 4) }),
    );
    await using server = await startSampleServer({ traffic: aTraffic({ scores: many }) });
    const rows = await askAll(server, '/v3/scores', { limit: '5' });
    expect(rows).toHaveLength(23);
    expect(new Set(idsOf(rows)).size).toBe(23);
  });

  it('an edit keeps the timestamp: it is seen again, under the same time', async () => {
    await using server = await startSampleServer({ traffic, mode: 'dual' });
    server.store.changeScore('n', { value: 0.1 });
    const rows = (await ask(server, '/v3/scores', { query: { id: 'n' } })).data;
    expect(rows).toMatchObject([{ value: 0.1, timestamp: '2026-11-02T09:01:00.000Z' }]);
  });
});
