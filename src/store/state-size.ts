/** What the state file holds and takes, and what was pruned from it: an operator must see it grow. */
import { canGiveSpaceBack } from './give-space-back.ts';
import type { State } from './open-state.ts';
import { countPruned } from './pruned-groups.ts';

export interface StateSize {
  /** Of the database in bytes, with what is not yet merged from its `-wal` file. */
  readonly bytes: number;
  /** Of these, bytes of pages that are free: SQLite fills them before the file grows. */
  readonly freeBytes: number;
  /** Whether free pages are given back to the disk when facts are pruned. */
  readonly isShortened: boolean;
  /** Call attempts, also those that were logged twice. */
  readonly calls: number;
  /** Start of the oldest window that has one, epoch milliseconds UTC; null without calls. */
  readonly oldestWindowMs: number | null;
  /** Distinct texts of messages. */
  readonly texts: number;
  readonly scores: number;
  /** Calls that were pruned (SYNC_FACTS_RETENTION), and the windows that they are of. */
  readonly pruned: { readonly calls: number; readonly windows: number };
}

/** Reads counts from indexes, no row of a fact, and what is remembered of pruned ones. Writes nothing. */
export function readStateSize(state: State): StateSize {
  const { db } = state;
  const pragma = (name: string): number => Number(db.pragma(name, { simple: true }));
  const count = (table: string): number =>
    Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
  const pageBytes = pragma('page_size');
  return {
    bytes: pragma('page_count') * pageBytes,
    freeBytes: pragma('freelist_count') * pageBytes,
    isShortened: canGiveSpaceBack(state),
    calls: count('facts'),
    oldestWindowMs: db.prepare('SELECT min(window_from_ms) FROM facts').pluck().get() as
      | number
      | null,
    texts: count('messages'),
    scores: count('scores'),
    pruned: countPruned(state),
  };
}
