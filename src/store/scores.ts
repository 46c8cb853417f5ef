/** Scores as Langfuse has them, and which windows they touch. */
import type { Score } from '../shared/observation.ts';
import type { Interval } from '../shared/time.ts';
import { hashOf } from '../shared/hash.ts';
import type { State } from './open-state.ts';
import { prepareOnce } from './prepare-once.ts';

/** Stores scores; of repeated ids the newest update wins. */
export function putScores(state: State, source: string, scores: readonly Score[]): void {
  const put = prepareOnce(
    state,
    `INSERT INTO scores (source, id, name, data_type, value, string_value, score_source, comment, timestamp_ms,
       updated_ms, trace_id, observation_id, session_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET name = excluded.name, data_type = excluded.data_type, value = excluded.value,
       string_value = excluded.string_value, score_source = excluded.score_source, comment = excluded.comment,
       timestamp_ms = excluded.timestamp_ms, updated_ms = excluded.updated_ms, trace_id = excluded.trace_id,
       observation_id = excluded.observation_id, session_id = excluded.session_id
     WHERE COALESCE(excluded.updated_ms, 0) >= COALESCE(scores.updated_ms, 0)`,
  );
  state.db.transaction(() => {
    for (const score of scores) {
      put.run(
        source,
        score.id,
        score.name,
        score.dataType,
        score.value,
        score.stringValue,
        score.source,
        score.comment,
        score.timestampMs,
        score.updatedMs,
        score.traceId,
        score.observationId,
        score.sessionId,
      );
    }
  })();
}

/** Drops scores of the interval whose ids were not seen when it was read again: they were deleted in Langfuse. */
export function removeOtherScores(
  state: State,
  place: {
    readonly source: string;
    readonly interval: Interval;
    readonly seen: ReadonlySet<string>;
  },
): void {
  const ids = prepareOnce(
    state,
    'SELECT id FROM scores WHERE source = ? AND timestamp_ms >= ? AND timestamp_ms < ?',
  )
    .pluck()
    .all(place.source, place.interval.fromMs, place.interval.toMs) as string[];
  const remove = prepareOnce(state, 'DELETE FROM scores WHERE source = ? AND id = ?');
  state.db.transaction(() => {
    for (const id of ids) if (!place.seen.has(id)) remove.run(place.source, id);
  })();
}

/**
 * Hash over all scores that belong to facts of the window; changes when a score is added, edited or deleted, and
 * when the attempt that it is about comes, goes or moves: until then it counts for the whole trace.
 */
export function scoresHash(state: State, source: string, windowFromMs: number): string {
  const rows = prepareOnce(
    state,
    `SELECT s.id, s.name, s.data_type, s.value, s.string_value, s.trace_id, s.observation_id, s.session_id,
         (SELECT g.window_from_ms = @from FROM main.counted_facts g
          WHERE g.source = s.source AND g.trace_id = s.trace_id AND g.id = s.observation_id) AS is_here
       FROM scores s WHERE s.source = @source AND (
         s.trace_id IN (SELECT trace_id FROM facts WHERE source = @source AND window_from_ms = @from)
         OR s.session_id IN (SELECT session_id FROM facts WHERE source = @source AND window_from_ms = @from)
       ) ORDER BY s.id`,
  )
    .raw()
    .all({ source, from: windowFromMs });
  return rows.length === 0 ? 'none' : hashOf(rows);
}

/** Scores of a trace and of its observations, by id. */
export function listTraceScores(state: State, source: string, traceId: string): Score[] {
  const rows = prepareOnce(
    state,
    'SELECT * FROM scores WHERE source = ? AND trace_id = ? ORDER BY id',
  ).all(source, traceId) as ScoreRow[];
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    dataType: row.data_type,
    value: row.value,
    stringValue: row.string_value,
    source: row.score_source,
    comment: row.comment,
    timestampMs: row.timestamp_ms,
    updatedMs: row.updated_ms,
    traceId: row.trace_id,
    observationId: row.observation_id,
    sessionId: row.session_id,
  }));
}

interface ScoreRow {
  id: string;
  name: string;
  data_type: string;
  value: number | null;
  string_value: string | null;
  score_source: string | null;
  comment: string | null;
  timestamp_ms: number;
  updated_ms: number | null;
  trace_id: string | null;
  observation_id: string | null;
  session_id: string | null;
}
