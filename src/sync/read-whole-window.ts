/** Reads one window of Langfuse whole and folds it, after all that was pruned and hangs together with it is back. */
import type { Interval } from '../shared/time.ts';
import type { AppError } from '../shared/errors.ts';
import { prunedGroupsOfStaged } from '../store/pruned-groups.ts';
import {
  foldReading,
  stageWindow,
  TornWindows,
  type ReadingParts,
  type ReadResult,
} from './read-window.ts';
import { restoreGroups, restoreWindow } from './restore-groups.ts';
import { toAppError } from '../shared/errors.ts';

export interface WholeReadResult extends ReadResult {
  /** Sessions and windows that a row or score of this window belongs to and that could not be restored: FACTS_PRUNED. */
  readonly left: readonly AppError[];
}

/**
 * Leaves the window as it was when anything fails before it is whole. Throws FACTS_PRUNED when the window itself was
 * pruned and can't be restored. What another window or session would need that can't be restored is told, and the
 * window is folded without it.
 */
export async function readWindow(
  parts: ReadingParts,
  interval: Interval,
): Promise<WholeReadResult> {
  const source = parts.source.description.projectId;
  await restoreWindow(parts, interval.fromMs);
  const lostGroups = new Map<number, AppError>();
  const leftWindows = new Map<number, AppError>();
  for (;;) {
    const { reading, scores } = await stageWindow(parts, { interval, traces: null });
    const groups = prunedGroupsOfStaged(parts.state, source, scores);
    for (const groupId of lostGroups.keys()) groups.delete(groupId);
    if (groups.size > 0) {
      // Restoring stages other windows, so that this one must be staged again.
      for (const { groupId, error } of await restoreGroups(parts, groups))
        lostGroups.set(groupId, error);
      continue;
    }
    try {
      const result = foldReading(reading, scores, new Set(leftWindows.keys()));
      return { ...result, left: [...lostGroups.values(), ...leftWindows.values()] };
    } catch (error) {
      if (!(error instanceof TornWindows)) throw error;
      for (const fromMs of error.windowStarts) {
        const lost = await tryRestore(parts, fromMs);
        if (lost !== null) leftWindows.set(fromMs, lost);
      }
    }
  }
}

/** Null when the window is whole again. */
async function tryRestore(parts: ReadingParts, fromMs: number): Promise<AppError | null> {
  try {
    await restoreWindow(parts, fromMs);
    return null;
  } catch (caught) {
    const error = toAppError(caught);
    if (error.code !== 'FACTS_PRUNED') throw caught;
    return error;
  }
}
