/** Restores the facts that a window is described from: its own, and those of the windows that its report stands beside. */
import type { State } from '../store/open-state.ts';
import { isPrunedWindow } from '../store/pruned-groups.ts';
import { getWindow, type WindowRow } from '../store/windows.ts';
import { comparedWindows } from './compared-windows.ts';
import { isPublishedAsItIs } from './publication-hash.ts';
import type { ReadingParts } from './read-window.ts';
import { restoreWindow } from './restore-groups.ts';
import type { SyncSettings } from './sync-settings.ts';

/** Costs nothing where nothing of it was pruned. Throws FACTS_PRUNED when some of it can't be read again. */
export async function restoreDescribed(
  parts: ReadingParts & { readonly targetId: number },
  row: WindowRow,
): Promise<void> {
  for (const fromMs of describedFrom(parts, row)) await restoreWindow(parts, fromMs);
}

/**
 * Starts of the windows whose facts the runs of a window are made of. A pruned one that it is only compared with is not
 * among them while its own run is as it should be: that tells its figures.
 */
export function describedFrom(
  place: {
    readonly state: State;
    readonly targetId: number;
    readonly settings: SyncSettings;
  },
  row: WindowRow,
): number[] {
  const { state } = place;
  const isToldByRun = (fromMs: number): boolean => {
    if (!isPrunedWindow(state, row.source, fromMs)) return false;
    const other = getWindow(state, row.source, fromMs);
    return other !== null && isPublishedAsItIs(state, { ...place, row: other });
  };
  const others = comparedWindows(row).map(({ fromMs }) => fromMs);
  return [row.from_ms, ...others.filter((fromMs) => !isToldByRun(fromMs))];
}
