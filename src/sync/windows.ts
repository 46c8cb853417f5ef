/** Window and interval algebra. Pure; intervals are half-open. */
import { toInstant, type InstantMs, type Interval } from '../shared/time.ts';

/** Start of the window that holds the instant. Windows are aligned to 1970-01-01T00:00Z. */
export function alignDown(instant: number, windowMs: number): InstantMs {
  return toInstant(Math.floor(instant / windowMs) * windowMs);
}

export function alignUp(instant: number, windowMs: number): InstantMs {
  return toInstant(Math.ceil(instant / windowMs) * windowMs);
}

/** Consecutive windows that cover `[fromMs, toMs)`, which must be aligned; none when it is empty. */
export function splitIntoWindows(range: {
  readonly fromMs: number;
  readonly toMs: number;
  readonly windowMs: number;
}): Interval[] {
  const windows: Interval[] = [];
  for (let fromMs = range.fromMs; fromMs < range.toMs; fromMs += range.windowMs) {
    windows.push({ fromMs: toInstant(fromMs), toMs: toInstant(fromMs + range.windowMs) });
  }
  return windows;
}

/**
 * The watermark: end of the contiguous run of finished windows from `startMs` on, whatever lies finished
 * beyond a hole. Equals `startMs` when the first window is not finished.
 */
export function toWatermark(startMs: number, finished: readonly Interval[]): InstantMs {
  let watermark = startMs;
  for (const interval of finished.toSorted((a, b) => a.fromMs - b.fromMs)) {
    if (interval.fromMs > watermark) break;
    watermark = Math.max(watermark, interval.toMs);
  }
  return toInstant(watermark);
}

/** Windows between `startMs` and the end of the last finished one that are not finished. */
export function findHoles(range: {
  readonly startMs: number;
  readonly windowMs: number;
  readonly finished: readonly Interval[];
}): Interval[] {
  const done = new Set(range.finished.map((interval) => interval.fromMs));
  const endMs = Math.max(range.startMs, ...range.finished.map((interval) => interval.toMs));
  return splitIntoWindows({ fromMs: range.startMs, toMs: endMs, windowMs: range.windowMs }).filter(
    (interval) => !done.has(interval.fromMs),
  );
}
