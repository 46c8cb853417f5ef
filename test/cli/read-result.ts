/** What a worker leaves in its state file and in MLflow's local store. */
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** All facts, and each run by its key with its content's hash: what two states must agree on. */
export function readResult(path: string): unknown {
  using state = openReadOnly(join(path, 'langfuse-mlflow.db'));
  using mlflow = openReadOnly(join(path, 'mlflow.db'));
  return {
    facts: state.db.prepare('SELECT * FROM facts ORDER BY trace_id, id').all(),
    runs: mlflow.db
      .prepare(
        `SELECT key.value AS key, hash.value AS hash, runs.status FROM runs
         JOIN tags key ON key.run_uuid = runs.run_uuid AND key.key = 'langfuse_mlflow.key'
         LEFT JOIN tags hash ON hash.run_uuid = runs.run_uuid AND hash.key = 'langfuse_mlflow.hash'
         WHERE runs.lifecycle_stage = 'active' ORDER BY key.value`,
      )
      .all(),
  };
}

export function openReadOnly(path: string): Disposable & { readonly db: Database.Database } {
  const db = new Database(path, { readonly: true });
  return { db, [Symbol.dispose]: () => db.close() };
}
