/** Restores all that a window is described from: its own facts, and those of the windows that its report stands beside. */
import type { WindowRow } from '../store/windows.ts';
import { comparedWindows } from './compared-windows.ts';
import type { ReadingParts } from './read-window.ts';
import { restoreWindow } from './restore-groups.ts';

/** Costs nothing where nothing of it was pruned. Throws FACTS_PRUNED when some of it can't be read again. */
export async function restoreDescribed(parts: ReadingParts, row: WindowRow): Promise<void> {
  for (const fromMs of describedFrom(row)) await restoreWindow(parts, fromMs);
}

/** Starts of the windows whose facts the runs of a window are made of. */
export function describedFrom(row: WindowRow): number[] {
  return [row.from_ms, ...comparedWindows(row).map(({ fromMs }) => fromMs)];
}
