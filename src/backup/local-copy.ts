/** What the state file itself says about its copy in S3. */
import { existsSync, statSync } from 'node:fs';
import { openExistingState, type State } from '../store/open-state.ts';
import type { CopyIdentity } from './backup-metadata.ts';

/** The row of `state_backup`. */
export interface LocalLineage {
  readonly lineage: string;
  /** The copy that the file was last written to or restored from; 0 for none. */
  readonly generation: number;
  readonly copyWriter: string | null;
  /** The run that last might have written copies of this file. */
  readonly writer: string;
  /** True when a run began after the file was equal to that copy. */
  readonly isAhead: boolean;
}

export type LocalState =
  | { readonly kind: 'missing' }
  | {
      readonly kind: 'present';
      /** True when no run has reached Langfuse with it. */
      readonly isEmpty: boolean;
      /** Null when it was never backed up. */
      readonly lineage: LocalLineage | null;
      /** Who is using it at this moment, on this machine. */
      readonly holder: string | null;
    };

/** Looks at the state file and changes nothing. Throws STATE_* where it can't be read. */
export function readLocalState(path: string, nowMs: number): LocalState {
  if (!existsSync(path) || statSync(path).size === 0) return { kind: 'missing' };
  using state = openExistingState(path);
  const table = state.db.prepare('SELECT count(*) FROM sqlite_master WHERE name = ?').pluck();
  const has = (name: string): boolean => table.get(name) === 1;
  const isEmpty =
    !has('sources') || state.db.prepare('SELECT count(*) FROM sources').pluck().get() === 0;
  const holder = has('lease')
    ? state.db
        .prepare("SELECT holder FROM lease WHERE name = 'sync' AND expires_ms > ?")
        .pluck()
        .get(nowMs)
    : undefined;
  return {
    kind: 'present',
    isEmpty,
    lineage: has('state_backup') ? readLineage(state) : null,
    holder: typeof holder === 'string' ? holder : null,
  };
}

export function readLineage(state: Pick<State, 'db'>): LocalLineage | null {
  const row = state.db
    .prepare(
      `SELECT lineage, generation, copy_writer, writer,
         clean_fence IS NOT ${fence} AS is_ahead FROM state_backup`,
    )
    .get() as
    | {
        lineage: string;
        generation: number;
        copy_writer: string | null;
        writer: string;
        is_ahead: number;
      }
    | undefined;
  if (row === undefined) return null;
  return {
    lineage: row.lineage,
    generation: row.generation,
    copyWriter: row.copy_writer,
    writer: row.writer,
    isAhead: row.is_ahead === 1,
  };
}

/** Writes ahead who may write copies of this file from now on. Begins a lineage where there is none. */
export function claimLineage(
  state: State,
  claim: { readonly writer: string; readonly newLineage: string },
): void {
  state.db
    .prepare(
      `INSERT INTO state_backup (only_row, lineage, generation, writer) VALUES (1, ?, 0, ?)
       ON CONFLICT DO UPDATE SET writer = excluded.writer`,
    )
    .run(claim.newLineage, claim.writer);
}

/** Says that the file is equal to this copy. Of the file itself, and before that of the copy. */
export function putCopyIdentity(state: Pick<State, 'db'>, copy: CopyIdentity): void {
  state.db
    .prepare(
      `UPDATE state_backup SET lineage = ?, generation = ?, copy_writer = ?, writer = ?, clean_fence = ${fence}`,
    )
    .run(copy.lineage, copy.generation, copy.writer, copy.writer);
}

/** Grows with each run: 0 before the first. */
const fence = "COALESCE((SELECT fence FROM lease WHERE name = 'sync'), 0)";
