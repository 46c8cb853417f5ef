/** Decoding of values that Langfuse hands out as text. Pure. */
import { boundDepth } from '../shared/bound-depth.ts';

/** Decoded JSON where a text parses, else the text, else null (`""` and null). */
export function decodeContent(value: unknown): unknown {
  if (value === '' || value === undefined) return null;
  if (typeof value !== 'string') return value;
  try {
    return boundDepth(JSON.parse(value));
  } catch {
    return value;
  }
}

/** An object or list whose text this is, else the value as it came: `"12"` stays a string. */
export function decodeNested(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return boundDepth(JSON.parse(value));
  } catch {
    return value;
  }
}

/** The value as an object with string keys, or null where it is none. */
export function toRecord(value: unknown): Readonly<Record<string, unknown>> | null {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

/**
 * Metadata of a row as an object. Values that are JSON text of an object or a list are decoded, since the v2 API
 * stores every metadata value as a string; numbers and booleans inside strings stay strings (what a key means, and
 * so its type, is for the reader of that key to say). Metadata that is no object comes under the key `metadata`.
 */
export function decodeMetadata(value: unknown): Readonly<Record<string, unknown>> {
  const decoded = decodeNested(value);
  if (decoded === null || decoded === undefined || decoded === '') return {};
  const record = toRecord(decoded);
  if (!record) return { metadata: decoded };
  return Object.fromEntries(
    Object.entries(record).map(([key, nested]) => [key, decodeNested(nested)]),
  );
}
