/**
 * One connection to an MLflow store on disk: made on the first write, locked for as short as possible, and
 * shared with an `mlflow ui` that reads it meanwhile.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { AppError } from '../shared/errors.ts';
import type { Clock } from '../shared/clock.ts';
import { isBusy, toStoreError } from './local-errors.ts';
import { createKeyIndex, type KeyIndex } from './local-key-index.ts';
import { checkStoreSchema, type StoreSchema } from './local-schema-check.ts';
import {
  blockingWaitMs,
  checkSoundness,
  checkStoreFile,
  createStoreFile,
  hasStoreFile,
  openStoreFile,
  type DatabaseFile,
} from './local-store-file.ts';

export interface LocalSessionSettings {
  /** Absolute path of the database file, which may not exist yet. */
  readonly path: string;
  /** How long to wait for another program's lock. */
  readonly busyTimeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** What a piece of work on the open store is given. */
export interface OpenStore {
  readonly schema: StoreSchema;
  /** A prepared statement, kept for the life of the connection. */
  readonly prepare: (sql: string) => Database.Statement;
  readonly keyIndex: KeyIndex;
}

export interface LocalSession extends AsyncDisposable {
  /** Null until the store exists. */
  readonly schema: StoreSchema | null;
  /** Times that a lock had to be waited for. */
  readonly waits: number;
  /** Runs a synchronous reading `work`; `absent` is the result while there is no store. */
  read<T>(work: (store: OpenStore) => T, absent: T): Promise<T>;
  /** Runs a synchronous `work` in one transaction, or in the surrounding batch. Makes the store. */
  write<T>(work: (store: OpenStore) => T): Promise<T>;
  /** Commits all that `work` writes together, or nothing of it when it throws. Other writers wait. */
  batched<T>(work: () => Promise<T>): Promise<T>;
}

const pauseMs = 100;

/**
 * Opens the store. Throws MLFLOW_STORE_UNKNOWN, with the file as it was, when it is not one that is known;
 * MLFLOW_STORE_BUSY, MLFLOW_STORE_DISK or CANCELLED.
 */
export async function openLocalSession(settings: LocalSessionSettings): Promise<LocalSession> {
  const { default: Database } = await import('better-sqlite3');
  const session = createLocalSession(settings, Database);
  // Also checks the file, so that a wrong one shows before any work is done.
  await session.read(() => undefined, undefined);
  return session;
}

function createLocalSession(
  settings: LocalSessionSettings,
  DatabaseFile: DatabaseFile,
): LocalSession {
  const { path } = settings;
  const batchScope = new AsyncLocalStorage<symbol>();
  const statements = new Map<string, Database.Statement>();
  const keyIndex = createKeyIndex();
  let connection: Database.Database | null = null;
  let connecting: Promise<Database.Database | null> | null = null;
  let schema: StoreSchema | null = null;
  /** Looked at once, before the first write. */
  let isSound = false;
  let waits = 0;
  let activeBatch: symbol | null = null;
  let lastInLine: Promise<unknown> = Promise.resolve();

  /** Runs `work`, again and again while another program holds a lock. */
  async function whenFree<T>(work: () => T): Promise<T> {
    for (let waitedMs = 0; ; waitedMs += blockingWaitMs + pauseMs) {
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || waitedMs >= settings.busyTimeoutMs) throw toStoreError(error, path);
        waits += 1;
        await pause(error);
      }
    }
  }

  async function pause(cause: unknown): Promise<void> {
    try {
      await settings.clock.sleep(pauseMs, settings.signal);
    } catch {
      const message = `Stopped while waiting for ${path}, which another program holds.`;
      throw new AppError('CANCELLED', message, { cause });
    }
  }

  /** The connection, or null while there is no store on disk. */
  async function connect(): Promise<Database.Database | null> {
    if (connection !== null) return connection;
    connecting ??= openExisting().finally(() => {
      connecting = null;
    });
    connection = await connecting;
    return connection;
  }

  async function openExisting(): Promise<Database.Database | null> {
    if (!(await hasStoreFile(path))) return null;
    schema = await whenFree(() => checkStoreFile(DatabaseFile, path));
    return whenFree(() => openStoreFile(DatabaseFile, path));
  }

  async function create(): Promise<Database.Database> {
    try {
      await mkdir(dirname(path), { recursive: true });
    } catch (error) {
      throw toStoreError(error, path);
    }
    await whenFree(() => createStoreFile(DatabaseFile, path, settings.clock.now()));
    const opened = await connect();
    if (opened === null)
      throw new AppError('INTERNAL', `${path} vanished right after it was made.`);
    return opened;
  }

  function toOpenStore(db: Database.Database): OpenStore {
    const current = db.pragma('schema_version', { simple: true });
    // MLflow may have upgraded the file meanwhile.
    if (schema === null || schema.schemaVersion !== current) schema = checkStoreSchema(db, path);
    return {
      schema,
      keyIndex,
      prepare(sql) {
        const known = statements.get(sql);
        if (known !== undefined) return known;
        const statement = db.prepare(sql);
        statements.set(sql, statement);
        return statement;
      },
    };
  }

  async function inTransaction<T>(work: (db: Database.Database) => Promise<T> | T): Promise<T> {
    const db = (await connect()) ?? (await create());
    if (!isSound) await whenFree(() => checkSoundness(db, path));
    isSound = true;
    await whenFree(() => db.exec('BEGIN IMMEDIATE'));
    try {
      const result = await work(db);
      // A reader may hold the file for a moment; the transaction stays open and whole until it is done.
      await whenFree(() => db.exec('COMMIT'));
      return result;
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Lets one transaction of this process follow the other; a failure before is its own caller's affair. */
  function inLine<T>(work: () => Promise<T>): Promise<T> {
    const mine = lastInLine.then(work);
    lastInLine = mine.catch(() => undefined);
    return mine;
  }

  function run<T>(db: Database.Database, work: (store: OpenStore) => T): T {
    try {
      return work(toOpenStore(db));
    } catch (error) {
      throw toStoreError(error, path);
    }
  }

  const isInBatch = (): boolean => activeBatch !== null && batchScope.getStore() === activeBatch;

  return {
    get schema() {
      return schema;
    },
    get waits() {
      return waits;
    },
    async read(work, absent) {
      const db = await connect();
      if (db === null) return absent;
      return whenFree(() => work(toOpenStore(db)));
    },
    async write(work) {
      const db = connection;
      if (db === null || !isInBatch())
        return inLine(() => inTransaction((open) => run(open, work)));
      // Inside the batch's transaction this is a savepoint: a failed step leaves nothing half done.
      return db.transaction(() => run(db, work))();
    },
    async batched(work) {
      if (isInBatch()) return work();
      const batch = Symbol('batch');
      return inLine(() =>
        inTransaction(async () => {
          activeBatch = batch;
          try {
            return await batchScope.run(batch, work);
          } finally {
            activeBatch = null;
          }
        }),
      );
    },
    async [Symbol.asyncDispose]() {
      await lastInLine;
      connection?.close();
      connection = null;
      statements.clear();
    },
  };
}
