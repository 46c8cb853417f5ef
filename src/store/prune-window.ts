/** Takes facts, scores and attributes of traces out of the state file, and remembers where they can be read again. */
import { findClosedGroup, type GroupSearch } from './find-closed-group.ts';
import { readGroupRows } from './group-rows.ts';
import type { State } from './open-state.ts';
import {
  getPrunedGroup,
  putPrunedGroup,
  type PrunedGroup,
  type PrunedKey,
} from './pruned-groups.ts';

/**
 * Prunes every closed group that has a call in the window, with its calls in other windows, in one transaction.
 * Returns how many calls. Texts are deleted by the next {@link sweepTexts}. `assertHeld` throws when another worker has
 * taken over.
 */
export function pruneWindow(
  search: GroupSearch,
  windowFromMs: number,
  assertHeld: () => void,
): number {
  const { state, source, windowMs } = search;
  return state.db
    .transaction(() => {
      assertHeld();
      const traces = state.db
        .prepare('SELECT DISTINCT trace_id FROM facts WHERE source = ? AND window_from_ms = ?')
        .pluck()
        .all(source, windowFromMs) as string[];
      const done = new Set<string>();
      let calls = 0;
      for (const traceId of traces) {
        if (done.has(traceId)) continue;
        const group = findClosedGroup(search, traceId);
        if (group === null) continue;
        for (const id of group.traces) done.add(id);
        const rows = readGroupRows(state, { source, windowMs, ...group });
        const keys: PrunedKey[] = [
          ...[...group.traces].map((id) => ({ kind: 'trace', id }) as const),
          ...[...group.sessions].map((id) => ({ kind: 'session', id }) as const),
          ...group.twinKeys,
        ];
        putPrunedGroup(state, source, { keys, rows });
        deleteGroup(state, source, group);
        calls += rows.reduce((sum, row) => sum + row.calls, 0);
      }
      return calls;
    })
    .immediate();
}

/**
 * Takes back what an attempt to restore groups brought in, when not all of it came or the worker died on the way.
 * Calls of such a group in windows that it was not pruned from stay. Must run inside a transaction.
 */
export function takeBackGroup(
  state: State,
  place: { readonly source: string; readonly windowMs: number },
  groupId: number,
): void {
  const { source, windowMs } = place;
  const group = getPrunedGroup(state, source, groupId);
  const windows = JSON.stringify(group.rows.map((row) => row.window_from_ms));
  const remove = state.db.prepare(
    `DELETE FROM facts WHERE source = ? AND trace_id = ?
       AND window_from_ms IN (SELECT value FROM json_each(?))`,
  );
  const removeTrace = state.db.prepare(
    `DELETE FROM traces WHERE source = @source AND trace_id = @traceId AND NOT EXISTS (
       SELECT 1 FROM facts WHERE source = @source AND trace_id = @traceId)`,
  );
  const removeScores = state.db.prepare(
    `DELETE FROM scores WHERE source = @source AND (trace_id = @traceId OR session_id = @sessionId)
       AND timestamp_ms / @windowMs * @windowMs IN (SELECT value FROM json_each(@windows))`,
  );
  const ofGroup = { source, windows, windowMs: BigInt(windowMs), traceId: null, sessionId: null };
  keepingSessionChanges(state, source, () => {
    for (const traceId of group.traces) {
      remove.run(source, traceId, windows);
      removeTrace.run({ source, traceId });
      removeScores.run({ ...ofGroup, traceId });
    }
    for (const sessionId of group.sessions) removeScores.run({ ...ofGroup, sessionId });
  });
}

/** Groups of which something came back to a window that it was pruned from. */
export function listLeftovers(state: State, source: string): number[] {
  return state.db
    .prepare(
      `SELECT DISTINCT k.group_id FROM facts f
       JOIN pruned_keys k ON k.source = f.source AND k.kind = 'trace' AND k.id = f.trace_id
       JOIN pruned_rows r ON r.source = f.source AND r.group_id = k.group_id
         AND r.window_from_ms = f.window_from_ms
       WHERE f.source = @source AND f.window_from_ms IN (
         SELECT window_from_ms FROM pruned_rows WHERE source = @source AND calls > 0)`,
    )
    .pluck()
    .all({ source }) as number[];
}

function deleteGroup(
  state: State,
  source: string,
  group: Pick<PrunedGroup, 'traces' | 'sessions'>,
): void {
  keepingSessionChanges(state, source, () => {
    for (const table of ['facts', 'scores', 'traces'] as const) {
      const remove = state.db.prepare(`DELETE FROM ${table} WHERE source = ? AND trace_id = ?`);
      for (const traceId of group.traces) remove.run(source, traceId);
    }
    const remove = state.db.prepare('DELETE FROM scores WHERE source = ? AND session_id = ?');
    for (const sessionId of group.sessions) remove.run(source, sessionId);
  });
}

/** A session that only lost calls here has nothing new to publish; one that was due before stays due. */
function keepingSessionChanges(state: State, source: string, work: () => void): void {
  const list = state.db.prepare('SELECT session_id FROM session_changes WHERE source = ?').pluck();
  const before = new Set(list.all(source));
  work();
  const remove = state.db.prepare(
    'DELETE FROM session_changes WHERE source = ? AND session_id = ?',
  );
  for (const sessionId of list.all(source))
    if (!before.has(sessionId)) remove.run(source, sessionId);
}
