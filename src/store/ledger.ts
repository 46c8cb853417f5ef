/** The run ledger: what was written to MLflow under which run key. Written ahead of every `runs/create`. */
import type { State } from './open-state.ts';
import { prepareOnce } from './prepare-once.ts';

export interface LedgerEntry {
  readonly key: string;
  readonly source: string;
  readonly grain: string;
  readonly windowFromMs: number | null;
  /** The model, session or generation that the run stands for; `''` for a window. */
  readonly subject: string;
  /** `creating`: a create may have been sent; `writing`: the run exists, its content is not complete; `done`. */
  readonly state: 'creating' | 'writing' | 'done';
  readonly runId: string | null;
  readonly artifactUri: string | null;
  readonly revision: number;
  /** Content hash that is published (`done`) or being written. */
  readonly hash: string;
  /** The run in MLflow that it was nested under. */
  readonly parentRunId: string | null;
  /** Every metric that may be in MLflow: written ahead, so that none is forgotten when it must be retracted. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Path to source hash of every artifact that may be in MLflow; `''` while it is not sure which version is. */
  readonly artifacts: Readonly<Record<string, string>>;
  /** Names of the tags that may be in MLflow. */
  readonly tags: readonly string[];
}

export interface TrendPoint {
  readonly key: string;
  readonly step: number;
  readonly revision: number;
  readonly hash: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly state: 'writing' | 'done';
}

export interface Ledger {
  get(key: string): LedgerEntry | null;
  put(entry: LedgerEntry, updatedMs: number): void;
  remove(key: string): void;
  /**
   * Takes note that a run is gone from MLflow: windows with runs nested under it are no longer published as they
   * should be.
   */
  orphanChildren(runId: string): void;
  /** Entries of a grain in a window. */
  ofWindow(source: string, grain: string, windowFromMs: number): LedgerEntry[];
  ofGrain(source: string, grain: string): LedgerEntry[];
  getPoint(key: string, step: number): TrendPoint | null;
  putPoint(point: TrendPoint): void;
  pointsOfStep(step: number): TrendPoint[];
  removePoint(key: string, step: number): void;
  /** Hash over all points of a trend run. */
  points(key: string): TrendPoint[];
}

interface LedgerRow {
  key: string;
  source: string;
  grain: string;
  window_from_ms: number | null;
  subject: string;
  state: LedgerEntry['state'];
  run_id: string | null;
  artifact_uri: string | null;
  revision: number;
  hash: string;
  parent_run_id: string | null;
  metrics: string;
  artifacts: string;
  tags: string;
}

