/** The tree of observations: what a trace is made of beside its calls. Kept only while traces are written to MLflow. */
import { hashOf } from '../shared/hash.ts';
import type { TraceAttributes } from '../shared/observation.ts';
import type { State } from './open-state.ts';
import { prepareOnce } from './prepare-once.ts';

export interface SpanRow {
  readonly trace_id: string;
  readonly id: string;
  readonly updated_ms: number;
  readonly parent_id: string | null;
  readonly type: string;
  readonly name: string | null;
  readonly start_ms: number;
  readonly end_ms: number | null;
  readonly is_error: number;
  readonly status_message: string | null;
}

const columns =
  'trace_id, id, updated_ms, parent_id, type, name, start_ms, end_ms, is_error, status_message';

interface Place {
  readonly source: string;
  readonly windowFromMs: number;
}

/** Appends a page of the window that is being read. */
export function stageSpans(state: State, rows: readonly SpanRow[]): void {
  const add = prepareOnce(
    state,
    `INSERT INTO staged_spans (${columns}) VALUES (@trace_id, @id, @updated_ms, @parent_id, @type, @name, @start_ms,
       @end_ms, @is_error, @status_message)`,
  );
  state.db.transaction(() => {
    for (const row of rows) add.run(row);
  })();
}

/**
 * Replaces the spans of a window by what is staged, the newest of each, of traces that hold a call. Runs in the
 * transaction that folds the window, after it. `isKept` false: those of an earlier reading go, and none come.
 */
export function foldSpans(state: State, place: Place & { readonly isKept: boolean }): void {
  const { db } = state;
  const key = { source: place.source, from: place.windowFromMs };
  db.prepare('DELETE FROM trace_spans WHERE source = @source AND window_from_ms = @from').run(key);
  db.prepare('UPDATE windows SET has_spans = @has WHERE source = @source AND from_ms = @from').run({
    ...key,
    has: place.isKept ? 1 : 0,
  });
  if (!place.isKept) return;
  // A row that moved here from another window replaces what that one has, unless it moved back since.
  db.prepare(
    `INSERT INTO trace_spans (source, window_from_ms, ${columns})
     SELECT @source, @from, ${columns} FROM (
       SELECT *, ROW_NUMBER() OVER (
         PARTITION BY trace_id, id ORDER BY updated_ms DESC, parent_id, name, end_ms, start_ms, type, status_message
       ) AS place FROM staged_spans
     ) WHERE place = 1 AND trace_id IN (SELECT trace_id FROM facts WHERE source = @source)
     ON CONFLICT DO UPDATE SET window_from_ms = excluded.window_from_ms, updated_ms = excluded.updated_ms,
       parent_id = excluded.parent_id, type = excluded.type, name = excluded.name, start_ms = excluded.start_ms,
       end_ms = excluded.end_ms, is_error = excluded.is_error, status_message = excluded.status_message
     WHERE excluded.updated_ms >= trace_spans.updated_ms`,
  ).run(key);
  db.exec('DELETE FROM staged_spans');
}

/** Spans of a trace over all windows, by time. */
export function listSpans(state: State, source: string, traceId: string): SpanRow[] {
  return prepareOnce(
    state,
    `SELECT ${columns} FROM trace_spans WHERE source = ? AND trace_id = ? ORDER BY start_ms, id`,
  ).all(source, traceId) as SpanRow[];
}

/** Ids of the calls of a trace that were logged twice and count nowhere. */
export function listDropped(state: State, source: string, traceId: string): string[] {
  return prepareOnce(
    state,
    'SELECT id FROM facts WHERE source = ? AND trace_id = ? AND not_counted IS NOT NULL',
  )
    .pluck()
    .all(source, traceId) as string[];
}

export function findTraceAttributes(
  state: State,
  place: { readonly source: string; readonly traceId: string },
): TraceAttributes | null {
  const body = prepareOnce(state, 'SELECT body FROM traces WHERE source = ? AND trace_id = ?')
    .pluck()
    .get(place.source, place.traceId) as string | undefined;
  return body === undefined ? null : (JSON.parse(body) as TraceAttributes);
}

/** Whether the window was read while traces were written. */
export function hasSpans(state: State, place: Place): boolean {
  const found = prepareOnce(state, 'SELECT has_spans FROM windows WHERE source = ? AND from_ms = ?')
    .pluck()
    .get(place.source, place.windowFromMs);
  return found === 1;
}

/** Traces with a counted call in the window. */
export function tracesOfWindow(state: State, place: Place): string[] {
  return prepareOnce(
    state,
    'SELECT DISTINCT trace_id FROM counted_facts WHERE source = ? AND window_from_ms = ? ORDER BY trace_id',
  )
    .pluck()
    .all(place.source, place.windowFromMs) as string[];
}

/** Hash over what only traces show of a window; null for one that was read without them. */
export function spansHash(state: State, place: Place): string | null {
  if (!hasSpans(state, place)) return null;
  const { source, windowFromMs } = place;
  const key = { source, from: windowFromMs };
  const mine =
    'SELECT trace_id FROM counted_facts WHERE source = @source AND window_from_ms = @from';
  const spans = prepareOnce(
    state,
    `SELECT ${columns.replace('updated_ms, ', '')} FROM trace_spans
       WHERE source = @source AND window_from_ms = @from ORDER BY trace_id, id`,
  )
    .raw()
    .all(key);
  const attributes = prepareOnce(
    state,
    `SELECT trace_id, json_extract(body, '$.name', '$.tags', '$.userId') FROM traces
       WHERE source = @source AND trace_id IN (${mine}) ORDER BY trace_id`,
  )
    .raw()
    .all(key);
  const scores = prepareOnce(
    state,
    `SELECT id, comment, score_source, timestamp_ms FROM scores
       WHERE source = @source AND trace_id IN (${mine}) ORDER BY id`,
  )
    .raw()
    .all(key);
  return hashOf([spans, attributes, scores]);
}
