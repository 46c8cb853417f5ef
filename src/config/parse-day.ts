import { parseInstant, toIso, type InstantMs } from '../shared/time.ts';
import { parseDuration } from './parse-duration.ts';
import { refusal } from './refusal.ts';

/**
 * Parses `2026-11-24` to the UTC midnight that begins that day.
 *
 * Throws AppError SETTINGS_INVALID with the reason alone, also for a day that no calendar has.
 */
export function parseDay(text: string): InstantMs {
  const day = text.trim();
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) {
    throw refusal('must be a UTC day written as 2026-11-24 (year-month-day)');
  }
  return parseCalendarInstant(day);
}

/**
 * Parses a UTC day or an instant: `2026-11-24`, `2026-11-24T06:00Z` or `2026-11-24T06:00:00+09:00`.
 * A time of day needs its offset: a machine's local zone must never decide which rows are read.
 *
 * Throws AppError SETTINGS_INVALID with the reason alone.
 */
export function parseDayOrInstant(text: string): InstantMs {
  const value = text.trim();
  if (/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(value)) {
    throw refusal(`has no time zone; write ${value.replace(' ', 'T')}Z for UTC`);
  }
  return parseCalendarInstant(value);
}

/**
 * Parses a starting point: a day or an instant as {@link parseDayOrInstant}, or a duration back from
 * `now` such as `7d`.
 *
 * Throws AppError SETTINGS_INVALID with the reason alone, also when the point is in the future.
 */
export function parseStart(text: string, now: InstantMs): InstantMs {
  const isDuration = /^\d+\s*[a-zA-Z]*$/.test(text.trim());
  // A duration that reaches back over the whole era of Langfuse is a typo, and no date either.
  const start = isDuration ? ((now - parseDuration(text)) as InstantMs) : parseDayOrInstant(text);
  if (start > now) {
    throw refusal(`is in the future; it is ${toIso(now)} now`);
  }
  if (start < earliestMs) {
    throw refusal('is before 2023, when there was no Langfuse; such rows have a broken clock');
  }
  return start;
}

const earliestMs = Date.UTC(2023, 0, 1);

function parseCalendarInstant(value: string): InstantMs {
  const instant = parseInstant(value);
  const day = value.slice(0, 10);
  // Date.parse takes 2026-02-30 for 2 March.
  const isReal = instant !== null && parseInstant(day) !== null && isCalendarDay(day);
  if (!isReal) {
    throw refusal('must be a real UTC day such as 2026-11-24, or an instant 2026-11-24T06:00Z');
  }
  return instant;
}

function isCalendarDay(day: string): boolean {
  const midnight = parseInstant(day);
  return midnight !== null && toIso(midnight).startsWith(day);
}
