/**
 * Facts that were pruned can't be compared: their windows are read again from Langfuse first, for a repair into the
 * state file itself, else into a copy of it, so that looking changes nothing.
 */
import { rmSync } from 'node:fs';
import { toAppError, type AppError } from '../shared/errors.ts';
import { openState, type State } from '../store/open-state.ts';
import { copyPrivately } from '../store/copy-privately.ts';
import { isPrunedWindow } from '../store/pruned-groups.ts';
import type { WindowRow } from '../store/windows.ts';
import type { ReadingParts } from '../sync/read-window.ts';
import { describedFrom, restoreDescribed } from '../sync/restore-described.ts';

export interface RestoredState extends Disposable {
  /** Holds all that the given windows but those left are described from. */
  readonly state: State;
  /** How many of the windows were read again. */
  readonly windows: number;
  /** Windows that Langfuse no longer shows whole, by their start: FACTS_PRUNED. */
  readonly left: ReadonlyMap<number, AppError>;
}

/** Throws AppError (LANGFUSE_*, STATE_*) when Langfuse can't be read or the copy can't be made. */
export async function restorePruned(
  parts: ReadingParts & { readonly targetId: number },
  asked: { readonly rows: readonly WindowRow[]; readonly isRepair: boolean },
): Promise<RestoredState> {
  const source = parts.source.description.projectId;
  const countPruned = (state: State): number =>
    [...new Set(asked.rows.flatMap((row) => describedFrom({ ...parts, state }, row)))].filter(
      (fromMs) => isPrunedWindow(state, source, fromMs),
    ).length;
  const pruned = countPruned(parts.state);
  const nothing = { state: parts.state, windows: 0, left: new Map<number, AppError>() };
  if (pruned === 0) return { ...nothing, [Symbol.dispose]: () => undefined };
  const copy = asked.isRepair ? null : openCopy(parts.state);
  const state = copy ?? parts.state;
  try {
    const left = new Map<number, AppError>();
    for (const row of asked.rows) {
      parts.signal.throwIfAborted();
      try {
        await restoreDescribed({ ...parts, state }, row);
      } catch (caught) {
        const error = toAppError(caught);
        if (error.code !== 'FACTS_PRUNED') throw caught;
        left.set(row.from_ms, error);
      }
    }
    const windows = pruned - countPruned(state);
    return { state, windows, left, [Symbol.dispose]: () => copy?.[Symbol.dispose]() };
  } catch (error) {
    copy?.[Symbol.dispose]();
    throw error;
  }
}

/** A second file beside the state file, with its texts: artifacts are compared too. Removed when it is disposed. */
function openCopy(live: State): State {
  const path = `${live.path}.restored`;
  removeFiles(path);
  copyPrivately(live, path);
  const copy = openState(path);
  return {
    ...copy,
    [Symbol.dispose]() {
      copy[Symbol.dispose]();
      removeFiles(path);
    },
  };
}

function removeFiles(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
}
