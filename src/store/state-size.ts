/** What the state file holds and takes: nothing is ever pruned from it, so an operator must see it grow. */
import type { State } from './open-state.ts';

export interface StateSize {
  /** Of the database in bytes, with what is not yet merged from its `-wal` file. */
  readonly bytes: number;
  /** Of these, bytes of pages that are free: SQLite fills them before the file grows. */
  readonly freeBytes: number;
  /** Call attempts, also those that were logged twice. */
  readonly calls: number;
  /** Start of the oldest window that has one, epoch milliseconds UTC; null without calls. */
  readonly oldestWindowMs: number | null;
  /** Distinct texts of messages. */
  readonly texts: number;
  readonly scores: number;
}

/** Reads counts from indexes, no row of a fact. Writes nothing. */
export function readStateSize({ db }: State): StateSize {
  const pragma = (name: string): number => Number(db.pragma(name, { simple: true }));
  const count = (table: string): number =>
    Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
  const pageBytes = pragma('page_size');
  return {
    bytes: pragma('page_count') * pageBytes,
    freeBytes: pragma('freelist_count') * pageBytes,
    calls: count('facts'),
    oldestWindowMs: db.prepare('SELECT min(window_from_ms) FROM facts').pluck().get() as
      | number
      | null,
    texts: count('messages'),
    scores: count('scores'),
  };
}
