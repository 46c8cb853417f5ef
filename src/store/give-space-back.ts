/** Returns free pages of the state file to the disk. */
import type { State } from './open-state.ts';

/** Pages that a run frees are filled by the next ones: a tenth of the file stays free. */
const keptShare = 0.1;

/** The value of `PRAGMA auto_vacuum` under which a file can be shortened. */
const incremental = 2;

/** False for a file of a version before this could be done: its free pages are filled before it grows. */
export function canGiveSpaceBack({ db }: State): boolean {
  return db.pragma('auto_vacuum', { simple: true }) === incremental;
}

/** Must not run inside a transaction. Returns how many bytes the file has lost. */
export function giveSpaceBack(state: State): number {
  if (!canGiveSpaceBack(state)) return 0;
  const pragma = (name: string): number => Number(state.db.pragma(name, { simple: true }));
  const before = pragma('page_count');
  const surplus = pragma('freelist_count') - Math.ceil(before * keptShare);
  if (surplus <= 0) return 0;
  state.db.pragma(`incremental_vacuum(${surplus})`);
  return (before - pragma('page_count')) * pragma('page_size');
}
