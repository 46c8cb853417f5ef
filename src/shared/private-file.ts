/** Files that hold what people wrote are for the worker's own user alone. */
import { closeSync, existsSync, openSync, statSync } from 'node:fs';

export const privateMode = 0o600;

/**
 * Makes an empty file at `path` where there is none. SQLite gives its log (`-wal`, `-shm`) the permissions of the
 * file (https://www.sqlite.org/src/file?name=src/os_unix.c, `findCreateFileMode`), so the log is private too. One that
 * is there keeps the permissions that somebody may have chosen. Throws as node:fs does.
 */
export function makePrivateFile(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', privateMode));
}

/** `0644` where other users of the machine may read or write the file, else null. */
export function findWideMode(path: string): string | null {
  const mode = statSync(path).mode & 0o777;
  return (mode & 0o077) === 0 ? null : `0${mode.toString(8)}`;
}
