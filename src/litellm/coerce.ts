/**
 * Types of what comes out of Langfuse metadata: stored as strings and parsed on reading, so a number may be
 * a string, a boolean `"True"`, an object a JSON text, and an id a number.
 */
import { boundDepth } from '../shared/bound-depth.ts';

/** An own property of an untrusted record; never one of its prototype. */
export function own(record: Readonly<Record<string, unknown>> | null, key: string): unknown {
  return record !== null && Object.hasOwn(record, key) ? record[key] : undefined;
}

/** Non-blank text; a finite number as its digits; `None` (Python), `null` and anything else as null. */
export function toText(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null;
  if (typeof value !== 'string') return null;
  const text = value.trim();
  return text === '' || text === 'None' || text === 'null' ? null : text;
}

const numeric = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A finite number, also from its text; anything else is null. */
export function toFiniteNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'string' || !numeric.test(value.trim())) return null;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : null;
}

/** A finite number that is not negative (a count, a price, a duration); anything else is null. */
export function toNonNegative(value: unknown): number | null {
  const number = toFiniteNumber(value);
  // `+ 0` makes the 0 of a -0: stored and read again it would differ.
  return number !== null && number >= 0 ? number + 0 : null;
}

/** True or false, also from `"True"`, `"true"`, `1` and their opposites; anything else is null. */
export function toBoolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  const text = toText(value)?.toLowerCase();
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  return null;
}

/** A plain object, also from its JSON text; anything else is null. */
export function toRecord(value: unknown): Readonly<Record<string, unknown>> | null {
  const decoded = toDecoded(value);
  return typeof decoded === 'object' && decoded !== null && !Array.isArray(decoded)
    ? (decoded as Record<string, unknown>)
    : null;
}

/** The value of a text that is a JSON object or list; every other value as it is. */
export function toDecoded(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return boundDepth(JSON.parse(value));
  } catch {
    // Python's str() of a dict looks like JSON and is not: it stays the text that it is.
    return value;
  }
}
