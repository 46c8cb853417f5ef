/**
 * Brings back facts that were pruned (SYNC_FACTS_RETENTION), by reading their windows again from Langfuse: traces and
 * sessions that hang together come back whole or not at all.
 */
import { AppError } from '../shared/errors.ts';
import { toIso } from '../shared/time.ts';
import { countMissing, readGroupRows } from '../store/group-rows.ts';
import { computeInputHash } from '../store/input-hash.ts';
import { takeBackGroup } from '../store/prune-window.ts';
import {
  getPrunedGroup,
  isPrunedWindow,
  prunedGroupsOfWindow,
  removePrunedGroup,
  type PrunedGroup,
} from '../store/pruned-groups.ts';
import { putScores } from '../store/scores.ts';
import { addSessionChanges } from '../store/session-changes.ts';
import { getWindow, setInputHash, toInterval } from '../store/windows.ts';
import { foldRows, stageWindow, type ReadingParts } from './read-window.ts';

/** A group of which Langfuse no longer shows all that was pruned. It stays pruned. */
export interface LostGroup {
  readonly groupId: number;
  readonly error: AppError;
}

/**
 * Reads the groups again. What Langfuse shows otherwise than before is taken as it is now; a call or score that it
 * does not show any more keeps its whole group from coming back. Throws AppError when Langfuse can't be read.
 */
export async function restoreGroups(
  parts: ReadingParts,
  groupIds: ReadonlySet<number>,
): Promise<LostGroup[]> {
  const { state } = parts;
  const source = parts.source.description.projectId;
  const groups = [...groupIds].map((groupId) => getPrunedGroup(state, source, groupId));
  const traces = new Set(groups.flatMap((group) => [...group.traces]));
  const sessions = new Set(groups.flatMap((group) => [...group.sessions]));
  const windows = new Set(groups.flatMap((group) => group.rows.map((row) => row.window_from_ms)));
  for (const fromMs of [...windows].toSorted((a, b) => a - b)) {
    const row = getWindow(state, source, fromMs);
    if (row === null) continue;
    const window = toInterval(row);
    const { reading, scores } = await stageWindow(parts, { interval: window, traces });
    const own = scores.filter(
      (score) => traces.has(score.traceId ?? '') || sessions.has(score.sessionId ?? ''),
    );
    state.db
      .transaction(() => {
        parts.assertHeld();
        putScores(state, source, own);
        foldRows(reading);
      })
      .immediate();
    parts.report({ kind: 'window_restored', window });
  }
  return state.db
    .transaction(() => {
      parts.assertHeld();
      return finish(parts, groups);
    })
    .immediate();
}

/** Makes a window whole again, so that it can be read, described and published. Throws FACTS_PRUNED when it can't be. */
export async function restoreWindow(parts: ReadingParts, fromMs: number): Promise<void> {
  const source = parts.source.description.projectId;
  const groups = prunedGroupsOfWindow(parts.state, source, fromMs);
  if (groups.length === 0) return;
  const lost = await restoreGroups(parts, new Set(groups));
  const [first] = lost;
  if (first === undefined) return;
  throw new AppError(
    'FACTS_PRUNED',
    `Facts of ${toIso(fromMs)} were pruned and can't be read again: ${first.error.message}` +
      (lost.length > 1 ? ` The same holds for ${lost.length - 1} more.` : ''),
    { hint: first.error.hint, details: { window: toIso(fromMs), groups: lost.length } },
  );
}

function finish(parts: ReadingParts, groups: readonly PrunedGroup[]): LostGroup[] {
  const { state, settings } = parts;
  const source = parts.source.description.projectId;
  const place = { source, windowMs: settings.windowMs };
  const lost: LostGroup[] = [];
  const restored = new Set<number>();
  for (const group of groups) {
    const now = new Map(
      readGroupRows(state, { ...place, ...group }).map((row) => [row.window_from_ms, row]),
    );
    const missing = group.rows
      .filter((row) => parts.acceptsLossIn?.has(row.window_from_ms) !== true)
      .reduce((sum, row) => sum + countMissing(row, now.get(row.window_from_ms)), 0);
    if (missing > 0) {
      takeBackGroup(state, place, group.groupId);
      lost.push({ groupId: group.groupId, error: toError(group, missing, settings.windowMs) });
      continue;
    }
    removePrunedGroup(state, source, group.groupId);
    for (const row of group.rows) if (row.calls > 0) restored.add(row.window_from_ms);
    if (group.rows.some((row) => now.get(row.window_from_ms)?.hash !== row.hash))
      addSessionChanges(state, source, [...group.sessions]);
  }
  for (const fromMs of restored) {
    if (isPrunedWindow(state, source, fromMs)) continue;
    setInputHash(state, { source, fromMs, inputHash: computeInputHash(state, source, fromMs) });
  }
  return lost;
}

function toError(group: PrunedGroup, missing: number, windowMs: number): AppError {
  const starts = group.rows.map((row) => row.window_from_ms);
  const from = toIso(Math.min(...starts));
  const to = toIso(Math.max(...starts) + windowMs);
  const [session] = group.sessions;
  const [trace] = group.traces;
  const subject = session === undefined ? `trace ${trace ?? ''}` : `session ${session}`;
  const calls = group.rows.reduce((sum, row) => sum + row.calls, 0);
  return new AppError(
    'FACTS_PRUNED',
    `Of ${subject}, whose ${calls} calls from ${from} to ${to} were pruned from the state file (SYNC_FACTS_RETENTION), Langfuse no longer shows ${missing} of its calls and scores. What MLflow holds of it was left as it is.`,
    {
      hint: `Run again when Langfuse shows them. If they are gone for good and what is left shall count, run \`langfuse-mlflow backfill --from ${from} --to ${to}\`.`,
      details: { subject, from, to, missing },
    },
  );
}
