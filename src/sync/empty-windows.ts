/**
 * Windows without a row between busy ones. Langfuse may answer an empty list though it holds data
 * (langfuse/langfuse#16983, #15617), so such a window is said and read again by the next run. Pure.
 */
import { dayMs } from '../shared/time.ts';

export interface ReadWindow {
  readonly from_ms: number;
  readonly to_ms: number;
  readonly rows_read: number;
}

/** A neighbour with fewer rows may well be followed by a window without any. */
const busyRows = 20;

/** After so long an empty window is taken for what it is. */
const givenUpMs = 30 * dayMs;

/**
 * Empty windows whose neighbours on both sides are busy. The newest window has only its older neighbour. Give the
 * windows in order of time.
 */
export function findSuspiciouslyEmpty<Row extends ReadWindow>(
  windows: readonly Row[],
  nowMs: number,
): Row[] {
  return windows.filter((window, position) => {
    if (window.rows_read > 0 || window.to_ms < nowMs - givenUpMs) return false;
    const before = windows[position - 1];
    const after = windows[position + 1];
    const isBusyBefore = before?.to_ms === window.from_ms && before.rows_read >= busyRows;
    const isBusyAfter =
      after === undefined || after.from_ms !== window.to_ms || after.rows_read >= busyRows;
    return isBusyBefore && isBusyAfter;
  });
}
