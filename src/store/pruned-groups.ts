/**
 * What is kept of facts that were pruned: to which group each trace and session belonged, and from which windows it
 * can be read again. docs/decisions/0010-retention-by-groups.md tells why groups and not windows are pruned.
 */
import type { State } from './open-state.ts';
import { prepareOnce } from './prepare-once.ts';

/** One window of a pruned group. */
export interface PrunedRow {
  readonly window_from_ms: number;
  readonly calls: number;
  readonly identities: Buffer;
  readonly hash: string;
}

export interface PrunedGroup {
  readonly groupId: number;
  readonly traces: ReadonlySet<string>;
  readonly sessions: ReadonlySet<string>;
  readonly rows: readonly PrunedRow[];
}

export interface PrunedKey {
  readonly kind: 'trace' | 'session' | 'call' | 'response';
  readonly id: string;
}

export function putPrunedGroup(
  state: State,
  source: string,
  group: { readonly keys: readonly PrunedKey[]; readonly rows: readonly PrunedRow[] },
): void {
  const last = prepareOnce(state, 'SELECT MAX(group_id) FROM pruned_rows WHERE source = ?')
    .pluck()
    .get(source) as number | null;
  const groupId = (last ?? 0) + 1;
  const putKey = prepareOnce(
    state,
    'INSERT INTO pruned_keys (source, kind, id, group_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const putRow = prepareOnce(
    state,
    `INSERT INTO pruned_rows (source, group_id, window_from_ms, calls, identities, hash)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  for (const key of group.keys) putKey.run(source, key.kind, key.id, groupId);
  for (const row of group.rows)
    putRow.run(source, groupId, row.window_from_ms, row.calls, row.identities, row.hash);
}

export function getPrunedGroup(state: State, source: string, groupId: number): PrunedGroup {
  const ids = (kind: PrunedKey['kind']): Set<string> =>
    new Set(
      prepareOnce(
        state,
        'SELECT id FROM pruned_keys WHERE source = ? AND group_id = ? AND kind = ?',
      )
        .pluck()
        .all(source, groupId, kind) as string[],
    );
  const rows = prepareOnce(
    state,
    `SELECT window_from_ms, calls, identities, hash FROM pruned_rows
       WHERE source = ? AND group_id = ? ORDER BY window_from_ms`,
  ).all(source, groupId) as PrunedRow[];
  return { groupId, traces: ids('trace'), sessions: ids('session'), rows };
}

export function removePrunedGroup(state: State, source: string, groupId: number): void {
  for (const table of ['pruned_keys', 'pruned_rows']) {
    prepareOnce(state, `DELETE FROM ${table} WHERE source = ? AND group_id = ?`).run(
      source,
      groupId,
    );
  }
}

/** True when calls of the window were pruned: what is left of it tells nothing of it. */
export function isPrunedWindow(state: State, source: string, windowFromMs: number): boolean {
  return (
    prepareOnce(
      state,
      'SELECT 1 FROM pruned_rows WHERE source = ? AND window_from_ms = ? AND calls > 0',
    ).get(source, windowFromMs) !== undefined
  );
}

/** Groups that calls of the window belong to. */
export function prunedGroupsOfWindow(state: State, source: string, windowFromMs: number): number[] {
  return prepareOnce(
    state,
    'SELECT group_id FROM pruned_rows WHERE source = ? AND window_from_ms = ? AND calls > 0',
  )
    .pluck()
    .all(source, windowFromMs) as number[];
}

/** Sessions of which some calls were pruned: no number of such a session can be told. */
export function prunedSessionsAmong(
  state: State,
  source: string,
  sessionIds: readonly string[],
): Set<string> {
  return new Set(
    prepareOnce(
      state,
      `SELECT id FROM pruned_keys WHERE source = ? AND kind = 'session'
           AND id IN (SELECT value FROM json_each(?))`,
    )
      .pluck()
      .all(source, JSON.stringify(sessionIds)) as string[],
  );
}

/** True when a row that is resolved with such a trace or session would be resolved from a part of its group. */
export function isPrunedKey(state: State, source: string, key: PrunedKey): boolean {
  return (
    prepareOnce(state, 'SELECT 1 FROM pruned_keys WHERE source = ? AND kind = ? AND id = ?').get(
      source,
      key.kind,
      key.id,
    ) !== undefined
  );
}

/** Groups that rows belong to which are staged, or scores that were read and are not stored yet. */
export function prunedGroupsOfStaged(
  state: State,
  source: string,
  scores: readonly { readonly traceId: string | null; readonly sessionId: string | null }[],
): Set<number> {
  if (prepareOnce(state, 'SELECT 1 FROM pruned_keys LIMIT 1').get() === undefined) return new Set();
  const idsOfScores = (id: 'traceId' | 'sessionId'): string =>
    JSON.stringify([...new Set(scores.flatMap((score) => score[id] ?? []))]);
  return new Set(
    prepareOnce(
      state,
      `WITH touched (kind, id) AS (
           SELECT 'trace', trace_id FROM staged_generations
           UNION SELECT 'trace', trace_id FROM staged_traces
           UNION SELECT 'trace', value FROM json_each(@traces)
           UNION SELECT 'session', json_extract(body, '$.sessionId') FROM staged_generations
           UNION SELECT 'session', json_extract(body, '$.sessionHint') FROM staged_generations
           UNION SELECT 'session', json_extract(body, '$.sessionId') FROM staged_traces
           UNION SELECT 'session', value FROM json_each(@sessions)
           UNION SELECT 'call', call_id FROM staged_generations
           UNION SELECT 'response', response_id FROM staged_generations
         )
         SELECT DISTINCT k.group_id FROM touched t JOIN pruned_keys k
           ON k.source = @source AND k.kind = t.kind AND k.id = t.id`,
    )
      .pluck()
      .all({
        source,
        traces: idsOfScores('traceId'),
        sessions: idsOfScores('sessionId'),
      }) as number[],
  );
}

/** How many calls were pruned, and from how many windows. */
export function countPruned(state: State): { readonly calls: number; readonly windows: number } {
  return prepareOnce(
    state,
    `SELECT COALESCE(SUM(calls), 0) AS calls, COUNT(DISTINCT source || window_from_ms) AS windows
       FROM pruned_rows WHERE calls > 0`,
  ).get() as { calls: number; windows: number };
}
