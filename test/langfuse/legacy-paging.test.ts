import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { minuteMs } from '../../src/shared/time.ts';
import {
  anInterval,
  dayStartMs,
  deduplicate,
  manyRows,
  readAll,
  sampleObservation,
  sampleTraffic,
  startProject,
} from './project.ts';

const observationsPath = '/api/public/observations';
const tracesPath = '/api/public/traces';
const tenMinutes = anInterval(dayStartMs, dayStartMs + 10 * minuteMs);

describe('paging by time', () => {
  it('reads every row of 250 on a server that over-counts, asking for page 1 only', async () => {
    await using project = await startProject({
      mode: 'v3-legacy',
      traffic: sampleTraffic(manyRows(250, { stepMs: 1000 })),
    });
    const source = await project.open();
    project.server.clearRequests();
    const { observations, unreadable } = await readAll(source, tenMinutes);
    expect(deduplicate(observations).size).toBe(250);
    expect(unreadable).toEqual([]);
    for (const { query } of project.server.requests) {
      expect(query.get('page')).toBe('1');
      expect(Number(query.get('limit'))).toBe(100);
    }
  });

  it('always sends time range and fields with traces, and the range with observations', async () => {
    await using project = await startProject({ mode: 'v3-legacy' });
    const source = await project.open();
    project.server.clearRequests();
    await readAll(source);
    const traces = project.server.requests.filter((request) => request.path === tracesPath);
    expect(traces.length).toBeGreaterThan(0);
    for (const { query } of traces) {
      expect(query.get('fields')).toBe('core');
      expect(query.has('fromTimestamp') && query.has('toTimestamp')).toBe(true);
    }
    const observations = project.server.requests.filter(({ path }) => path === observationsPath);
    expect(observations.length).toBeGreaterThan(0);
    for (const { query } of observations) {
      expect(query.has('fromStartTime') && query.has('toStartTime')).toBe(true);
    }
  });

  it('rows inserted and deleted while it pages neither hide nor repeat others', async () => {
    await using project = await startProject(
      { mode: 'v3-legacy', traffic: sampleTraffic(manyRows(120, { stepMs: 1000 })) },
      { concurrency: 1, pageSize: 20 },
    );
    const source = await project.open();
    let inserted = 0;
    const seen: string[] = [];
    for await (const page of source.readWindow(tenMinutes, {
      signal: new AbortController().signal,
    })) {
      seen.push(...page.observations.map((row) => row.id));
      if (page.observations.length > 0 && inserted < 3) {
        // Newer than anything that is left to be read: an OFFSET would now give rows twice ...
        project.server.store.putObservation(
          sampleObservation({ id: `late-${inserted}`, startMs: tenMinutes.toMs - 1 - inserted }),
        );
        inserted += 1;
        // ... and after this one, leave a row out.
        if (inserted === 2)
          project.server.store.deleteObservation({
            traceId: 'trace-00119',
            id: 'observation-00119',
          });
      }
    }
    for (let i = 0; i < 119; i++)
      expect(seen).toContain(`observation-${String(i).padStart(5, '0')}`);
  });

  it('reads a millisecond that holds more rows than a page', async () => {
    const rows = manyRows(230, { stepMs: 0, startMs: dayStartMs + minuteMs });
    const others = manyRows(30, { stepMs: 1000, startMs: dayStartMs + 2 * minuteMs });
    await using project = await startProject({
      mode: 'v3-legacy',
      traffic: sampleTraffic({
        traces: rows.traces,
        observations: [
          ...rows.observations,
          ...others.observations.map((row) => ({ ...row, id: `other-${row.id}` })),
        ],
      }),
    });
    const { observations } = await readAll(await project.open(), tenMinutes);
    expect(deduplicate(observations).size).toBe(260);
  });

  it('a server that ignores the time filter is refused', async () => {
    await using project = await startProject({ mode: 'v3-legacy' });
    const source = await project.open();
    project.server.setFaults([
      {
        kind: 'malformed_row',
        path: observationsPath,
        row: { id: 'later', traceId: null, type: 'SPAN', startTime: '2027-01-01T00:00:00.000Z' },
        when: (request) => request.query.get('fromStartTime')?.endsWith('T20:00:00.000Z') === true,
      },
    ]);
    await expect(readAll(source)).rejects.toMatchObject({
      code: 'LANGFUSE_UNEXPECTED',
      message: expect.stringMatching(/gave rows of 2027/) as string,
    });
  });
});

