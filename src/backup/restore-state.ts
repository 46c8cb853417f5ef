/** Puts the copy in the place of a missing or older state file: whole and verified, or not at all. */
import { createHash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import Database from 'better-sqlite3';
import { AppError, toAppError } from '../shared/errors.ts';
import { openExistingState, toStateError } from '../store/open-state.ts';
import { privateMode } from '../shared/private-file.ts';
import type { BackupMetadata } from './backup-metadata.ts';
import { readLineage } from './local-copy.ts';
import { isWorthRetrying, toS3Error } from './s3-errors.ts';
import type { S3Objects } from './s3-objects.ts';

export interface Restoring {
  readonly objects: S3Objects;
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly metadata: BackupMetadata;
  readonly stateFile: string;
}

const attempts = 3;

/** Throws BACKUP_UNUSABLE for a copy that is damaged or foreign, BACKUP_UNREACHABLE, STATE_DISK, STATE_BUSY. */
export async function restoreState(restoring: Restoring): Promise<void> {
  const { stateFile } = restoring;
  const temporary = `${stateFile}.restoring`;
  try {
    if (!existsSync(dirname(stateFile))) await mkdir(dirname(stateFile));
    await download(restoring, temporary);
    verify(restoring, temporary);
    emptyLog(stateFile);
    await rename(temporary, stateFile);
    await flushFolder(dirname(stateFile));
  } catch (error) {
    throw toStateError(error, stateFile);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function download(restoring: Restoring, to: string): Promise<void> {
  const { bucket, key } = restoring;
  for (let count = 1; ; count += 1) {
    try {
      await downloadOnce(restoring, to);
      return;
    } catch (error) {
      if (!isWorthRetrying(error) || count === attempts) {
        throw toS3Error(error, { action: 's3:GetObject', bucket, key });
      }
    }
  }
}

async function downloadOnce(restoring: Restoring, to: string): Promise<void> {
  const { objects, key, etag, metadata } = restoring;
  const object = await objects.get(key);
  if (object?.etag !== etag) {
    object?.body.destroy();
    throw new AppError('STATE_BUSY', `The backup ${toUrl(restoring)} was just written by another.`);
  }
  const hash = createHash('sha256');
  const tap = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    // `flush`: on the disk before the rename, so that a power cut leaves the old file or the whole new one.
    await pipeline(
      object.body,
      tap,
      createGunzip(),
      createWriteStream(to, { flush: true, mode: privateMode }),
    );
  } catch (error) {
    throw isDamage(error) ? damaged(restoring, 'it is not what was written', error) : error;
  }
  if (hash.digest('hex') !== metadata.sha256) {
    throw damaged(restoring, 'it is not what its checksum was made of');
  }
}

/** gzip's own errors, and that of the SDK where the store keeps a checksum of what it was given. */
function isDamage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    ('code' in error && String(error.code).startsWith('Z_')) ||
    error.message.startsWith('Checksum mismatch')
  );
}

function verify(restoring: Restoring, path: string): void {
  try {
    using copy = openExistingState(path);
    const found = copy.db.pragma('integrity_check(1)', { simple: true });
    if (found !== 'ok') throw damaged(restoring, String(found));
    const lineage = readLineage(copy);
    const { metadata } = restoring;
    if (
      lineage?.lineage !== metadata.lineage ||
      lineage.generation !== metadata.generation ||
      lineage.copyWriter !== metadata.writer
    ) {
      throw damaged(restoring, 'it holds another copy than its metadata says');
    }
  } catch (error) {
    const failure = toAppError(toStateError(error, path));
    if (failure.code !== 'STATE_UNUSABLE') throw failure;
    throw new AppError(
      'BACKUP_UNUSABLE',
      `The backup ${toUrl(restoring)} can't be restored: ${failure.message}`,
      { cause: failure },
    );
  }
}

/** What is still in the log of the file that is replaced would be taken for the new one's. */
function emptyLog(stateFile: string): void {
  if (!existsSync(stateFile)) return;
  const db = new Database(stateFile, { timeout: 5000 });
  try {
    db.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
  if (!existsSync(`${stateFile}-wal`)) return;
  throw new AppError('STATE_BUSY', `The state file ${stateFile} is open in another process.`);
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function damaged(restoring: Restoring, what: string, cause?: unknown): AppError {
  return new AppError('BACKUP_UNUSABLE', `The backup ${toUrl(restoring)} is damaged: ${what}.`, {
    cause,
    hint: 'Restore an older version of the object where the bucket keeps them, or move the object away and run `langfuse-mlflow recover`.',
  });
}

function toUrl(restoring: Restoring): string {
  return `s3://${restoring.bucket}/${restoring.key}`;
}
