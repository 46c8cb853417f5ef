/** Makes a whole and consistent copy of the open state file, compressed, while others go on reading and writing. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import Database from 'better-sqlite3';
import { AppError } from '../shared/errors.ts';
import { toStateError } from '../store/open-state.ts';
import { makePrivateFile, privateMode } from '../shared/private-file.ts';
import type { CopyIdentity } from './backup-metadata.ts';
import { putCopyIdentity } from './local-copy.ts';
import type { FileContent } from './s3-objects.ts';

/** A file beside the state file; removed when it is disposed. */
export type CompressedCopy = FileContent & AsyncDisposable;

/** Pages copied between two turns of the event loop: about 8 MB. */
const pagesAtOnce = 2000;

/** Throws STATE_DISK where there is no room, STATE_UNUSABLE for a state file that is damaged. */
export async function copyState(
  statePath: string,
  identity: CopyIdentity,
): Promise<CompressedCopy> {
  const plain = `${statePath}.copy`;
  const path = `${statePath}.copy.gz`;
  const removeAll = async (): Promise<void> => {
    for (const file of [plain, `${plain}-journal`, `${plain}-wal`, `${plain}-shm`, path]) {
      await rm(file, { force: true });
    }
  };
  // What a worker that was killed has left.
  await removeAll();
  try {
    makePrivateFile(plain);
    await copyPages(statePath, plain);
    sealCopy(plain, identity);
    const sha256 = await compress(plain, path);
    await rm(plain);
    const content = { kind: 'file', path, sizeBytes: statSync(path).size, sha256 } as const;
    return { ...content, [Symbol.asyncDispose]: removeAll };
  } catch (error) {
    await removeAll();
    throw toStateError(error, statePath);
  }
}

async function copyPages(from: string, to: string): Promise<void> {
  const source = new Database(from, { readonly: true, fileMustExist: true, timeout: 5000 });
  try {
    // One reading transaction over all steps: else a write in between would begin the copy anew, without end.
    source.exec('BEGIN');
    source.prepare('SELECT count(*) FROM sqlite_master').get();
    await source.backup(to, { progress: () => pagesAtOnce });
  } finally {
    source.close();
  }
}

/** Looks at every page before a good copy is overwritten, and makes of it one plain file that nobody uses. */
function sealCopy(path: string, identity: CopyIdentity): void {
  const db = new Database(path, { fileMustExist: true });
  try {
    db.pragma('journal_mode = DELETE');
    const found = db.pragma('quick_check(1)', { simple: true });
    if (found !== 'ok') {
      throw new AppError(
        'STATE_UNUSABLE',
        `The state file is damaged (${String(found)}), so its backup was not overwritten.`,
        { hint: 'Move the state file away and run again: the backup is then restored.' },
      );
    }
    putCopyIdentity({ db }, identity);
    db.exec('UPDATE lease SET expires_ms = 0');
  } finally {
    db.close();
  }
}

async function compress(from: string, to: string): Promise<string> {
  const hash = createHash('sha256');
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(
    createReadStream(from),
    createGzip({ level: 4 }),
    tap,
    createWriteStream(to, { mode: privateMode }),
  );
  return hash.digest('hex');
}
