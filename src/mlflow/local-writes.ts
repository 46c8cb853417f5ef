/**
 * What each write does to the tables of an MLflow store, as MLflow's own store does it
 * (`mlflow/store/tracking/sqlalchemy_store.py`). Synchronous, inside a transaction of local-session.ts.
 */
import { createHash, randomUUID } from 'node:crypto';
import { AppError } from '../shared/errors.ts';
import type { CreateRun, LogBatch, RunRef, RunStatus } from '../sync/ports.ts';
import {
  toParamPairs,
  toTagPairs,
  toUpdateRunBody,
  toWireMetrics,
  type WirePair,
} from './bodies.ts';
import { maxArtifactUriLength, toRunName, toTimeMs } from './limits.ts';
import { artifactFolder } from './local-artifacts.ts';
import type { OpenStore } from './local-session.ts';
import { toDeletedExperiment, type FoundExperiment } from './experiments.ts';
import { cutCodePoints, toCleanText } from './text.ts';
import { toMissingParams } from './params.ts';
import { keyTag } from './keys.ts';

/** `runs.user_id` is a VARCHAR(256). */
const maxUserIdLength = 256;

interface ExperimentRow {
  readonly experiment_id: number;
  readonly name: string;
  readonly artifact_location: string | null;
  readonly lifecycle_stage: string;
}

/** The experiment of that name, deleted ones included; of the default workspace, which is what a plain `mlflow ui` shows. */
export function readExperiment(store: OpenStore, name: string): FoundExperiment | null {
  const inWorkspace = store.schema.hasWorkspaces ? "AND workspace = 'default'" : '';
  const row = store
    .prepare(
      `SELECT experiment_id, name, artifact_location, lifecycle_stage FROM experiments WHERE name = ? ${inWorkspace}`,
    )
    .get(name) as ExperimentRow | undefined;
  if (row === undefined) return null;
  return {
    experiment: {
      experimentId: String(row.experiment_id),
      name: row.name,
      artifactLocation: row.artifact_location ?? '',
      tags: readExperimentTags(store, row.experiment_id),
    },
    isActive: row.lifecycle_stage === 'active',
  };
}

/** Creates an experiment whose artifacts lie beside the store. */
export function insertExperiment(store: OpenStore, name: string, nowMs: number): FoundExperiment {
  const { lastInsertRowid } = store
    .prepare(
      `INSERT INTO experiments (name, lifecycle_stage, creation_time, last_update_time)
       VALUES (@name, 'active', @nowMs, @nowMs)`,
    )
    .run({ name, nowMs });
  const experimentId = String(lastInsertRowid);
  const artifactLocation = `${artifactFolder}/${experimentId}`;
  store
    .prepare('UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?')
    .run(artifactLocation, experimentId);
  return { experiment: { experimentId, name, artifactLocation, tags: {} }, isActive: true };
}

function readExperimentTags(store: OpenStore, experimentId: number): Record<string, string> {
  const rows = store
    .prepare('SELECT "key", value FROM experiment_tags WHERE experiment_id = ?')
    .all(experimentId) as { readonly key: string; readonly value: string | null }[];
  return Object.fromEntries(rows.map(({ key, value }) => [key, value ?? '']));
}

export function upsertExperimentTag(
  store: OpenStore,
  tag: { readonly experimentId: string; readonly key: string; readonly value: string },
): void {
  const upsert = store.prepare(
    `INSERT INTO experiment_tags ("key", value, experiment_id) VALUES (?, ?, ?)
     ON CONFLICT ("key", experiment_id) DO UPDATE SET value = excluded.value`,
  );
  for (const { key, value } of toTagPairs({ [tag.key]: tag.value }))
    upsert.run(key, value, Number(tag.experimentId));
}

/**
 * Creates a run. A run with a key gets an id made from it, so that two workers who both miss it and create
 * it end with one: the second is given the first's run, with its tags written over.
 */
export function insertRun(store: OpenStore, run: CreateRun): RunRef {
  const experiment = store
    .prepare(
      'SELECT experiment_id, name, artifact_location, lifecycle_stage FROM experiments WHERE experiment_id = ?',
    )
    .get(run.experimentId) as ExperimentRow | undefined;
  if (experiment === undefined)
    throw new AppError(
      'MLFLOW_REJECTED',
      `The MLflow store has no experiment ${run.experimentId}.`,
    );
  if (experiment.lifecycle_stage !== 'active') {
    throw toDeletedExperiment({ experimentId: run.experimentId, name: experiment.name });
  }
  const name = toRunName(run.name);
  const tags = { ...run.tags, 'mlflow.runName': name };
  const chosenId = toRunId(run);
  const taken = store
    .prepare('SELECT artifact_uri, lifecycle_stage, experiment_id FROM runs WHERE run_uuid = ?')
    .get(chosenId) as
    | { artifact_uri: string; lifecycle_stage: string; experiment_id: number }
    | undefined;
  if (taken?.lifecycle_stage === 'active') {
    upsertTags(store, chosenId, toTagPairs(tags));
    return { runId: chosenId, artifactUri: taken.artifact_uri };
  }
  // A run that was deleted keeps its id until `mlflow gc`.
  const runId = taken === undefined ? chosenId : toRandomRunId();
  const artifactUri = `${(experiment.artifact_location ?? '').replace(/\/+$/, '')}/${runId}/artifacts`;
  if (artifactUri.length > maxArtifactUriLength) {
    throw new AppError(
      'MLFLOW_ARTIFACTS_UNSUPPORTED',
      `The artifact location of the experiment ${JSON.stringify(experiment.name)} is too long for MLflow (${maxArtifactUriLength} characters with the run's id).`,
    );
  }
  store
    .prepare(
      `INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,
         end_time, source_version, lifecycle_stage, artifact_uri, experiment_id, deleted_time)
       VALUES (@runId, @name, 'UNKNOWN', '', '', @userId, 'RUNNING', @startMs,
         NULL, '', 'active', @artifactUri, @experimentId, NULL)`,
    )
    .run({
      runId,
      name,
      userId: cutCodePoints(toCleanText(run.tags['mlflow.user'] ?? ''), maxUserIdLength),
      startMs: toTimeMs(run.startMs),
      artifactUri,
      experimentId: experiment.experiment_id,
    });
  upsertTags(store, runId, toTagPairs(tags));
  return { runId, artifactUri };
}

