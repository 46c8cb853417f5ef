/** Whether a SQLite file is an MLflow store that the worker knows how to fill. Reads only. */
import type Database from 'better-sqlite3';
import { AppError } from '../shared/errors.ts';

/** The columns that the worker fills, by table. Everything else must have a default or be nullable. */
const filledColumns = {
  experiments: [
    'experiment_id',
    'name',
    'artifact_location',
    'lifecycle_stage',
    'creation_time',
    'last_update_time',
  ],
  runs: [
    'run_uuid',
    'name',
    'source_type',
    'source_name',
    'entry_point_name',
    'user_id',
    'status',
    'start_time',
    'end_time',
    'source_version',
    'lifecycle_stage',
    'artifact_uri',
    'experiment_id',
    'deleted_time',
  ],
  metrics: ['key', 'value', 'timestamp', 'run_uuid', 'step', 'is_nan'],
  latest_metrics: ['key', 'value', 'timestamp', 'step', 'is_nan', 'run_uuid'],
  params: ['key', 'value', 'run_uuid'],
  tags: ['key', 'value', 'run_uuid'],
} as const;

interface ColumnRow {
  readonly name: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
}

export interface StoreSchema {
  /** The Alembic revision. */
  readonly revision: string;
  /** MLflow 3.10 and later keep experiments of several workspaces in one table. */
  readonly hasWorkspaces: boolean;
  /** SQLite's own counter of schema changes at the time of the check. */
  readonly schemaVersion: number;
}

/**
 * Checks the store behind `db`. Throws MLFLOW_STORE_UNKNOWN, naming what is not recognised, when it is not
 * MLflow's or has a column that must be filled and is not known here.
 */
export function checkStoreSchema(db: Database.Database, path: string): StoreSchema {
  const unknown = (reason: string): AppError =>
    new AppError(
      'MLFLOW_STORE_UNKNOWN',
      `${path} is not an MLflow store that can be written to: ${reason}.`,
      {
        details: { path, reason },
      },
    );
  const schemaVersion = db.pragma('schema_version', { simple: true }) as number;
  const revision = readRevision(db);
  if (revision === null) throw unknown('it has no MLflow schema revision (table alembic_version)');
  let hasWorkspaces = false;
  for (const [table, filled] of Object.entries(filledColumns)) {
    const columns = db
      .prepare('SELECT name, "notnull", dflt_value FROM pragma_table_info(?)')
      .all(table) as ColumnRow[];
    if (columns.length === 0) throw unknown(`it has no table ${table}`);
    const names = new Set(columns.map(({ name }) => name));
    const missing = filled.filter((name) => !names.has(name));
    if (missing.length > 0) throw unknown(`its table ${table} lacks ${missing.join(', ')}`);
    const known: readonly string[] = filled;
    const mustFill = columns.filter(
      (column) =>
        column.notnull === 1 && column.dflt_value === null && !known.includes(column.name),
    );
    if (mustFill.length > 0) {
      const list = mustFill.map(({ name }) => name).join(', ');
      throw unknown(
        `its table ${table} (revision ${revision}) requires columns of a newer MLflow: ${list}`,
      );
    }
    if (table === 'experiments') hasWorkspaces = names.has('workspace');
  }
  return { revision, hasWorkspaces, schemaVersion };
}

function readRevision(db: Database.Database): string | null {
  const table = db
    .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
    .get();
  if (table === undefined) return null;
  const columns = db.prepare("SELECT name FROM pragma_table_info('alembic_version')").pluck().all();
  if (!columns.includes('version_num')) return null;
  const revision = db.prepare('SELECT version_num FROM alembic_version LIMIT 1').pluck().get();
  return typeof revision === 'string' ? revision : null;
}
