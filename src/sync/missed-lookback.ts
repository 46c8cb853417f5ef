/** Windows whose last reading for late rows was missed, because the worker did not run or did not come that far. Pure. */
import { dayMs, toInstant } from '../shared/time.ts';
import { settledEnd } from './plan-windows.ts';

/** A window whose reading failed night after night is given up for late rows after so long. */
const givenUpMs = 7 * dayMs;

/**
 * Starts of windows that should have been read once more before they fell out of the lookback. `read_ms` is when a
 * window was last read. Windows that had left the lookback before the worker last ran are not among them: a lookback
 * that is set longer does not make all history be read again.
 */
export function findMissedLookback(
  windows: readonly {
    readonly from_ms: number;
    readonly to_ms: number;
    readonly read_ms: number;
  }[],
  settings: { readonly windowMs: number; readonly settleMs: number; readonly lookbackMs: number },
): number[] {
  const { windowMs, settleMs, lookbackMs } = settings;
  const endAt = (nowMs: number): number =>
    settledEnd({ nowMs: toInstant(nowMs), windowMs, settleMs });
  const lastEndMs = windows.reduce((last, row) => Math.max(last, endAt(row.read_ms)), 0);
  return windows
    .filter((row) => {
      const lastDueMs = row.to_ms + lookbackMs - windowMs;
      return endAt(row.read_ms) < lastDueMs && row.to_ms > lastEndMs - lookbackMs - givenUpMs;
    })
    .map((row) => row.from_ms);
}
