/** A local store in a folder of its own, for one test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach } from 'vitest';
import { openLocalTarget } from '../../src/mlflow/local-target.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { CreateRun, Target } from '../../src/sync/ports.ts';
import { aKey } from './mlflow-contract-subject.ts';

export interface StoreFolder {
  readonly folder: string;
  /** The database file that `open` means; a test may choose another. */
  file: string;
  readonly open: (options?: { timeoutMs?: number; signal?: AbortSignal }) => Promise<Target>;
  readonly closeAll: () => Promise<void>;
  /** Opens the file directly, as another program would. */
  readonly withDatabase: <T>(work: (db: Database.Database) => T) => T;
  /** Makes a store with one experiment `e` and one run in it, closed. */
  readonly make: () => Promise<void>;
}

/** Makes a folder before each test and removes it after; call it at the top of a file. */
export function useStoreFolder(): () => StoreFolder {
  let current: StoreFolder | null = null;
  beforeEach(async () => {
    current = createStoreFolder(await mkdtemp(join(tmpdir(), 'langfuse-mlflow-store-')));
  });
  afterEach(async () => {
    await current?.closeAll();
    if (current !== null) await rm(current.folder, { recursive: true, force: true });
  });
  return () => {
    if (current === null) throw new Error('only inside a test');
    return current;
  };
}

function createStoreFolder(folder: string): StoreFolder {
  const opened: Target[] = [];
  const store: StoreFolder = {
    folder,
    file: join(folder, 'mlflow.db'),
    async open(options = {}) {
      const trackingUri = `sqlite:///${store.file}`;
      const target = await openLocalTarget({
        trackingUri,
        timeoutMs: 1000,
        clock: systemClock,
        ...options,
      });
      opened.push(target);
      return target;
    },
    async closeAll() {
      for (const target of opened.splice(0)) await target[Symbol.asyncDispose]();
    },
    withDatabase(work) {
      const db = new Database(store.file);
      try {
        return work(db);
      } finally {
        db.close();
      }
    },
    async make() {
      const target = await store.open();
      const { experimentId } = await target.ensureExperiment('e');
      await target.createRun(aRun(experimentId, 'first'));
      await store.closeAll();
    },
  };
  return store;
}

export function aRun(experimentId: string, name: string): CreateRun {
  return { experimentId, name, startMs: 1, tags: { 'langfuse_mlflow.key': aKey(name) } };
}
