/** Deletes texts that no call has any more: what was deleted or changed in Langfuse must not stay readable here. */
import type { State } from './open-state.ts';

const hashBytes = 16;
const callsAtOnce = 1_000;
const textsAtOnce = 20_000;

/**
 * Looks only at calls and texts that the triggers of `migrations/0004-released-texts.sql` noted; returns how many
 * texts were deleted. In bounded transactions, each of which leaves a valid file. Must not run while a window is
 * being read: its texts are stored before its facts.
 */
export function sweepTexts(state: State): number {
  while (sweepCalls(state) > 0);
  let deleted = 0;
  for (;;) {
    const swept = sweepReleased(state);
    if (swept === null) return deleted;
    deleted += swept;
  }
}

/** Deletes the lists of texts of calls without a fact; a call that only moved to another window has one. */
function sweepCalls({ db }: State): number {
  const chosen = `SELECT rowid FROM released_calls ORDER BY rowid LIMIT ${callsAtOnce}`;
  if (db.prepare('SELECT 1 FROM released_calls LIMIT 1').get() === undefined) return 0;
  return db
    .transaction(() => {
      db.exec(
        `DELETE FROM contents WHERE (source, trace_id, id) IN (
           SELECT source, trace_id, id FROM released_calls WHERE rowid IN (${chosen})
             AND NOT EXISTS (SELECT 1 FROM facts WHERE facts.source = released_calls.source
               AND facts.trace_id = released_calls.trace_id AND facts.id = released_calls.id))`,
      );
      return db.prepare(`DELETE FROM released_calls WHERE rowid IN (${chosen})`).run().changes;
    })
    .immediate();
}

/** Returns null when nothing was released. */
function sweepReleased({ db }: State): number | null {
  const select = db.prepare(
    `SELECT rowid, hashes FROM released_texts ORDER BY rowid LIMIT ${textsAtOnce}`,
  );
  if (select.get() === undefined) return null;
  return db
    .transaction(() => {
      const rows = select.all() as { rowid: number; hashes: Buffer }[];
      const unused = new Set(rows.flatMap(({ hashes }) => split(hashes)));
      const inUse = db
        .prepare('SELECT input_hashes, input_rest_hash, output_hash FROM contents')
        .raw()
        .iterate() as IterableIterator<(Buffer | null)[]>;
      for (const lists of inUse) {
        for (const list of lists) for (const hash of split(list)) unused.delete(hash);
      }
      const remove = db.prepare('DELETE FROM messages WHERE hash = ?');
      let deleted = 0;
      for (const hash of unused) deleted += remove.run(Buffer.from(hash, 'latin1')).changes;
      db.prepare('DELETE FROM released_texts WHERE rowid <= ?').run(rows.at(-1)?.rowid ?? 0);
      return deleted;
    })
    .immediate();
}

/** One string of 16 characters for each hash. */
function split(hashes: Buffer | null): string[] {
  if (hashes === null) return [];
  const text = hashes.toString('latin1');
  return Array.from({ length: text.length / hashBytes }, (_, at) =>
    text.slice(at * hashBytes, (at + 1) * hashBytes),
  );
}
