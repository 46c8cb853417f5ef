/**
 * Finds all that a trace hangs together with: by its sessions, by scores that name both, and by calls that were logged
 * twice in two traces. A group is closed when nothing of it lies in a window that is kept.
 */
import type { PrunedKey } from './pruned-groups.ts';
import { isPrunedKey } from './pruned-groups.ts';
import { toWindowStart } from './group-rows.ts';
import type { State } from './open-state.ts';

/** How far apart the two rows of one call can start (src/litellm/double-logged.ts). */
const twinReachMs = 1000;

export interface GroupSearch {
  readonly state: State;
  readonly source: string;
  readonly windowMs: number;
  /** Starts of the windows that may be pruned. */
  readonly prunable: ReadonlySet<number>;
  /** Traces and sessions that were found to be of a group that goes on; filled on the way. */
  readonly open: { readonly traces: Set<string>; readonly sessions: Set<string> };
}

export interface ClosedGroup {
  readonly traces: ReadonlySet<string>;
  readonly sessions: ReadonlySet<string>;
  /** Of calls so near to an edge of their window that their double may lie beyond it. */
  readonly twinKeys: readonly PrunedKey[];
}

interface FactRow {
  readonly start_ms: number;
  readonly window_from_ms: number;
  readonly session_id: string | null;
  readonly call_id: string | null;
  readonly response_id: string | null;
}

interface Found {
  readonly traces: Set<string>;
  readonly sessions: Set<string>;
  readonly twinKeys: PrunedKey[];
  readonly toLookAt: PrunedKey[];
}

/** Null when the group goes on. Reads rows of the group alone, by indexes. */
export function findClosedGroup(search: GroupSearch, traceId: string): ClosedGroup | null {
  const found: Found = { traces: new Set(), sessions: new Set(), twinKeys: [], toLookAt: [] };
  addTrace(found, traceId);
  const isClosed = explore(search, found);
  if (isClosed) return found;
  for (const id of found.traces) search.open.traces.add(id);
  for (const id of found.sessions) search.open.sessions.add(id);
  return null;
}

/** False at the first thing that keeps the group open. */
function explore(search: GroupSearch, found: Found): boolean {
  for (let key = found.toLookAt.pop(); key !== undefined; key = found.toLookAt.pop()) {
    const isClosed =
      key.kind === 'trace'
        ? exploreTrace(search, found, key.id)
        : exploreSession(search, found, key.id);
    if (!isClosed) return false;
  }
  return true;
}

function exploreTrace(search: GroupSearch, found: Found, traceId: string): boolean {
  const { state, source, prunable } = search;
  // Langfuse 2.x has rows without a trace: all of them share one that never ends.
  if (traceId === '' || search.open.traces.has(traceId)) return false;
  if (isPrunedKey(state, source, { kind: 'trace', id: traceId })) return false;
  const rows = state.db
    .prepare(
      `SELECT start_ms, window_from_ms, session_id, call_id, response_id FROM facts
       WHERE source = ? AND trace_id = ?`,
    )
    .all(source, traceId) as FactRow[];
  for (const row of rows) {
    if (!prunable.has(row.window_from_ms)) return false;
    if (row.session_id !== null) addSession(found, row.session_id);
    addTwins(search, found, row);
  }
  return (
    addScores(search, found, { column: 'trace_id', id: traceId }) && isOldTrace(search, traceId)
  );
}

/** Where the row that tells a trace's attributes lies in a window that was read, that window must be old too. */
function isOldTrace({ state, source, windowMs, prunable }: GroupSearch, traceId: string): boolean {
  const beganMs = state.db
    .prepare(
      "SELECT json_extract(body, '$.timestampMs') FROM traces WHERE source = ? AND trace_id = ?",
    )
    .pluck()
    .get(source, traceId);
  if (typeof beganMs !== 'number') return true;
  const fromMs = toWindowStart(beganMs, windowMs);
  if (prunable.has(fromMs)) return true;
  const isRead = state.db.prepare('SELECT 1 FROM windows WHERE source = ? AND from_ms = ?');
  return isRead.get(source, fromMs) === undefined;
}

function exploreSession(search: GroupSearch, found: Found, sessionId: string): boolean {
  const { state, source, prunable } = search;
  if (search.open.sessions.has(sessionId)) return false;
  if (isPrunedKey(state, source, { kind: 'session', id: sessionId })) return false;
  const isDue = state.db
    .prepare('SELECT 1 FROM session_changes WHERE source = ? AND session_id = ?')
    .get(source, sessionId);
  if (isDue !== undefined) return false;
  const newest = state.db
    .prepare('SELECT MAX(window_from_ms) FROM facts WHERE source = ? AND session_id = ?')
    .pluck()
    .get(source, sessionId) as number | null;
  if (newest !== null && !prunable.has(newest)) return false;
  const traces = state.db
    .prepare('SELECT DISTINCT trace_id FROM facts WHERE source = ? AND session_id = ?')
    .pluck()
    .all(source, sessionId) as string[];
  for (const traceId of traces) addTrace(found, traceId);
  return addScores(search, found, { column: 'session_id', id: sessionId });
}

function addScores(
  { state, source, windowMs, prunable }: GroupSearch,
  found: Found,
  of: { readonly column: 'trace_id' | 'session_id'; readonly id: string },
): boolean {
  const scores = state.db
    .prepare(
      `SELECT timestamp_ms, trace_id, session_id FROM scores WHERE source = ? AND ${of.column} = ?`,
    )
    .all(source, of.id) as {
    timestamp_ms: number;
    trace_id: string | null;
    session_id: string | null;
  }[];
  for (const score of scores) {
    if (!prunable.has(toWindowStart(score.timestamp_ms, windowMs))) return false;
    if (score.trace_id !== null) addTrace(found, score.trace_id);
    if (score.session_id !== null) addSession(found, score.session_id);
  }
  return true;
}

/** Traces with a row that may be the same call: whether one counts depends on the other. */
function addTwins({ state, source, windowMs }: GroupSearch, found: Found, row: FactRow): void {
  const isNearEdge =
    row.start_ms - row.window_from_ms <= twinReachMs ||
    row.window_from_ms + windowMs - row.start_ms <= twinReachMs;
  for (const [kind, column] of [
    ['call', 'call_id'],
    ['response', 'response_id'],
  ] as const) {
    const id = row[column];
    if (id === null) continue;
    if (isNearEdge) found.twinKeys.push({ kind, id });
    const twins = state.db
      .prepare(
        `SELECT trace_id FROM facts WHERE source = ? AND ${column} = ? AND start_ms BETWEEN ? AND ?`,
      )
      .pluck()
      .all(source, id, row.start_ms - twinReachMs, row.start_ms + twinReachMs) as string[];
    for (const traceId of twins) addTrace(found, traceId);
  }
}

function addTrace(found: Found, id: string): void {
  if (found.traces.has(id)) return;
  found.traces.add(id);
  found.toLookAt.push({ kind: 'trace', id });
}

function addSession(found: Found, id: string): void {
  if (found.sessions.has(id)) return;
  found.sessions.add(id);
  found.toLookAt.push({ kind: 'session', id });
}
