/** The SQLite file of an MLflow store: looked at before it is touched, opened, and made when there is none. */
import { open } from 'node:fs/promises';
import type Database from 'better-sqlite3';
import { AppError } from '../shared/errors.ts';
import { toStoreError, toSystemCode } from './local-errors.ts';
import { checkStoreSchema, type StoreSchema } from './local-schema-check.ts';
import { defaultExperiment, newStoreRevision, newStoreStatements } from './local-schema.ts';

/** The constructor of better-sqlite3, which is loaded only when a local store is opened. */
export type DatabaseFile = typeof Database;

/** SQLite blocks the whole process while it waits for a lock, so it waits this long and the rest is slept. */
export const blockingWaitMs = 50;

const header = Buffer.from('SQLite format 3\0', 'latin1');

/**
 * Whether there is a store at `path`: an absent or empty file is none. Throws MLFLOW_STORE_UNKNOWN when the
 * file is something else than an SQLite database.
 */
export async function hasStoreFile(path: string): Promise<boolean> {
  const start = await readFileStart(path);
  if (start.length === 0) return false;
  if (start.equals(header)) return true;
  throw new AppError('MLFLOW_STORE_UNKNOWN', `${path} is not an SQLite database.`, {
    details: { path },
  });
}

async function readFileStart(path: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(header.length),
        0,
        header.length,
        0,
      );
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (toSystemCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw toStoreError(error, path);
  }
}

/**
 * Checks the store at `path` without writing to it. A writable connection may write when it closes (a
 * checkpoint), and a file that is not MLflow's must stay as it is.
 */
export function checkStoreFile(DatabaseFile: DatabaseFile, path: string): StoreSchema {
  try {
    return closing(
      new DatabaseFile(path, { readonly: true, fileMustExist: true, timeout: blockingWaitMs }),
      (db) => checkStoreSchema(db, path),
    );
  } catch (error) {
    // What a crash left half written must be rolled back first, which only a writable connection can do.
    if (!/^SQLITE_READONLY_(?:ROLLBACK|RECOVERY|CANTINIT|CANTLOCK)/.test(toSystemCode(error) ?? ''))
      throw error;
    return closing(openStoreFile(DatabaseFile, path), (db) => checkStoreSchema(db, path));
  }
}

export function openStoreFile(DatabaseFile: DatabaseFile, path: string): Database.Database {
  const db = new DatabaseFile(path, { fileMustExist: true, timeout: blockingWaitMs });
  // As MLflow itself does on every connection. The journal mode stays whatever the file has.
  db.pragma('foreign_keys = ON');
  // A large transaction would otherwise take the exclusive lock early and keep readers out until its end
  // (https://www.sqlite.org/pragma.html#pragma_cache_spill).
  db.pragma('cache_spill = OFF');
  // Rows of one run lie far apart in MLflow's indexes: 64 MiB keep a batch of thousands of runs in memory.
  db.pragma('cache_size = -65536');
  return db;
}

/** Throws MLFLOW_STORE_UNKNOWN on a damaged file; writing to one would spread the damage. Takes a second for 500 MB. */
export function checkSoundness(db: Database.Database, path: string): void {
  const result = db.pragma('quick_check(1)', { simple: true });
  if (result === 'ok') return;
  throw new AppError('MLFLOW_STORE_UNKNOWN', `${path} is damaged: ${String(result)}.`, {
    details: { path },
  });
}

/** Makes the tables of a new store in one transaction, unless another program has made some in between. */
export function createStoreFile(DatabaseFile: DatabaseFile, path: string, nowMs: number): void {
  closing(new DatabaseFile(path, { timeout: blockingWaitMs }), (db) => {
    const create = db.transaction(() => {
      const tables = db.prepare('SELECT count(*) FROM sqlite_master').pluck().get();
      if (tables === 0) fillNewStore(db, nowMs);
    });
    create.immediate();
  });
}

function fillNewStore(db: Database.Database, nowMs: number): void {
  for (const statement of newStoreStatements) db.exec(statement);
  db.prepare('INSERT INTO alembic_version (version_num) VALUES (?)').run(newStoreRevision);
  db.prepare(
    `INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time)
     VALUES (@experimentId, @name, @artifactLocation, 'active', @nowMs, @nowMs)`,
  ).run({ ...defaultExperiment, nowMs });
}

function closing<T>(db: Database.Database, work: (db: Database.Database) => T): T {
  try {
    return work(db);
  } finally {
    db.close();
  }
}