/** `assertHeld` is called in the transaction of each write and throws when another worker has taken over. */
export function openLedger(
  state: State,
  targetId: number,
  assertHeld: () => void = () => {},
): Ledger {
  const { db } = state;
  const guarded = db.transaction((write: () => void) => {
    assertHeld();
    write();
  });
  const get = prepareOnce(state, 'SELECT * FROM ledger WHERE target_id = ? AND key = ?');
  const put = prepareOnce(
    state,
    `INSERT INTO ledger (target_id, key, source, grain, window_from_ms, subject, state, run_id, artifact_uri,
       revision, hash, parent_run_id, metrics, artifacts, tags, updated_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET state = excluded.state, run_id = excluded.run_id, artifact_uri = excluded.artifact_uri,
       window_from_ms = excluded.window_from_ms, revision = excluded.revision, hash = excluded.hash,
       parent_run_id = excluded.parent_run_id, metrics = excluded.metrics, artifacts = excluded.artifacts,
       tags = excluded.tags, updated_ms = excluded.updated_ms`,
  );
  const remove = prepareOnce(state, 'DELETE FROM ledger WHERE target_id = ? AND key = ?');
  const orphan = prepareOnce(
    state,
    `DELETE FROM publications WHERE target_id = @targetId AND (source, from_ms) IN
       (SELECT source, window_from_ms FROM ledger WHERE target_id = @targetId AND parent_run_id = @runId)`,
  );
  const ofWindow = prepareOnce(
    state,
    'SELECT * FROM ledger WHERE target_id = ? AND source = ? AND grain = ? AND window_from_ms = ? ORDER BY key',
  );
  const ofGrain = prepareOnce(
    state,
    'SELECT * FROM ledger WHERE target_id = ? AND source = ? AND grain = ? ORDER BY key',
  );
  const getPoint = prepareOnce(
    state,
    'SELECT * FROM trend_points WHERE target_id = ? AND key = ? AND step = ?',
  );
  const points = prepareOnce(
    state,
    'SELECT * FROM trend_points WHERE target_id = ? AND key = ? ORDER BY step',
  );
  const pointsOfStep = prepareOnce(
    state,
    'SELECT * FROM trend_points WHERE target_id = ? AND step = ? ORDER BY key',
  );
  const removePoint = prepareOnce(
    state,
    'DELETE FROM trend_points WHERE target_id = ? AND key = ? AND step = ?',
  );
  const putPoint = prepareOnce(
    state,
    `INSERT INTO trend_points (target_id, key, step, revision, hash, metrics, state) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET revision = excluded.revision, hash = excluded.hash, metrics = excluded.metrics,
       state = excluded.state`,
  );
  return {
    get: (key) => toEntry(get.get(targetId, key)),
    put: (entry, updatedMs) =>
      guarded.immediate(() => {
        put.run(
          targetId,
          entry.key,
          entry.source,
          entry.grain,
          entry.windowFromMs,
          entry.subject,
          entry.state,
          entry.runId,
          entry.artifactUri,
          entry.revision,
          entry.hash,
          entry.parentRunId,
          JSON.stringify(entry.metrics),
          JSON.stringify(entry.artifacts),
          JSON.stringify(entry.tags),
          updatedMs,
        );
      }),
    remove: (key) => guarded.immediate(() => void remove.run(targetId, key)),
    orphanChildren: (runId) => guarded.immediate(() => void orphan.run({ targetId, runId })),
    ofWindow: (source, grain, windowFromMs) =>
      ofWindow.all(targetId, source, grain, windowFromMs).flatMap((row) => toEntry(row) ?? []),
    ofGrain: (source, grain) =>
      ofGrain.all(targetId, source, grain).flatMap((row) => toEntry(row) ?? []),
    getPoint: (key, step) => toPoint(getPoint.get(targetId, key, step)),
    putPoint: (point) =>
      guarded.immediate(() => {
        putPoint.run(
          targetId,
          point.key,
          point.step,
          point.revision,
          point.hash,
          JSON.stringify(point.metrics),
          point.state,
        );
      }),
    pointsOfStep: (step) => pointsOfStep.all(targetId, step).flatMap((row) => toPoint(row) ?? []),
    removePoint: (key, step) => guarded.immediate(() => void removePoint.run(targetId, key, step)),
    points: (key) => points.all(targetId, key).flatMap((row) => toPoint(row) ?? []),
  };
}

function toEntry(value: unknown): LedgerEntry | null {
  if (value === undefined) return null;
  const row = value as LedgerRow;
  return {
    key: row.key,
    source: row.source,
    grain: row.grain,
    windowFromMs: row.window_from_ms,
    subject: row.subject,
    state: row.state,
    runId: row.run_id,
    artifactUri: row.artifact_uri,
    revision: row.revision,
    hash: row.hash,
    parentRunId: row.parent_run_id,
    metrics: JSON.parse(row.metrics) as Record<string, number>,
    artifacts: JSON.parse(row.artifacts) as Record<string, string>,
    tags: JSON.parse(row.tags) as string[],
  };
}

function toPoint(value: unknown): TrendPoint | null {
  if (value === undefined) return null;
  const row = value as {
    key: string;
    step: number;
    revision: number;
    hash: string;
    metrics: string;
    state: TrendPoint['state'];
  };
  return {
    key: row.key,
    step: row.step,
    revision: row.revision,
    hash: row.hash,
    metrics: JSON.parse(row.metrics) as Record<string, number>,
    state: row.state,
  };
}
