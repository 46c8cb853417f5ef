import { dayMs, hourMs, minuteMs, secondMs } from '../shared/time.ts';
import { refusal } from './refusal.ts';

const unitMs: Readonly<Record<string, number>> = {
  s: secondMs,
  m: minuteMs,
  h: hourMs,
  d: dayMs,
};

/**
 * Parses `90s`, `30m`, `6h` or `3d` to milliseconds. A day is 24 hours.
 *
 * Throws AppError SETTINGS_INVALID with the reason alone.
 */
export function parseDuration(text: string): number {
  const match = /^(\d+)\s*([a-zA-Z]*)$/.exec(text.trim());
  const [, digits = '', unit = ''] = match ?? [];
  if (!match) throw refusal('must be a whole number and a unit, such as 90s, 30m, 6h or 3d');
  if (unit === '') {
    throw refusal(`has no unit; write ${digits}s, ${digits}m, ${digits}h or ${digits}d`);
  }
  const factor = unitMs[unit];
  if (factor === undefined) {
    throw refusal(`has the unknown unit "${unit}"; units are s, m, h and d, such as 90s or 30m`);
  }
  const durationMs = Number(digits) * factor;
  if (!Number.isSafeInteger(durationMs)) throw refusal('is too large to be a duration');
  return durationMs;
}

/** A parser of durations from `min` to `max`, both given as durations and included. */
export function durationBetween(min: string, max: string): (text: string) => number {
  const minMs = parseDuration(min);
  const maxMs = parseDuration(max);
  return (text) => {
    const durationMs = parseDuration(text);
    if (durationMs < minMs || durationMs > maxMs) {
      throw refusal(`must be from ${min} to ${max}`);
    }
    return durationMs;
  };
}

/** `5400000` as `90m`: the largest unit that divides it. */
export function renderDuration(durationMs: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const factor = unitMs[unit] ?? 1;
    if (durationMs >= factor && durationMs % factor === 0) return `${durationMs / factor}${unit}`;
  }
  return `${durationMs / secondMs}s`;
}
