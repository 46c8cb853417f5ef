/** Scores on observations, traces and sessions; some are added days later, some are edited. */
import type { Prng } from './prng.ts';
import type { SampleObservation, SampleScore, SampleTrace } from './sample-types.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

type ScoreDraft = Pick<
  SampleScore,
  'name' | 'dataType' | 'value' | 'stringValue' | 'source' | 'comment'
> & {
  readonly target: Pick<SampleScore, 'traceId' | 'observationId' | 'sessionId' | 'environment'>;
  readonly timestampMs: number;
};

/** Scores for `rows` and their sessions; an edited score is a second entry with the same id and timestamp. */
export function createScores(
  prng: Prng,
  rows: readonly SampleObservation[],
  traces: ReadonlyMap<string, SampleTrace>,
): SampleScore[] {
  const scores: SampleScore[] = [];
  const add = (draft: ScoreDraft): void => {
    const { target, timestampMs, ...score } = draft;
    const first: SampleScore = {
      ...score,
      ...target,
      id: prng.uuid(),
      timestampMs,
      createdMs: timestampMs + 1200,
      updatedMs: timestampMs + 1200,
      availableAtMs: timestampMs + 8000,
    };
    scores.push(first);
    if (first.dataType === 'NUMERIC' && prng.chance(0.06)) {
      const editedMs = timestampMs + prng.int(20, 90) * hourMs;
      const value = Number(Math.max(0, (first.value ?? 0) - 0.1).toFixed(2));
      scores.push({ ...first, value, updatedMs: editedMs, availableAtMs: editedMs + 8000 });
    }
  };

  const sessionEnds = new Map<string, SampleObservation>();
  for (const row of rows) {
    if (row.truth.kind !== 'generation' || row.level === 'ERROR') continue;
    const target = {
      traceId: row.traceId,
      observationId: null,
      sessionId: null,
      environment: row.environment,
    };
    const endMs = row.endMs ?? row.startMs;
    const sessionId = traces.get(row.traceId)?.sessionId ?? null;
    if (sessionId !== null) sessionEnds.set(sessionId, row);
    if (prng.chance(0.03)) {
      add({
        name: 'answer-quality',
        dataType: 'NUMERIC',
        value: Number((0.55 + prng.next() * 0.45).toFixed(2)),
        stringValue: null,
        source: 'EVAL',
        comment: prng.chance(0.5) ? 'Follows the task; one claim is not backed by a file.' : null,
        target: { ...target, observationId: row.id },
        timestampMs: endMs + prng.int(2, 30) * minuteMs,
      });
    }
    if (prng.chance(0.015)) {
      add({
        name: 'user-feedback',
        dataType: 'BOOLEAN',
        value: prng.chance(0.78) ? 1 : 0,
        stringValue: null,
        source: 'API',
        comment: null,
        target,
        timestampMs: endMs + prng.int(1, 200) * minuteMs,
      });
    }
  }
  for (const [sessionId, row] of sessionEnds) {
    if (!prng.chance(0.28)) continue;
    add({
      name: 'task-outcome',
      dataType: 'CATEGORICAL',
      value: null,
      stringValue: prng.weighted([
        [6, 'solved'],
        [3, 'partly'],
        [1, 'abandoned'],
      ]),
      source: 'ANNOTATION',
      comment: null,
      target: { traceId: null, observationId: null, sessionId, environment: row.environment },
      timestampMs: row.startMs + Math.floor((0.2 + prng.next() * 6) * dayMs),
    });
  }
  return scores;
}
