/** Reads and replaces a text file that belongs to somebody else's program: whole, or not at all. */
import {
  chownSync,
  constants,
  copyFileSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { AppError } from '../shared/errors.ts';
import { writeWhole } from '../shared/write-whole.ts';

export interface TextFile {
  /** Where it really is, links followed. */
  readonly path: string;
  /** With its byte order mark, where it has one. */
  readonly text: string;
}

/** Null where there is no such file. Throws GATEWAY_CONFIG_INVALID for what can't be read or is no UTF-8. */
export function readTextFile(name: string): TextFile | null {
  try {
    const path = realpathSync(name);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      readFileSync(path),
    );
    return { path, text };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    const why = error instanceof TypeError ? 'it is no UTF-8 text' : reasonOf(error);
    throw new AppError('GATEWAY_CONFIG_INVALID', `${name} can't be read: ${why}.`, {
      cause: error,
      hint: 'Give a text file that this user may read.',
    });
  }
}

/**
 * Puts `text` in the place of what was read: by a new file beside it with the same mode (and owner, for root)
 * that is renamed. Throws GATEWAY_CONFIG_UNWRITABLE, and then the file is as it was.
 */
export function replaceFile(file: TextFile, text: string): void {
  try {
    const { mode, uid, gid } = statSync(file.path);
    writeWhole({ path: file.path, text, mode: mode & 0o7777 }, (draft) => {
      if (process.getuid?.() === 0) chownSync(draft, uid, gid);
      if (readTextFile(file.path)?.text !== file.text) {
        throw new Error('somebody else has just changed it');
      }
    });
  } catch (error) {
    throw unwritable(file.path, error);
  }
}

/** {@link replaceFile} with a copy of what was there; none stays behind where it fails. The path of the copy. */
export function replaceWithBackup(file: TextFile, text: string): string {
  const backup = backUp(file);
  try {
    replaceFile(file, text);
  } catch (error) {
    rmSync(backup, { force: true });
    throw error;
  }
  return backup;
}

/** Copies the file to `FILE.bak`, or the first free of `FILE.bak.1`, `FILE.bak.2`, …; the path of the copy. */
function backUp({ path }: TextFile): string {
  for (let number = 0; ; number += 1) {
    const copy = number === 0 ? `${path}.bak` : `${path}.bak.${number}`;
    try {
      copyFileSync(path, copy, constants.COPYFILE_EXCL);
      return copy;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(copy, error);
    }
  }
}

function unwritable(path: string, error: unknown): AppError {
  return new AppError(
    'GATEWAY_CONFIG_UNWRITABLE',
    `${path} can't be written: ${reasonOf(error)}.`,
    { cause: error },
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
