/**
 * Slice algebra: how a window is cut for reading in parallel, and what is asked for when Langfuse
 * could not answer. Pure. Every edge is a whole millisecond, so that `from <= start < to` of the API
 * (which filters at finer precision) puts each row into exactly one slice.
 */
import { minuteMs, toInstant, type Interval } from '../shared/time.ts';

/**
 * Cuts `interval` into at most `count` slices that tile it, in order of time. Inner edges are whole
 * minutes (the events table of Langfuse 4 is sorted by minute), so a slice is at least a minute long
 * unless the interval itself is shorter.
 */
export function planSlices(interval: Interval, count: number): Interval[] {
  const lengthMs = interval.toMs - interval.fromMs;
  const stepMs = Math.max(minuteMs, Math.ceil(lengthMs / Math.max(1, Math.floor(count))));
  const edges: number[] = [interval.fromMs];
  for (let edge = interval.fromMs + stepMs; edge < interval.toMs; edge += stepMs) {
    const wholeMinute = Math.ceil(edge / minuteMs) * minuteMs;
    if (wholeMinute > (edges.at(-1) ?? 0) && wholeMinute < interval.toMs) edges.push(wholeMinute);
  }
  edges.push(interval.toMs);
  return edges.slice(1).map((toMs, index) => ({
    fromMs: toInstant(edges[index] ?? interval.fromMs),
    toMs: toInstant(toMs),
  }));
}

/** Halves an interval at a whole millisecond; null when it is one millisecond long. */
export function halve(interval: Interval): readonly [Interval, Interval] | null {
  const middle = Math.floor((interval.fromMs + interval.toMs) / 2);
  if (middle <= interval.fromMs) return null;
  const middleMs = toInstant(middle);
  return [
    { fromMs: interval.fromMs, toMs: middleMs },
    { fromMs: middleMs, toMs: interval.toMs },
  ];
}

export type Smaller =
  | { readonly kind: 'limit'; readonly limit: number }
  | { readonly kind: 'halves'; readonly halves: readonly [Interval, Interval] }
  /** One row of one millisecond: nothing smaller can be asked for. */
  | { readonly kind: 'bottom' };

/**
 * What to ask for after "too large": half the page while it is above `floor`, then half the slice down
 * to one millisecond, then half the page down to one row.
 */
export function toSmaller(ask: {
  readonly interval: Interval;
  readonly limit: number;
  readonly floor: number;
}): Smaller {
  if (ask.limit > ask.floor) {
    return { kind: 'limit', limit: Math.max(ask.floor, Math.floor(ask.limit / 2)) };
  }
  const halves = halve(ask.interval);
  if (halves) return { kind: 'halves', halves };
  if (ask.limit > 1) return { kind: 'limit', limit: Math.floor(ask.limit / 2) };
  return { kind: 'bottom' };
}

/** True when `startMs` lies in `[from, to)`. */
export function isInside(interval: Interval, startMs: number): boolean {
  return startMs >= interval.fromMs && startMs < interval.toMs;
}
