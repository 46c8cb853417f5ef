import { describe, expect, it } from 'vitest';
import { buildScoreQuery, toScoreMetrics, type ScoreRow } from '../../src/metrics/score-query.ts';
import type { Score } from '../../src/shared/observation.ts';
import { queryRows } from '../../src/store/aggregates.ts';
import { openState } from '../../src/store/open-state.ts';
import { putScores } from '../../src/store/scores.ts';
import { aGeneration } from '../support/builders.ts';
import { foldedSource, foldPages, interval } from '../support/folding.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const window = interval(Date.UTC(2026, 2, 4), Date.UTC(2026, 2, 5));
const session = { sessionId: 's', sessionSource: 'session_id' } as const;

function score(fields: Partial<Score> & Pick<Score, 'id'>): Score {
  return {
    name: 'quality',
    dataType: 'NUMERIC',
    value: 1,
    stringValue: null,
    source: 'API',
    comment: null,
    timestampMs: window.fromMs,
    updatedMs: 1,
    traceId: null,
    observationId: null,
    sessionId: null,
    ...fields,
  };
}

/** Metrics of scores on two attempts `a` (model m1) and `b` (model m2) of trace `t` in session `s`. */
function scoreMetrics(
  scores: readonly Score[],
  group: { readonly grain: 'window' | 'model' | 'session'; readonly groupBy: string | null },
): Record<string, number> {
  using folder = openTempFolder();
  using state = openState(`${folder.path}/state.db`);
  const a = aGeneration({
    ...session,
    traceId: 't',
    id: 'a',
    model: 'm1',
    callId: 'a',
    responseId: 'a',
    startMs: window.fromMs,
    endMs: window.fromMs + 9,
  });
  foldPages(state, window, [
    {
      generations: [
        a,
        {
          ...a,
          id: 'b',
          model: 'm2',
          callId: 'b',
          responseId: 'b',
          startMs: a.startMs + 60_000,
          endMs: a.startMs + 61_000,
        },
      ],
    },
  ]);
  putScores(state, foldedSource, scores);
  const rows = queryRows<ScoreRow>(state, {
    sql: buildScoreQuery({ ...group, where: 'source = @source AND window_from_ms = @from' }),
    parameters: { source: foldedSource, from: window.fromMs },
  });
  return Object.fromEntries(
    rows.flatMap((row) =>
      toScoreMetrics(row).map(([name, value]) => [`${row.group_key}:${name}`, value]),
    ),
  );
}

describe('score metrics', () => {
  it('gives the score of an observation to its own attempt', () => {
    expect(
      scoreMetrics([score({ id: '1', traceId: 't', observationId: 'a', value: 0.5 })], {
        grain: 'model',
        groupBy: 'model',
      }),
    ).toEqual({ 'm1:score/quality/count': 1, 'm1:score/quality/mean': 0.5 });
  });

  it('counts the score of a trace once in the window and once for each model that the trace used', () => {
    const scores = [
      score({ id: '1', traceId: 't', value: 1 }),
      score({ id: '2', traceId: 't', value: 0 }),
    ];
    expect(scoreMetrics(scores, { grain: 'window', groupBy: null })).toEqual({
      ':score/quality/count': 2,
      ':score/quality/mean': 0.5,
    });
    expect(scoreMetrics(scores, { grain: 'model', groupBy: 'model' })).toMatchObject({
      'm1:score/quality/count': 2,
      'm2:score/quality/count': 2,
    });
  });

  it('takes the score of a row that is no attempt as one of its trace', () => {
    expect(
      scoreMetrics([score({ id: '1', traceId: 't', observationId: 'a-span' })], {
        grain: 'window',
        groupBy: null,
      }),
    ).toMatchObject({ ':score/quality/count': 1 });
  });

  it('gives the score of a session to the session alone', () => {
    const scores = [score({ id: '1', sessionId: 's' })];
    expect(scoreMetrics(scores, { grain: 'session', groupBy: 'session_id' })).toMatchObject({
      's:score/quality/count': 1,
    });
    expect(scoreMetrics(scores, { grain: 'window', groupBy: null })).toEqual({});
  });

  it('counts categories and gives them no mean', () => {
    expect(
      scoreMetrics(
        [
          score({
            id: '1',
            traceId: 't',
            dataType: 'CATEGORICAL',
            value: null,
            stringValue: 'good',
          }),
        ],
        { grain: 'window', groupBy: null },
      ),
    ).toEqual({ ':score/quality/count': 1 });
  });

  it('keeps the newest version of an edited score', () => {
    const scores = [
      score({ id: '1', traceId: 't', value: 0.9, updatedMs: 2 }),
      score({ id: '1', traceId: 't', value: 0.1, updatedMs: 1 }),
    ];
    expect(scoreMetrics(scores, { grain: 'window', groupBy: null })[':score/quality/mean']).toBe(
      0.9,
    );
  });
});
