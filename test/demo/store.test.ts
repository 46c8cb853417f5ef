/** The clock of the data, versions of rows, and edits while a server runs. */
import { describe, expect, it } from 'vitest';
import { createSampleStore } from '../../src/demo/sample-store.ts';
import { startSampleServer } from '../../src/demo/sample-server.ts';
import { anObservation, aScore, ask, aTrace, aTraffic, nineOClockMs, type Json } from './client.ts';

const first = anObservation({ usageDetails: {}, costDetails: {}, endMs: null });
const completed = {
  ...anObservation(),
  updatedMs: nineOClockMs + 600_000,
  availableAtMs: nineOClockMs + 600_500,
};
const ref = { traceId: 'trace-1', id: 'o1' };

describe('the clock of the data', () => {
  it('hides what has not arrived, and shows the newest version that has', async () => {
    const traffic = aTraffic({ observations: [first, completed] });
    await using server = await startSampleServer({ traffic, nowMs: nineOClockMs + 3999 });
    const seen = async (): Promise<Json[]> => (await ask(server, '/observations')).data;
    expect(await seen()).toEqual([]);
    server.setNow(nineOClockMs + 4000);
    expect(await seen()).toMatchObject([{ usageDetails: {}, endTime: null }]);
    server.setNow(nineOClockMs + 600_500);
    expect(await seen()).toMatchObject([{ usageDetails: { total: 142 } }]);
    expect((await ask(server, '/traces/trace-1')).status).toBe(200);
  });

  it('shows everything unless it is set', () => {
    const store = createSampleStore(aTraffic({ observations: [completed, first] }));
    expect(store.view().observations).toEqual([completed]);
    expect(store.view().supersededVersions).toBe(1);
  });
});

describe('edits', () => {
  it('are seen by the next request, in both generations', async () => {
    await using server = await startSampleServer({ traffic: aTraffic() });
    const { store } = server;
    const costs = async (): Promise<unknown[]> => [
      (await ask(server, '/observations')).data[0]?.['calculatedTotalCost'],
      (await ask(server, '/v2/observations', { query: { type: 'GENERATION', fields: 'usage' } }))
        .data[0]?.['totalCost'],
    ];
    expect(await costs()).toEqual([0.25, 0.25]);
    const changed = store.changeObservation(ref, { costDetails: { total: 0.5 } });
    expect(changed.updatedMs).toBe(anObservation().updatedMs + 1000);
    expect(await costs()).toEqual([0.5, 0.5]);
    store.deleteObservation(ref);
    expect(await costs()).toEqual([undefined, undefined]);
    store.putObservation(anObservation({ costDetails: { total: 1 } }));
    expect(await costs()).toEqual([1, 1]);
  });

  it('may move a start; the row is then found at its new place only', async () => {
    await using server = await startSampleServer({ traffic: aTraffic(), mode: 'events_only' });
    server.store.changeObservation(ref, { startMs: nineOClockMs + 86_400_000 });
    const query = { toStartTime: '2026-11-03T00:00:00Z' };
    expect((await ask(server, '/v2/observations', { query })).data).toEqual([]);
    expect((await ask(server, '/v2/observations')).data).toHaveLength(1);
  });

  it('a deleted trace takes its rows and scores along', async () => {
    const traffic = aTraffic({ scores: [aScore()] });
    await using server = await startSampleServer({ traffic });
    server.store.deleteTrace('trace-1');
    expect((await ask(server, '/observations')).data).toEqual([]);
    expect((await ask(server, '/v3/scores')).data).toEqual([]);
    expect((await ask(server, '/traces')).data).toEqual([]);
  });

  it('changes traces and scores, replaces all, and names what is not there', () => {
    const store = createSampleStore(aTraffic({ scores: [aScore()] }));
    store.changeTrace('trace-1', { sessionId: null });
    expect(store.view().traces.get('trace-1')?.sessionId).toBeNull();
    store.putTrace(aTrace({ id: 'trace-2' }));
    store.putScore(aScore({ id: 's2' }));
    store.deleteScore('s1');
    expect(store.view().scores.map((score) => score.id)).toEqual(['s2']);
    expect(() => store.observation({ traceId: 'x', id: 'y' })).toThrow(/no observation x y/);
    store.replace(aTraffic({ traces: [] }));
    expect(store.view().traces.size).toBe(0);
  });
});
