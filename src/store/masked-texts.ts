/** What was masked in what a window holds, by kind. */
import type { State } from './open-state.ts';

const hashBytes = 16;
const mark = /\[redacted: ([^\]\n]{1,64})\]/g;

/**
 * How often each kind of thing was masked: in the texts of the window's calls, where a message that requests resend
 * counts once, and in the errors, parameters and metadata of its calls. Sorted by kind.
 */
export function countMasked(
  state: State,
  place: { readonly source: string; readonly fromMs: number },
): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (kind: string, count: number): void =>
    void counts.set(kind, (counts.get(kind) ?? 0) + count);
  for (const [kind, count] of maskedInTexts(state, place)) add(kind, count);
  const facts = state.db
    .prepare(
      `SELECT COALESCE(status_message, '') || parameters || metadata FROM facts
       WHERE source = @source AND window_from_ms = @fromMs
         AND (status_message LIKE '%[redacted: %' OR parameters LIKE '%[redacted: %' OR metadata LIKE '%[redacted: %')`,
    )
    .pluck()
    .all(place) as string[];
  for (const text of facts) {
    for (const [, kind = ''] of text.matchAll(mark)) add(kind, 1);
  }
  return new Map([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function* maskedInTexts(
  { db }: State,
  place: { readonly source: string; readonly fromMs: number },
): Generator<readonly [kind: string, count: number]> {
  const get = db.prepare('SELECT kind, count FROM masked_texts WHERE hash = ?').raw();
  // Most files have none: then nothing of the window is looked at.
  if (db.prepare('SELECT 1 FROM masked_texts LIMIT 1').get() === undefined) return;
  const lists = db
    .prepare(
      `SELECT c.input_hashes, c.input_rest_hash, c.output_hash FROM facts f
       JOIN contents c ON c.source = f.source AND c.trace_id = f.trace_id AND c.id = f.id
       WHERE f.source = @source AND f.window_from_ms = @fromMs`,
    )
    .raw()
    .all(place) as (Buffer | null)[][];
  const met = new Set<string>();
  for (const list of lists.flat()) {
    if (list === null) continue;
    for (let at = 0; at < list.length; at += hashBytes) {
      const hash = list.subarray(at, at + hashBytes);
      const name = hash.toString('latin1');
      if (met.has(name)) continue;
      met.add(name);
      yield* get.all(hash) as [string, number][];
    }
  }
}
