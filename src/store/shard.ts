/** Which part of a sharded backfill a state file holds, and which backfills it was merged from. */
import { AppError } from '../shared/errors.ts';
import { toIso } from '../shared/time.ts';
import type { State } from './open-state.ts';

export interface Shard {
  /** Of the whole backfill, `[fromMs, toMs)`, aligned to windows. */
  readonly fromMs: number;
  readonly toMs: number;
  /** 1 to `shards`. */
  readonly number: number;
  readonly shards: number;
}

/** Null for a file that is no part of a sharded backfill. */
export function readShard({ db }: Pick<State, 'db'>): Shard | null {
  const row = db
    .prepare('SELECT from_ms AS fromMs, to_ms AS toMs, number, shards FROM shard')
    .get() as Shard | undefined;
  return row ?? null;
}

/** `shard 3/16 of 2026-01-01T00:00:00.000Z to 2027-01-01T00:00:00.000Z` */
export function renderShard(shard: Shard): string {
  return `shard ${shard.number}/${shard.shards} of ${toIso(shard.fromMs)} to ${toIso(shard.toMs)}`;
}

/**
 * Null asks for a file that is no shard. Throws STATE_SHARD when the file holds something else: two pods on one file,
 * another range, a whole state. An empty file may become anything.
 */
export function assertShard(state: State, wanted: Shard | null): void {
  const held = readShard(state);
  if (wanted === null) {
    if (held === null) return;
    throw new AppError(
      'STATE_SHARD',
      `The state file ${state.path} holds ${renderShard(held)}: without its sessions and trends, and without the other shards.`,
    );
  }
  if (held !== null) {
    if (isSame(held, wanted)) return;
    throw new AppError(
      'STATE_SHARD',
      `The state file ${state.path} holds ${renderShard(held)}, not ${renderShard(wanted)}.`,
      { hint: 'Give each shard a state file of its own with SYNC_STATE_FILE (--state-file).' },
    );
  }
  if (state.db.prepare('SELECT 1 FROM windows LIMIT 1').get() !== undefined) {
    throw new AppError(
      'STATE_SHARD',
      `The state file ${state.path} holds windows that belong to no shard, and ${renderShard(wanted)} needs a file of its own.`,
      { hint: 'Give each shard a new state file with SYNC_STATE_FILE (--state-file).' },
    );
  }
}

/** Makes the file that of the shard, for good. Throws as {@link assertShard}. */
export function claimShard(state: State, wanted: Shard): void {
  assertShard(state, wanted);
  state.db
    .prepare(
      `INSERT INTO shard (only_row, from_ms, to_ms, number, shards) VALUES (1, @fromMs, @toMs, @number, @shards)
       ON CONFLICT DO NOTHING`,
    )
    .run(wanted);
}

function isSame(a: Shard, b: Shard): boolean {
  return (
    a.fromMs === b.fromMs && a.toMs === b.toMs && a.number === b.number && a.shards === b.shards
  );
}

export function isMergedFrom({ db }: Pick<State, 'db'>, digest: string): boolean {
  return db.prepare('SELECT 1 FROM merges WHERE digest = ?').get(digest) !== undefined;
}

export function putMerge(
  { db }: Pick<State, 'db'>,
  merge: { readonly digest: string; readonly mergedMs: number },
): void {
  db.prepare('INSERT INTO merges (digest, merged_ms) VALUES (@digest, @mergedMs)').run(merge);
}
