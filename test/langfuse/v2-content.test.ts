import { describe, expect, it } from 'vitest';
import { minuteMs } from '../../src/shared/time.ts';
import {
  anInterval,
  dayStartMs,
  manyRows,
  readAll,
  readAllContent,
  sampleObservation,
  sampleTraffic,
  startProject,
} from './project.ts';

const v2Path = '/api/public/v2/observations';
const tenMinutes = anInterval(dayStartMs, dayStartMs + 10 * minuteMs);

describe('content', () => {
  it('is a second pass with small fields, decoded, for generations and embeddings only', async () => {
    await using project = await startProject({
      traffic: sampleTraffic({
        observations: [
          sampleObservation({ id: 'chat' }),
          sampleObservation({ id: 'text', input: 'plain words', output: null }),
          sampleObservation({
            id: 'embedding',
            type: 'EMBEDDING',
            input: ['a', 'b'],
            output: null,
          }),
          sampleObservation({ id: 'guardrail', type: 'SPAN' }),
        ],
      }),
    });
    const source = await project.open();
    const window = await readAll(source);
    expect(window.observations.every((row) => row.content === undefined)).toBe(true);
    project.server.clearRequests();
    const { rows, unreadable } = await readAllContent(source);
    expect(unreadable).toEqual([]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    expect([...byId.keys()].sort()).toEqual(['chat', 'embedding', 'text']);
    expect(byId.get('chat')).toMatchObject({
      traceId: 'trace-1',
      updatedMs: sampleObservation().updatedMs,
      content: {
        input: { messages: [{ role: 'user', content: 'hello' }] },
        output: { role: 'assistant', content: 'hi' },
      },
    });
    expect(byId.get('text')?.content).toEqual({ input: 'plain words', output: null });
    expect(byId.get('embedding')?.content.input).toEqual(['a', 'b']);
    for (const { query } of project.server.requests)
      expect(query.get('fields')).toBe('core,time,io');
  });

  it('follows the size of the answers', async () => {
    const input = { messages: [{ role: 'user', content: 'x'.repeat(100_000) }] };
    const { traces, observations } = manyRows(120, { stepMs: 100 });
    await using project = await startProject(
      {
        traffic: sampleTraffic({
          traces,
          observations: observations.map((row) => ({ ...row, input })),
        }),
      },
      { concurrency: 1 },
    );
    const source = await project.open();
    project.server.clearRequests();
    const { rows } = await readAllContent(source, tenMinutes);
    expect(new Set(rows.map((row) => row.id)).size).toBe(120);
    const limits = project.server.requests
      .filter(
        (request) => request.query.get('type') === 'GENERATION' && request.query.has('cursor'),
      )
      .map((request) => Number(request.query.get('limit')));
    expect(limits.length).toBeGreaterThan(0);
    for (const limit of limits) expect(limit).toBeLessThanOrEqual(30);
  });

  it('names the row whose text can not be read', async () => {
    await using project = await startProject({
      traffic: sampleTraffic(manyRows(10, { stepMs: 1000 })),
      faults: [
        {
          kind: 'poison_row',
          path: v2Path,
          id: 'observation-00004',
          maxRows: 0,
          onlyWithContent: true,
        },
      ],
    });
    const { rows, unreadable } = await readAllContent(
      await project.open({ contentPageSize: 4 }),
      tenMinutes,
    );
    expect(new Set(rows.map((row) => row.id)).size).toBe(9);
    expect(unreadable).toEqual([
      expect.objectContaining({ id: 'observation-00004', traceId: 'trace-00004' }) as unknown,
    ]);
  });
});
