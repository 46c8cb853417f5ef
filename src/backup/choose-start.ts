/** Decides, before a run, which of the state file and its copy goes on. */
import { AppError } from '../shared/errors.ts';
import type { CopyIdentity } from './backup-metadata.ts';
import type { LocalState } from './local-copy.ts';

export type Start =
  | { readonly kind: 'keep'; readonly why: 'no-backup' | 'same' | 'own' | 'newer' }
  | { readonly kind: 'restore'; readonly why: 'missing' | 'older' };

/**
 * - No file, or one that nothing was read with: the copy.
 * - The copy that the file came from, or one that was made of this very file: the file.
 * - An older copy than the file came from (an older version of the object was put back): the file.
 * - A newer copy, and the file was not used since its own: the copy.
 *
 * Throws BACKUP_FORKED where either side holds what the other does not: a newer copy and a file that was used
 * since, or two that have nothing to do with each other.
 */
export function chooseStart(
  local: LocalState,
  copy: CopyIdentity | null,
  names: { readonly file: string; readonly url: string },
): Start {
  if (copy === null) return { kind: 'keep', why: 'no-backup' };
  if (local.kind === 'missing' || local.isEmpty) return { kind: 'restore', why: 'missing' };
  const { lineage } = local;
  if (lineage === null || lineage.lineage !== copy.lineage) {
    throw new AppError(
      'BACKUP_FORKED',
      `The state file ${names.file} and the backup ${names.url} have nothing to do with each other: neither was made from the other.`,
    );
  }
  if (copy.writer === lineage.writer) return { kind: 'keep', why: 'own' };
  if (copy.generation < lineage.generation) return { kind: 'keep', why: 'newer' };
  if (copy.generation === lineage.generation && copy.writer === lineage.copyWriter) {
    return { kind: 'keep', why: 'same' };
  }
  if (copy.generation > lineage.generation && !lineage.isAhead) {
    return { kind: 'restore', why: 'older' };
  }
  throw new AppError(
    'BACKUP_FORKED',
    `Both the state file ${names.file} and the backup ${names.url} have gone on since generation ${lineage.generation}: another worker has written generation ${copy.generation}, and this file was used too.`,
  );
}
