import { toCount } from '../runs/note.ts';
import { withoutBinary } from './media-note.ts';

/** Deeper than any real request; deeper JSON exists only to break a reader. */
const maxDepth = 40;

/**
 * Pretty JSON of an untrusted value, for reading: media and long base64 are notes, what nests deeper than 40
 * levels is counted. Never throws on what `JSON.parse` can give.
 */
export function renderJson(value: unknown): string {
  return JSON.stringify(toShown(value, 0), null, 2) ?? 'null';
}

function toShown(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return withoutBinary(value);
  if (typeof value !== 'object' || value === null) return value;
  const size = Object.keys(value).length;
  if (depth === maxDepth && size > 0)
    return `(… ${toCount(size)} more entries nested here, not shown)`;
  if (Array.isArray(value)) return value.map((item) => toShown(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, toShown(item, depth + 1)]),
  );
}