function toRunId(run: CreateRun): string {
  const key = run.tags[keyTag];
  if (key === undefined) return toRandomRunId();
  return createHash('sha256').update(`${run.experimentId}\n${key}`).digest('hex').slice(0, 32);
}

function toRandomRunId(): string {
  return randomUUID().replaceAll('-', '');
}

function checkRunIsActive(store: OpenStore, runId: string): void {
  const stage = store
    .prepare('SELECT lifecycle_stage FROM runs WHERE run_uuid = ?')
    .pluck()
    .get(runId);
  if (stage === 'active') return;
  throw new AppError(
    'MLFLOW_REJECTED',
    `The MLflow store has no active run ${runId}${stage === undefined ? '' : ' (it has been deleted)'}.`,
    { details: { runId } },
  );
}

/** Params first, so that a refused one leaves the run as it was. */
export function writeBatch(store: OpenStore, batch: LogBatch): void {
  const { runId } = batch;
  checkRunIsActive(store, runId);
  insertParams(store, runId, toParamPairs(batch.params));
  const insertMetric = store.prepare(
    `INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)
     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  // MLflow shows the greatest by (step, timestamp, value), not the last that was written.
  const raiseLatest = store.prepare(
    `INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (key, run_uuid) DO UPDATE
     SET value = excluded.value, timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan
     WHERE (excluded.step, excluded.timestamp, excluded.value)
         > (latest_metrics.step, coalesce(latest_metrics.timestamp, -1), latest_metrics.value)`,
  );
  for (const metric of toWireMetrics(batch.metrics)) {
    // MLflow keeps NaN as 0 with a mark.
    const [value, isNan] = metric.value === 'NaN' ? [0, 1] : [metric.value, 0];
    const { key, timestamp, step } = metric;
    insertMetric.run(key, value, timestamp, runId, step, isNan);
    raiseLatest.run(key, value, timestamp, runId, step, isNan);
  }
  upsertTags(store, runId, toTagPairs(batch.tags));
}

function insertParams(store: OpenStore, runId: string, params: readonly WirePair[]): void {
  if (params.length === 0) return;
  const rows = store
    .prepare('SELECT key, value FROM params WHERE run_uuid = ?')
    .all(runId) as WirePair[];
  const present = Object.fromEntries(rows.map(({ key, value }) => [key, value]));
  const insert = store.prepare('INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)');
  for (const { key, value } of toMissingParams({ runId, params: present }, params))
    insert.run(key, value, runId);
}

function upsertTags(store: OpenStore, runId: string, tags: readonly WirePair[]): void {
  const upsert = store.prepare(
    'INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?) ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value',
  );
  for (const { key, value } of tags) {
    upsert.run(key, value, runId);
    if (key === keyTag) store.keyIndex.add(value, runId);
  }
}

export function updateRunRow(
  store: OpenStore,
  update: {
    readonly runId: string;
    readonly status: RunStatus;
    readonly endMs?: number;
    readonly name?: string;
  },
): void {
  checkRunIsActive(store, update.runId);
  const body = toUpdateRunBody(update);
  store
    .prepare(
      `UPDATE runs SET status = @status, end_time = coalesce(@endMs, end_time), name = coalesce(@name, name)
       WHERE run_uuid = @runId`,
    )
    .run({
      runId: update.runId,
      status: body.status,
      endMs: body.end_time ?? null,
      name: body.run_name ?? null,
    });
  if (body.run_name !== undefined)
    upsertTags(store, update.runId, [{ key: 'mlflow.runName', value: body.run_name }]);
}

export function deleteRunRow(
  store: OpenStore,
  run: { readonly runId: string; readonly nowMs: number },
): void {
  const { changes } = store
    .prepare(
      "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = @nowMs WHERE run_uuid = @runId",
    )
    .run(run);
  if (changes === 0)
    throw new AppError('MLFLOW_REJECTED', `The MLflow store has no run ${run.runId}.`);
}
