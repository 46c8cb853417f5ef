/**
 * Runs of a local store by their keys. MLflow has no index over the values of tags, so a look-up reads every
 * key in the store; this remembers them until another program writes to the file.
 */
import type Database from 'better-sqlite3';
import { keyTag } from './keys.ts';

export interface KeyIndex {
  /** Ids of runs that may have one of these keys: all that have, and perhaps some that no longer do. */
  find(prepare: (sql: string) => Database.Statement, keys: readonly string[]): string[];
  /** To be told of every key that this connection writes. Also when it is rolled back: one too many does no harm. */
  add(key: string, runId: string): void;
}

export function createKeyIndex(): KeyIndex {
  const runIds = new Map<string, string[]>();
  let version: unknown = null;

  function add(key: string, runId: string): void {
    const known = runIds.get(key);
    if (known === undefined) runIds.set(key, [runId]);
    else if (!known.includes(runId)) known.push(runId);
  }

  return {
    add,
    find(prepare, keys) {
      // Changes when another connection has committed (https://www.sqlite.org/pragma.html#pragma_data_version).
      const current = prepare('PRAGMA data_version').pluck().get();
      if (current !== version) {
        runIds.clear();
        const rows = prepare('SELECT value, run_uuid FROM tags WHERE key = ?')
          .raw()
          .all(keyTag) as [string, string][];
        for (const [key, runId] of rows) add(key, runId);
        version = current;
      }
      return keys.flatMap((key) => runIds.get(key) ?? []);
    },
  };
}
