/** Writes a text file whole or not at all: beside its place, flushed to the disk, then renamed into it. */
import { randomUUID } from 'node:crypto';
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface WholeFile {
  /** A path that is no link: a link would be replaced by the file. */
  readonly path: string;
  readonly text: string;
  /** Permissions, such as 0o600; without it what the process gives a new file. */
  readonly mode?: number;
}

/** `beforeRename` may refuse by throwing. Throws as node:fs does, and then the place is as it was. */
export function writeWhole(
  { path, ...file }: WholeFile,
  beforeRename: (draft: string) => void = () => undefined,
): void {
  const draft = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomUUID()}`);
  try {
    writeNew(draft, file);
    beforeRename(draft);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function writeNew(path: string, file: Omit<WholeFile, 'path'>): void {
  const handle = openSync(path, 'wx', file.mode === undefined ? 0o666 : file.mode & 0o600);
  try {
    const bytes = Buffer.from(file.text);
    for (let done = 0; done < bytes.length;) done += writeSync(handle, bytes, done);
    if (file.mode !== undefined) fchmodSync(handle, file.mode);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
