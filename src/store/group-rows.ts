/** What a group of traces and sessions holds in each window, in the form in which it is remembered when it is pruned. */
import { hashOf, hashText } from '../shared/hash.ts';
import type { State } from './open-state.ts';
import type { PrunedRow } from './pruned-groups.ts';

const identityBytes = 8;

interface GroupPlace {
  readonly source: string;
  readonly windowMs: number;
  readonly traces: ReadonlySet<string>;
  readonly sessions: ReadonlySet<string>;
}

interface Held {
  calls: number;
  readonly identities: Set<string>;
  readonly contents: string[];
}

/** One row for each window that has a call or a score of the group, or in which one of its traces began. */
export function readGroupRows(state: State, group: GroupPlace): PrunedRow[] {
  const windows = new Map<number, Held>();
  const at = (windowFromMs: number): Held => {
    const held = windows.get(windowFromMs) ?? { calls: 0, identities: new Set(), contents: [] };
    windows.set(windowFromMs, held);
    return held;
  };
  const facts = state.db.prepare(
    'SELECT id, window_from_ms, row_hash FROM facts WHERE source = ? AND trace_id = ?',
  );
  const began = state.db
    .prepare(
      "SELECT json_extract(body, '$.timestampMs') FROM traces WHERE source = ? AND trace_id = ?",
    )
    .pluck();
  const isRead = state.db.prepare('SELECT 1 FROM windows WHERE source = ? AND from_ms = ?');
  for (const traceId of group.traces) {
    const rows = facts.all(group.source, traceId) as {
      id: string;
      window_from_ms: number;
      row_hash: string;
    }[];
    for (const row of rows) {
      const held = at(row.window_from_ms);
      held.calls += 1;
      held.identities.add(toIdentity(['call', traceId, row.id]));
      held.contents.push(row.row_hash);
    }
    // The row that tells a trace's attributes may lie in another window than its calls.
    const beganMs = began.get(group.source, traceId);
    if (typeof beganMs === 'number') {
      const fromMs = toWindowStart(beganMs, group.windowMs);
      if (isRead.get(group.source, fromMs) !== undefined) at(fromMs);
    }
  }
  for (const score of scoresOfGroup(state, group)) {
    const held = at(toWindowStart(score.timestamp_ms, group.windowMs));
    held.identities.add(toIdentity(['score', score.id]));
    held.contents.push(score.content);
  }
  return [...windows].map(([windowFromMs, held]) => ({
    window_from_ms: windowFromMs,
    calls: held.calls,
    identities: Buffer.from([...held.identities].toSorted().join(''), 'hex'),
    hash: hashOf(held.contents.toSorted()),
  }));
}

/** How many calls and scores that a group had in a window it does not have now. */
export function countMissing(before: PrunedRow, now: PrunedRow | undefined): number {
  const held = new Set(now === undefined ? [] : splitIdentities(now.identities));
  return splitIdentities(before.identities).filter((identity) => !held.has(identity)).length;
}

interface GroupScore {
  readonly id: string;
  readonly timestamp_ms: number;
  readonly content: string;
}

function scoresOfGroup(state: State, group: GroupPlace): GroupScore[] {
  const columns = `id, timestamp_ms, json_array(id, name, data_type, value, string_value, trace_id,
    observation_id, session_id) AS content`;
  const scores = new Map<string, GroupScore>();
  for (const [column, ids] of [
    ['trace_id', group.traces],
    ['session_id', group.sessions],
  ] as const) {
    const select = state.db.prepare(
      `SELECT ${columns} FROM scores WHERE source = ? AND ${column} = ?`,
    );
    for (const id of ids) {
      for (const score of select.all(group.source, id) as GroupScore[]) scores.set(score.id, score);
    }
  }
  return [...scores.values()];
}

export function toWindowStart(ms: number, windowMs: number): number {
  return Math.floor(ms / windowMs) * windowMs;
}

function toIdentity(parts: readonly string[]): string {
  return hashText(JSON.stringify(parts)).subarray(0, identityBytes).toString('hex');
}

function splitIdentities(identities: Buffer): string[] {
  const text = identities.toString('hex');
  return Array.from({ length: identities.length / identityBytes }, (_, at) =>
    text.slice(at * identityBytes * 2, (at + 1) * identityBytes * 2),
  );
}