/** Plays `/observations` with equal times in an order that changes from request to request, which OFFSET can't survive. */
async function startUnstableServer(rowCount: number) {
  const rows = Array.from({ length: rowCount }, (_, index) => ({
    id: `row-${String(index).padStart(3, '0')}`,
    traceId: null,
    type: 'GENERATION',
    startTime: '2026-11-20T00:01:00.000Z',
  }));
  let requests = 0;
  const answers = (request: IncomingMessage): unknown => {
    const url = new URL(request.url ?? '/', 'http://unstable');
    if (url.pathname === '/api/public/projects') return { data: [{ id: 'project-1', name: 'x' }] };
    if (url.pathname === '/api/public/traces') return { data: [], meta: { page: 1, limit: 100 } };
    if (url.pathname !== observationsPath) return null;
    const query = url.searchParams;
    const [from, to] = [query.get('fromStartTime') ?? '', query.get('toStartTime') ?? ''];
    const found = rows.filter((row) => row.startTime >= from && row.startTime < to);
    // The first requests see the rows turned by one more place each time; then the order settles.
    const turn = Math.min(requests++, 7) * 37;
    const ordered = found.map((_, index) => found[(index + turn) % found.length]);
    const limit = Number(query.get('limit'));
    const start = (Number(query.get('page')) - 1) * limit;
    return {
      data: ordered.slice(start, start + limit),
      meta: { limit, totalItems: found.length + 5 },
    };
  };
  const server = createServer((request, response) => {
    const body = answers(request);
    response.writeHead(body === null ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? { message: 'not found' }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

it('equal times in an unstable order are read until a pass agrees with those before', async () => {
  await using unstable = await startUnstableServer(150);
  await using project = await startProject();
  const source = await project.open({ baseUrl: unstable.url, reader: 'legacy', concurrency: 1 });
  const { observations } = await readAll(source, tenMinutes);
  expect(deduplicate(observations).size).toBe(150);
});

describe('too much for one answer', () => {
  it('halves the page, then the slice, and still reads every row', async () => {
    await using project = await startProject(
      {
        mode: 'v3-legacy',
        version: '3.110.0',
        traffic: sampleTraffic(manyRows(90, { stepMs: 1000 })),
        faults: [{ kind: 'too_large', path: observationsPath, maxRows: 9, maxSpanMs: 30_000 }],
      },
      { concurrency: 1 },
    );
    const { observations, unreadable } = await readAll(await project.open(), tenMinutes);
    expect(deduplicate(observations).size).toBe(90);
    expect(unreadable).toEqual([]);
  });

  it('reports the one row that can not be read by its time, and reads the others of its millisecond', async () => {
    const crowd = manyRows(5, { stepMs: 0, startMs: dayStartMs + minuteMs });
    const others = manyRows(20, { stepMs: 1000 });
    await using project = await startProject(
      {
        mode: 'v3-legacy',
        traffic: sampleTraffic({
          traces: others.traces,
          observations: [
            ...others.observations,
            ...crowd.observations.map((row) => ({ ...row, id: `crowd-${row.id}` })),
          ],
        }),
        faults: [
          { kind: 'poison_row', path: observationsPath, id: 'crowd-observation-00002', maxRows: 0 },
        ],
      },
      { concurrency: 1 },
    );
    const { observations, unreadable } = await readAll(await project.open(), tenMinutes);
    expect(deduplicate(observations).size).toBe(24);
    expect(unreadable).toHaveLength(1);
    expect(unreadable[0]).toMatchObject({ startMs: dayStartMs + minuteMs, id: null });
    expect(unreadable[0]?.reason).toMatch(/row \d of this millisecond can't be read even alone/);
  });

  it('a row that is not understood is reported, its page is kept', async () => {
    await using project = await startProject({ mode: 'v3-legacy' });
    const source = await project.open();
    project.server.setFaults([
      {
        kind: 'malformed_row',
        path: observationsPath,
        times: 1,
        row: { id: 'bad', traceId: 'trace-1', startTime: 'yesterday', type: 'SPAN' },
      },
      { kind: 'malformed_row', path: tracesPath, times: 1, row: { id: 'bad-trace', timestamp: 5 } },
    ]);
    // Only a page that has a time can be paged on, so the window is one slice with one row.
    const { observations, unreadable } = await readAll(
      source,
      anInterval(dayStartMs + 10 * minuteMs, dayStartMs + 10 * minuteMs + 1000),
    );
    expect(observations.map((row) => row.id)).toEqual(['observation-1']);
    expect(unreadable.map((row) => [row.traceId, row.id])).toEqual([
      ['bad-trace', null],
      ['trace-1', 'bad'],
    ]);
  });

  it('a page with nothing but a row that is not understood ends the slice, not the run', async () => {
    await using project = await startProject({
      mode: 'v3-legacy',
      traffic: sampleTraffic({ traces: [], observations: [] }),
    });
    const source = await project.open({ concurrency: 1 });
    project.server.setFaults([
      { kind: 'malformed_row', path: observationsPath, times: 1, row: { id: 'bad' } },
    ]);
    const { unreadable } = await readAll(source);
    expect(unreadable).toEqual([
      expect.objectContaining({ id: 'bad', raw: '{"id":"bad"}' }) as unknown,
    ]);
  });
});
