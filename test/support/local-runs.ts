/** Reads the runs of a local `mlflow.db` with plain SQL, in the words of MLflow's own schema. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { ApiPoint, ApiRun } from './mlflow-api.ts';

interface RunRow {
  readonly run_uuid: string;
  readonly name: string;
  readonly status: string;
  readonly start_time: number;
  readonly end_time: number | null;
  readonly artifact_uri: string;
}

interface MetricRow {
  readonly run_uuid: string;
  readonly key: string;
  readonly value: number;
  readonly is_nan: number;
}

/** Every active run, as MLflow's API would give it. */
export function readLocalRuns(folder: string): ApiRun[] {
  return withStore(folder, (db) => {
    const runs = db
      .prepare("SELECT * FROM runs WHERE lifecycle_stage = 'active'")
      .all() as RunRow[];
    const tags = db.prepare('SELECT key, value FROM tags WHERE run_uuid = ?');
    const params = db.prepare('SELECT key, value FROM params WHERE run_uuid = ?');
    const metrics = db.prepare('SELECT key, value, is_nan FROM latest_metrics WHERE run_uuid = ?');
    const textOf = (rows: unknown): Record<string, string> =>
      Object.fromEntries(
        (rows as { key: string; value: string }[]).map(({ key, value }) => [key, value]),
      );
    return runs.map((run) => ({
      runId: run.run_uuid,
      name: run.name,
      status: run.status,
      startMs: run.start_time,
      endMs: run.end_time ?? undefined,
      artifactUri: run.artifact_uri,
      tags: textOf(tags.all(run.run_uuid)),
      params: textOf(params.all(run.run_uuid)),
      metrics: Object.fromEntries(
        (metrics.all(run.run_uuid) as MetricRow[]).map((row) => [row.key, valueOf(row)]),
      ),
    }));
  });
}

/** Every point of a run, by metric, steps in order. */
export function readLocalPoints(folder: string, runId: string): Record<string, ApiPoint[]> {
  return withStore(folder, (db) => {
    const rows = db
      .prepare('SELECT * FROM metrics WHERE run_uuid = ? ORDER BY key, step, timestamp')
      .all(runId) as (MetricRow & { step: number; timestamp: number })[];
    const points: Record<string, ApiPoint[]> = {};
    for (const row of rows) {
      (points[row.key] ??= []).push({
        value: valueOf(row),
        step: row.step,
        timestampMs: row.timestamp,
      });
    }
    return points;
  });
}

const valueOf = (row: MetricRow): number | string => (row.is_nan === 1 ? 'NaN' : row.value);

function withStore<T>(folder: string, work: (db: Database.Database) => T): T {
  const db = new Database(join(folder, 'mlflow.db'), { readonly: true });
  try {
    return work(db);
  } finally {
    db.close();
  }
}
