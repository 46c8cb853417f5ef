/** What a route is given, and the small rules that several routes share. */
import type { SampleStore } from './sample-store.ts';
import type { ServerBehaviour } from './server-modes.ts';

export interface RouteContext {
  readonly behaviour: ServerBehaviour;
  /** The project that the key resolved to. */
  readonly store: SampleStore;
  readonly query: Readonly<Record<string, string | string[]>>;
  /** Decoded path segment of `/traces/{id}` and its like, else `''`. */
  readonly pathId: string;
  /** Counts the requests of the server. */
  readonly requestNumber: number;
  readonly traits: ServerTraits;
}

/** Habits of a server that a test can turn on. */
export interface ServerTraits {
  /** Name of the model in v2 rows: the wire says `model`, older documentation said `providedModelName`. */
  readonly v2ModelKey: 'model' | 'providedModelName';
  /** Share of v2 rows that are returned twice, the second with an older `updatedAt`. */
  readonly duplicateShare: number;
  /** Legacy lists order rows of one start instant differently from request to request. */
  readonly hasUnstableTies: boolean;
  /** `LANGFUSE_API_TRACES_REJECT_NO_DATE_RANGE`: `/traces` without `fromTimestamp` is a 400. */
  readonly rejectsNoDateRange: boolean;
  /** Rows that start later are missing from a stale v2 table (`v4-legacy-mode`). */
  readonly eventsTableUntilMs: number;
  /** Delay until a row that came by the legacy path is in the v2 table. */
  readonly propagationDelayMs: number;
}

export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** `[from, to)` of two optional ISO parameters. */
export function toTimeRange(from: string | undefined, to: string | undefined): TimeRange {
  return {
    fromMs: from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from),
    toMs: to === undefined ? Number.POSITIVE_INFINITY : Date.parse(to),
  };
}

/** The part of `rows` (sorted by start, newest first) with a start in `[fromMs, toMs)`. */
export function sliceByStart<T extends { readonly startMs: number }>(
  rows: readonly T[],
  range: TimeRange,
): readonly T[] {
  return rows.slice(firstBelow(rows, range.toMs), firstBelow(rows, range.fromMs));
}

/** Index of the first row that starts before `limitMs`. */
function firstBelow(rows: readonly { readonly startMs: number }[], limitMs: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    if (row && row.startMs >= limitMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

export const includesAll = (
  tags: readonly string[],
  wanted: readonly string[] | undefined,
): boolean => (wanted ?? []).every((tag) => tags.includes(tag));

/** True when no value was asked for or it is equal. */
export const matches = (wanted: string | undefined, value: string | null): boolean =>
  wanted === undefined || wanted === (value ?? '');

export const isOneOf = (wanted: readonly string[] | undefined, value: string | null): boolean =>
  wanted === undefined || (value !== null && wanted.includes(value));
