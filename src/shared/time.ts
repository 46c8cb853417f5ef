/**
 * Instants and intervals. An instant is epoch milliseconds UTC; an interval is half-open `[from, to)`.
 */

declare const instantBrand: unique symbol;
/** Epoch milliseconds, UTC, an integer. */
export type InstantMs = number & { readonly [instantBrand]: true };

/** A half-open interval `[fromMs, toMs)` of instants, `fromMs < toMs`. */
export interface Interval {
  readonly fromMs: InstantMs;
  readonly toMs: InstantMs;
}

export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** Brands an integer number of epoch milliseconds. Throws RangeError on anything else. */
export function toInstant(epochMs: number): InstantMs {
  if (!Number.isSafeInteger(epochMs)) throw new RangeError(`not an instant: ${epochMs}`);
  return epochMs as InstantMs;
}

/** Parses an ISO 8601 instant (offset or `Z`; a bare date is UTC midnight). Returns null when it is not one. */
export function parseInstant(text: string): InstantMs | null {
  const match =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/.exec(
      text.trim(),
    );
  if (!match) return null;
  const [, day, hourMinute = '00:00', seconds = ':00', offset = 'Z'] = match;
  const epochMs = Date.parse(`${day}T${hourMinute}${seconds}${offset}`);
  return Number.isNaN(epochMs) ? null : (Math.trunc(epochMs) as InstantMs);
}

/** `2026-11-24T00:00:00.000Z`. */
export function toIso(instant: number): string {
  return new Date(instant).toISOString();
}

/** `2026-11-24` for an interval of exactly one UTC day, else the start as ISO UTC. */
export function toWindowLabel(interval: Interval): string {
  const iso = toIso(interval.fromMs);
  const isDay = interval.toMs - interval.fromMs === dayMs && interval.fromMs % dayMs === 0;
  return isDay ? iso.slice(0, 10) : iso;
}
