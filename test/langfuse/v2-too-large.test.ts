import { describe, expect, it } from 'vitest';
import { minuteMs } from '../../src/shared/time.ts';
import {
  anInterval,
  day,
  dayStartMs,
  deduplicate,
  manyRows,
  readAll,
  sampleTraffic,
  startProject,
} from './project.ts';

const v2Path = '/api/public/v2/observations';
const tenMinutes = anInterval(dayStartMs, dayStartMs + 10 * minuteMs);

describe('too much for one answer', () => {
  it('halves the page, then the slice, and still reads every row', async () => {
    await using project = await startProject(
      {
        traffic: sampleTraffic(manyRows(200, { stepMs: 1000 })),
        faults: [{ kind: 'too_large', path: v2Path, maxRows: 10, maxSpanMs: 40_000 }],
      },
      { pageSize: 100, concurrency: 1 },
    );
    const { observations, unreadable } = await readAll(await project.open(), tenMinutes);
    expect(deduplicate(observations).size).toBe(200);
    expect(unreadable).toEqual([]);
    expect(project.notices.some((notice) => notice.kind === 'shrinking')).toBe(true);
    expect(project.clock.sleptMs).toEqual([]);
  });

  it.each([422, 524, 500] as const)(
    'names the row that can not be read even alone (%s), and reads the others',
    async (status) => {
      await using project = await startProject(
        {
          traffic: sampleTraffic(manyRows(40, { stepMs: 1000 })),
          faults: [
            {
              kind: 'poison_row',
              path: v2Path,
              id: 'observation-00017',
              maxRows: 0,
              status,
              when: (request) => request.query.get('fields') !== 'core',
            },
          ],
        },
        { pageSize: 16, concurrency: 1 },
      );
      const { observations, unreadable } = await readAll(await project.open(), tenMinutes);
      expect(deduplicate(observations).size).toBe(39);
      expect(unreadable).toHaveLength(1);
      expect(unreadable[0]).toMatchObject({
        traceId: 'trace-00017',
        id: 'observation-00017',
        startMs: dayStartMs + 17_000,
        raw: null,
      });
      expect(unreadable[0]?.reason).toMatch(/can't be read even alone: answered/);
    },
  );

  it('names the millisecond where not even the name can be read', async () => {
    await using project = await startProject(
      {
        mode: 'events_only',
        traffic: sampleTraffic(manyRows(8, { stepMs: 1000 })),
        faults: [{ kind: 'poison_row', path: v2Path, id: 'observation-00003', maxRows: 0 }],
      },
      { pageSize: 4, concurrency: 1 },
    );
    const { observations, unreadable } = await readAll(await project.open(), tenMinutes);
    expect(deduplicate(observations).size).toBe(7);
    expect(unreadable).toEqual([
      expect.objectContaining({ traceId: null, id: null, startMs: dayStartMs + 3000 }) as unknown,
    ]);
  });

  it('JSON that ends too early again and again shrinks the page; once it is only sent again', async () => {
    await using project = await startProject(
      { traffic: sampleTraffic(manyRows(30, { stepMs: 1000 })) },
      { pageSize: 32, concurrency: 1 },
    );
    const source = await project.open();
    project.server.setFaults([
      {
        kind: 'truncated_json',
        path: v2Path,
        when: (request) => Number(request.query.get('limit')) > 16,
      },
    ]);
    const { observations, unreadable } = await readAll(source, tenMinutes);
    expect(deduplicate(observations).size).toBe(30);
    expect(unreadable).toEqual([]);
  });
});

describe('a server on which nothing can be read', () => {
  it.each([
    { what: 'answers 422 to everything', fault: { kind: 'status', status: 422 } },
    { what: 'cuts every answer short', fault: { kind: 'truncated_json' } },
  ] as const)('that $what is not asked for each millisecond', async ({ fault }) => {
    await using project = await startProject({}, { concurrency: 1 });
    const source = await project.open();
    project.server.clearRequests();
    project.server.setFaults([{ ...fault, path: v2Path }]);
    await expect(readAll(source)).rejects.toMatchObject({
      code: 'LANGFUSE_TOO_LARGE',
      exitCode: 4,
    });
    expect(project.server.requests.length).toBeLessThan(250);
  });
});

describe('memory and stopping', () => {
  it('asks no further than the consumer takes, plus one page for each reader', async () => {
    await using project = await startProject(
      { traffic: sampleTraffic(manyRows(400, { stepMs: 1000 })) },
      { pageSize: 10, concurrency: 2 },
    );
    const source = await project.open();
    project.server.clearRequests();
    const window = source.readWindow(tenMinutes, { signal: new AbortController().signal });
    const pages = window[Symbol.asyncIterator]();
    for (let i = 0; i < 3; i++) await pages.next();
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    expect(project.server.requests.length).toBeLessThanOrEqual(3 + 2);
    await pages.return?.();
  });

  it('ends at once when the signal aborts, also inside a stalled answer', async () => {
    await using project = await startProject();
    const source = await project.open({ timeoutMs: 60_000 });
    project.server.setFaults([{ kind: 'stall', at: 'mid_body', path: v2Path }]);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    await expect(readAll(source, day, stop.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('one failing slice ends the reading of all', async () => {
    await using project = await startProject(
      { traffic: sampleTraffic(manyRows(100)) },
      { concurrency: 4, pageSize: 5 },
    );
    const source = await project.open();
    project.server.setFaults([{ kind: 'status', status: 400, path: v2Path, skip: 6, times: 1 }]);
    await expect(readAll(source)).rejects.toMatchObject({ code: 'LANGFUSE_UNEXPECTED' });
  });

  it('a mode flipped in mid-run is told as what it is', async () => {
    await using project = await startProject();
    const source = await project.open();
    project.server.setMode('v3-legacy');
    await expect(readAll(source)).rejects.toMatchObject({
      code: 'LANGFUSE_UNSUPPORTED',
      message: expect.stringMatching(/mode was changed/) as string,
    });
  });
});
