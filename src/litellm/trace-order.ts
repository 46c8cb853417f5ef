/** The order of a trace's generations, the same whatever order they arrive in. */
import type { Generation } from './generation.ts';

/** By start, then id; code units, so that it does not depend on a locale. */
export function byStart(a: Generation, b: Generation): number {
  return a.startMs - b.startMs || compareText(a.id, b.id) || compareText(a.traceId, b.traceId);
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
