/** Runs the SQL of the metrics room and the small look-ups that run specs are made of. */
import type { Fact } from './fact.ts';
import { factColumns } from './fact.ts';
import type { State } from './open-state.ts';
import { prepareOnce } from './prepare-once.ts';

export type SqlParameters = Readonly<Record<string, string | number | null>>;

/** Rows of an aggregate query, as SQLite gives them. */
export function queryRows<Row extends object>(
  state: State,
  query: { readonly sql: string; readonly parameters: SqlParameters },
): Row[] {
  return prepareOnce(state, query.sql).all(query.parameters) as Row[];
}

/** Counted facts that a condition leaves, in order of time. */
export function listFacts(
  state: State,
  query: { readonly where: string; readonly parameters: SqlParameters; readonly limit?: number },
): Fact[] {
  return prepareOnce(
    state,
    `SELECT ${factColumns.join(', ')} FROM counted_facts WHERE ${query.where} ORDER BY start_ms, trace_id, id` +
      (query.limit === undefined ? '' : ` LIMIT ${query.limit}`),
  ).all(query.parameters) as Fact[];
}

/** Hash-able identity of what a group of facts holds: their row hashes in order of time. */
export function rowHashes(
  state: State,
  query: { readonly where: string; readonly parameters: SqlParameters },
): string[] {
  return prepareOnce(
    state,
    `SELECT row_hash FROM counted_facts WHERE ${query.where} ORDER BY start_ms, trace_id, id`,
  )
    .pluck()
    .all(query.parameters) as string[];
}

/** Distinct non-null values of a column, most frequent first, then by name. */
export function distinctValues(
  state: State,
  query: {
    readonly column:
      | 'model'
      | 'model_raw'
      | 'provider'
      | 'user_id'
      | 'key_alias'
      | 'team_alias'
      | 'client_tool'
      | 'session_source';
    readonly where: string;
    readonly parameters: SqlParameters;
  },
): string[] {
  return prepareOnce(
    state,
    `SELECT ${query.column} FROM counted_facts WHERE ${query.where} AND ${query.column} IS NOT NULL
       GROUP BY ${query.column} ORDER BY COUNT(*) DESC, ${query.column}`,
  )
    .pluck()
    .all(query.parameters) as string[];
}

/** Sessions that have a counted fact in the window. */
export function sessionsOfWindow(state: State, source: string, windowFromMs: number): string[] {
  return prepareOnce(
    state,
    `SELECT DISTINCT session_id FROM counted_facts
       WHERE source = ? AND window_from_ms = ? AND session_id IS NOT NULL ORDER BY session_id`,
  )
    .pluck()
    .all(source, windowFromMs) as string[];
}

/** Sessions of the window that have facts, of which the filters of the settings file let none count there. */
export function filteredSessions(
  state: State,
  window: { readonly source: string; readonly windowFromMs: number },
): string[] {
  const ofWindow = 'source = @source AND window_from_ms = @windowFromMs AND session_id IS NOT NULL';
  return prepareOnce(
    state,
    `SELECT session_id FROM main.counted_facts WHERE ${ofWindow}
       EXCEPT SELECT session_id FROM counted_facts WHERE ${ofWindow} ORDER BY session_id`,
  )
    .pluck()
    .all(window) as string[];
}

/** First window, start and end of a session over all its counted facts. */
export function sessionSpan(
  state: State,
  source: string,
  sessionId: string,
): { readonly windowFromMs: number; readonly startMs: number; readonly endMs: number } | null {
  const row = prepareOnce(
    state,
    `SELECT MIN(window_from_ms) AS windowFromMs, MIN(start_ms) AS startMs, MAX(COALESCE(end_ms, start_ms)) AS endMs
       FROM counted_facts WHERE source = ? AND session_id = ?`,
  ).get(source, sessionId) as { windowFromMs: number | null; startMs: number; endMs: number };
  return row.windowFromMs === null ? null : { ...row, windowFromMs: row.windowFromMs };
}

/** How many facts of a window were found to be logged twice. */
export function countDoubleLogged(state: State, source: string, windowFromMs: number): number {
  return prepareOnce(
    state,
    "SELECT COUNT(*) FROM facts WHERE source = ? AND window_from_ms = ? AND not_counted = 'double_logged'",
  )
    .pluck()
    .get(source, windowFromMs) as number;
}

/** Windows that hold facts of the traces and sessions of scores whose time is in the interval. */
export function windowsOfScores(
  state: State,
  place: { readonly source: string; readonly fromMs: number; readonly toMs: number },
): number[] {
  return prepareOnce(
    state,
    `SELECT DISTINCT f.window_from_ms FROM scores s JOIN facts f ON f.source = s.source AND f.trace_id = s.trace_id
       WHERE s.source = @source AND s.timestamp_ms >= @fromMs AND s.timestamp_ms < @toMs
       UNION
       SELECT DISTINCT f.window_from_ms FROM scores s JOIN facts f ON f.source = s.source AND f.session_id = s.session_id
       WHERE s.source = @source AND s.timestamp_ms >= @fromMs AND s.timestamp_ms < @toMs`,
  )
    .pluck()
    .all(place) as number[];
}

/** Windows that share a trace with this one where a score is about one attempt: its coming and going moves the score. */
export function windowsOfSharedScores(
  state: State,
  place: { readonly source: string; readonly windowFromMs: number },
): number[] {
  return prepareOnce(
    state,
    `SELECT DISTINCT f.window_from_ms
       FROM facts w
       JOIN scores s ON s.source = w.source AND s.trace_id = w.trace_id AND s.observation_id IS NOT NULL
       JOIN facts f ON f.source = w.source AND f.trace_id = w.trace_id
       WHERE w.source = @source AND w.window_from_ms = @windowFromMs`,
  )
    .pluck()
    .all(place) as number[];
}
