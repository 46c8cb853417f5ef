/** Opens the worker's state file. The only place that opens it, sets its pragmas and translates SQLite's errors. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { AppError } from '../shared/errors.ts';
import { refuseNetworkDisk } from './network-disk.ts';
import { isMigrated, migrate, readMigrations } from './migrate.ts';
import { makePrivateFile } from '../shared/private-file.ts';

/** `LMSY` as an application id, so that a foreign SQLite file is recognised. */
const applicationId = 0x4c_4d_53_59;

/** An open state file: `db` writes, `reader` is a second connection for streaming reads beside writes. */
export interface State extends Disposable {
  readonly db: Database.Database;
  readonly reader: Database.Database;
  readonly path: string;
}

/**
 * Opens or creates the state file at `path`, for this user alone, and migrates it.
 * Throws STATE_UNUSABLE for a foreign, corrupt or newer file (left untouched), STATE_BUSY when locked,
 * STATE_DISK when it can't be written.
 */
export function openState(path: string): State {
  const absolute = resolve(path);
  let db: Database.Database | undefined;
  try {
    refuseFolder(absolute);
    // One level only: a whole missing path is more likely a typo or a volume that is not mounted.
    if (!existsSync(dirname(absolute))) mkdirSync(dirname(absolute));
    refuseNetworkDisk(absolute);
    makePrivateFile(absolute);
    db = new Database(absolute, { timeout: 5000 });
    const isNew = isEmpty(db);
    assertOurs(db, absolute, isNew);
    // Before anything is in the file: it can't be changed later without writing the file anew.
    if (isNew) db.pragma('auto_vacuum = INCREMENTAL');
    if (isNew) db.pragma(`application_id = ${applicationId}`);
    db.pragma('journal_mode = WAL');
    // FULL: a run that MLflow has made must be in the ledger even after a power cut.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('cache_size = -65536');
    migrate(db, readMigrations());
    const reader = new Database(absolute, { timeout: 5000, readonly: true });
    const writer = db;
    return {
      db,
      reader,
      path: absolute,
      [Symbol.dispose]() {
        reader.close();
        writer.close();
      },
    };
  } catch (error) {
    db?.close();
    throw toStateError(error, absolute);
  }
}

/** A state file as it is, for looking only. */
export interface ExistingState extends State {
  /** False for a file of an older version, whose tables may lack what a query needs. */
  readonly isMigrated: boolean;
}

/**
 * Opens the existing state file at `path` for reading; makes, migrates and changes nothing. `reader` is `db`.
 * Throws STATE_UNUSABLE for a missing, foreign, corrupt or newer file, STATE_BUSY, STATE_DISK.
 */
export function openExistingState(path: string): ExistingState {
  const absolute = resolve(path);
  if (!existsSync(absolute)) {
    throw new AppError('STATE_UNUSABLE', `There is no state file ${absolute} yet.`, {
      hint: 'Run `langfuse-mlflow sync` first, or name the state file of an earlier run with SYNC_STATE_FILE.',
    });
  }
  let db: Database.Database | undefined;
  try {
    refuseFolder(absolute);
    // Not read-only: such a connection leaves the files of SQLite's log behind it.
    const opened = new Database(absolute, { timeout: 5000, fileMustExist: true });
    db = opened;
    opened.pragma('query_only = ON');
    assertOurs(opened, absolute, isEmpty(opened));
    return {
      db: opened,
      reader: opened,
      path: absolute,
      isMigrated: isMigrated(opened, readMigrations()),
      [Symbol.dispose]: () => opened.close(),
    };
  } catch (error) {
    db?.close();
    throw toStateError(error, absolute);
  }
}

/** SQLite says no more of it than that it is "unable to open database file". */
function refuseFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  throw new AppError('STATE_UNUSABLE', `The state file ${path} is a folder.`, {
    hint: `Name a file in it with SYNC_STATE_FILE (--state-file), such as ${join(path, 'langfuse-mlflow.db')}.`,
  });
}

/** A file that nobody has put a table in: new, or left by a worker that died while it made it. */
function isEmpty(db: Database.Database): boolean {
  const tables = db.prepare('SELECT COUNT(*) FROM sqlite_schema').pluck().get();
  return tables === 0;
}

function assertOurs(db: Database.Database, path: string, isNew: boolean): void {
  const id = db.pragma('application_id', { simple: true });
  if ((isNew && id === 0) || id === applicationId) return;
  throw new AppError(
    'STATE_UNUSABLE',
    `SYNC_STATE_FILE ${path} is an SQLite file of another program, not this worker's state.`,
  );
}

/** Translates an SQLite error on the state file; passes AppErrors through. */
export function toStateError(error: unknown, path: string): unknown {
  if (error instanceof AppError || !(error instanceof Error) || !('code' in error)) return error;
  const code = String(error.code);
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return new AppError(
      'STATE_UNUSABLE',
      `The state file ${path} is not a readable SQLite file: ${error.message}.`,
      {
        cause: error,
      },
    );
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new AppError('STATE_BUSY', `The state file ${path} is locked by another process.`, {
      cause: error,
    });
  }
  if (/^(SQLITE_(FULL|READONLY|CANTOPEN|IOERR)|EACCES|EROFS|ENOSPC|EPERM|ENOENT)/.test(code)) {
    return new AppError(
      'STATE_DISK',
      `The state file ${path} can't be written: ${error.message}.`,
      { cause: error },
    );
  }
  return error;
}
