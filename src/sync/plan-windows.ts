/** Decides which windows a run reads. Pure. */
import { AppError } from '../shared/errors.ts';
import { toInstant, toIso, type InstantMs, type Interval } from '../shared/time.ts';
import { shareWindows, type ShardNumber } from './share-windows.ts';
import { alignDown, alignUp, splitIntoWindows } from './windows.ts';

export interface PlannedWindow {
  readonly interval: Interval;
  /**
   * `new`: never read; `lookback`: read again for late rows; `again`: read again because it is suspiciously empty,
   * has quarantined rows or missed its last reading; `asked`: by a backfill.
   */
  readonly reason: 'new' | 'lookback' | 'again' | 'asked';
}

interface Times {
  readonly nowMs: InstantMs;
  readonly windowMs: number;
  /** How far in the past a window must end before it is read. */
  readonly settleMs: number;
}

/** End of the newest window that may be read now. */
export function settledEnd(times: Times): InstantMs {
  return alignDown(times.nowMs - times.settleMs, times.windowMs);
}

/**
 * Windows from `startMs` to the settled end that were never read, those within the lookback again, and those that
 * must be read again wherever they lie; oldest first.
 */
export function planSync(
  plan: Times & {
    readonly startMs: number;
    readonly lookbackMs: number;
    /** Starts of the windows that were read. */
    readonly read: ReadonlySet<number>;
    /** Starts of the windows to read again wherever they lie. */
    readonly again: ReadonlySet<number>;
  },
): PlannedWindow[] {
  const endMs = settledEnd(plan);
  const lookbackFromMs = endMs - plan.lookbackMs;
  const windows = splitIntoWindows({
    fromMs: alignDown(plan.startMs, plan.windowMs),
    toMs: endMs,
    windowMs: plan.windowMs,
  });
  // A backfill of a separate range may have left windows before the first sync's start.
  const known = new Set(windows.map((interval) => interval.fromMs));
  const separate = planAgain(plan)
    .map(({ interval }) => interval)
    .filter((interval) => !known.has(interval.fromMs));
  return [...windows, ...separate]
    .toSorted((a, b) => a.fromMs - b.fromMs)
    .flatMap((interval): PlannedWindow[] => {
      if (!plan.read.has(interval.fromMs)) return [{ interval, reason: 'new' }];
      if (interval.toMs > lookbackFromMs) return [{ interval, reason: 'lookback' }];
      return plan.again.has(interval.fromMs) ? [{ interval, reason: 'again' }] : [];
    });
}

/** Windows that are read again wherever they lie, and nothing else; oldest first. */
export function planAgain(plan: {
  readonly windowMs: number;
  /** Starts of the windows. */
  readonly again: ReadonlySet<number>;
}): PlannedWindow[] {
  return [...plan.again]
    .toSorted((a, b) => a - b)
    .map((fromMs) => ({
      interval: { fromMs: toInstant(fromMs), toMs: toInstant(fromMs + plan.windowMs) },
      reason: 'again',
    }));
}

/**
 * Every settled window that `[fromMs, toMs)` touches, read or not; oldest first.
 * Throws USAGE for an empty range and for one that has not settled yet.
 */
export function planBackfill(
  plan: Times & { readonly fromMs: number; readonly toMs: number },
): PlannedWindow[] {
  if (plan.toMs <= plan.fromMs) {
    throw new AppError(
      'USAGE',
      `--to ${toIso(plan.toMs)} is not after --from ${toIso(plan.fromMs)}.`,
    );
  }
  const endMs = settledEnd(plan);
  const fromMs = alignDown(plan.fromMs, plan.windowMs);
  const toMs = Math.min(alignUp(plan.toMs, plan.windowMs), endMs);
  if (toMs <= fromMs) {
    throw new AppError(
      'USAGE',
      `No window of ${toIso(plan.fromMs)} to ${toIso(plan.toMs)} has settled; the newest that may be read ends at ${toIso(endMs)} (SYNC_SETTLE).`,
    );
  }
  return splitIntoWindows({ fromMs, toMs: toInstant(toMs), windowMs: plan.windowMs }).map(
    (interval) => ({
      interval,
      reason: 'asked',
    }),
  );
}

/** From the start of the first to the end of the last one; null where nothing is planned. */
export function toSpan(plan: readonly PlannedWindow[]): Interval | null {
  const first = plan[0];
  const last = plan.at(-1);
  return first && last ? { fromMs: first.interval.fromMs, toMs: last.interval.toMs } : null;
}

/**
 * The windows of one shard of a backfill, oldest first. Every pod must share out the same windows, whenever it starts:
 * throws USAGE unless the whole range has settled.
 */
export function planShard(
  plan: Times & { readonly fromMs: number; readonly toMs: number; readonly shard?: ShardNumber },
): PlannedWindow[] {
  const windows = planBackfill(plan);
  const endMs = windows.at(-1)?.interval.toMs ?? plan.fromMs;
  if (endMs < plan.toMs) {
    throw new AppError(
      'USAGE',
      `--to ${toIso(plan.toMs)} has not settled: the newest window that may be read ends at ${toIso(endMs)} (SYNC_SETTLE). Shards must agree on their windows, whenever each of them starts.`,
      { hint: `Give --to ${toIso(endMs)} or earlier to every shard.` },
    );
  }
  return plan.shard === undefined ? windows : shareWindows(windows, plan.shard);
}
