import { describe, expect, it } from 'vitest';
import { minuteMs } from '../../src/shared/time.ts';
import {
  anInterval,
  dayStartMs,
  idsOf,
  readAllScores,
  sampleScore,
  sampleTraffic,
  startProject,
} from './project.ts';

const v3Path = '/api/public/v3/scores';

function manyScores(count: number, stepMs = 1000) {
  return Array.from({ length: count }, (_, index) =>
    sampleScore({
      id: `score-${String(index).padStart(4, '0')}`,
      timestampMs: dayStartMs + index * stepMs,
    }),
  );
}

describe('v3', () => {
  it('sends no parameter that the strict endpoint does not know, and follows the cursor', async () => {
    await using project = await startProject({
      mode: 'events_only',
      traffic: sampleTraffic({ scores: manyScores(230) }),
    });
    const source = await project.open({ environments: ['default', 'production'] });
    project.server.clearRequests();
    expect(idsOf(await readAllScores(source))).toHaveLength(230);
    expect(project.server.requests).toHaveLength(3);
    for (const { query, path } of project.server.requests) {
      expect(path).toBe(v3Path);
      expect(query.get('fields')).toBe('core,details,subject');
      expect(query.get('environment')).toBe('default,production');
      expect(
        [...query.keys()].every((key) =>
          ['limit', 'fields', 'fromTimestamp', 'toTimestamp', 'environment', 'cursor'].includes(
            key,
          ),
        ),
      ).toBe(true);
    }
  });

  it('tells the subjects apart', async () => {
    await using project = await startProject({
      traffic: sampleTraffic({
        scores: [
          sampleScore({ id: 'of-trace', comment: 'fine' }),
          sampleScore({ id: 'of-observation', observationId: 'observation-1' }),
          sampleScore({ id: 'of-session', traceId: null, sessionId: 'session-1' }),
        ],
      }),
    });
    const scores = new Map(
      (await readAllScores(await project.open())).map((score) => [score.id, score]),
    );
    expect(scores.get('of-trace')).toMatchObject({
      traceId: 'trace-1',
      observationId: null,
      sessionId: null,
      comment: 'fine',
      source: 'API',
    });
    expect(scores.get('of-observation')).toMatchObject({
      traceId: 'trace-1',
      observationId: 'observation-1',
    });
    expect(scores.get('of-session')).toMatchObject({
      traceId: null,
      observationId: null,
      sessionId: 'session-1',
    });
  });

  it('goes on over a short page that carries a cursor', async () => {
    await using project = await startProject({ traffic: sampleTraffic({ scores: manyScores(5) }) });
    const source = await project.open();
    project.server.setFaults([{ kind: 'empty_page', path: v3Path, times: 2 }]);
    expect(idsOf(await readAllScores(source))).toHaveLength(5);
  });

  it('a score that is not understood, or can not be read, is told and the others are kept', async () => {
    await using project = await startProject({ traffic: sampleTraffic({ scores: manyScores(6) }) });
    const source = await project.open();
    project.server.setFaults([
      {
        kind: 'malformed_row',
        path: v3Path,
        row: { id: 'odd', name: 'x', timestamp: 'never' },
      },
      {
        kind: 'poison_row',
        path: v3Path,
        id: 'score-0003',
        maxRows: 0,
        when: ({ query }) => query.get('fields') !== 'core',
      },
    ]);
    expect(idsOf(await readAllScores(source))).toHaveLength(5);
    const told = project.notices
      .filter((notice) => notice.kind === 'left_out')
      .map((notice) => notice.details['scoreId']);
    expect(new Set(told)).toEqual(new Set(['odd', 'score-0003']));
  });

  it('takes [from, to)', async () => {
    await using project = await startProject({
      traffic: sampleTraffic({ scores: manyScores(4, minuteMs) }),
    });
    const scores = await readAllScores(
      await project.open(),
      anInterval(dayStartMs + minuteMs, dayStartMs + 3 * minuteMs),
    );
    expect(idsOf(scores)).toEqual(['score-0001', 'score-0002']);
  });
});

describe('v2 and v1', () => {
  it.each([
    { mode: 'v3-legacy', version: '3.100.0', path: '/api/public/v2/scores' },
    { mode: 'v2.95', version: '2.95.12', path: '/api/public/scores' },
  ] as const)('$path is read by time, whole', async ({ mode, version, path }) => {
    const burst = Array.from({ length: 120 }, (_, index) =>
      sampleScore({ id: `burst-${index}`, timestampMs: dayStartMs + 5 }),
    );
    await using project = await startProject({
      mode,
      version,
      traffic: sampleTraffic({ scores: [...manyScores(150), ...burst] }),
    });
    const source = await project.open();
    project.server.clearRequests();
    expect(idsOf(await readAllScores(source))).toHaveLength(270);
    expect(new Set(project.server.requests.map((request) => request.path))).toEqual(
      new Set([path]),
    );
  });
});

it('a server without any score endpoint has no scores', async () => {
  await using project = await startProject({
    traffic: sampleTraffic({ scores: manyScores(3) }),
    faults: [{ kind: 'status', status: 404, format: 'html', path: /scores$/ }],
  });
  const source = await project.open();
  expect(source.description.scores).toBeNull();
  expect(await readAllScores(source)).toEqual([]);
});
