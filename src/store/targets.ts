/** Where runs are written, and which windows are published there. */
import type { State } from './open-state.ts';
import { prepareOnce } from './prepare-once.ts';

/** The id under which the ledger keeps this MLflow and experiment. */
export function bindTarget(
  state: State,
  target: { readonly uri: string; readonly experimentName: string; readonly experimentId: string },
): number {
  prepareOnce(
    state,
    `INSERT INTO targets (uri, experiment_name, experiment_id) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET experiment_id = excluded.experiment_id`,
  ).run(target.uri, target.experimentName, target.experimentId);
  return findTarget(state, target) ?? 0;
}

/** Null when nothing was ever published there. */
export function findTarget(
  state: State,
  target: { readonly uri: string; readonly experimentName: string },
): number | null {
  const id = prepareOnce(
    state,
    'SELECT target_id FROM targets WHERE uri = ? AND experiment_name = ?',
  )
    .pluck()
    .get(target.uri, target.experimentName);
  return typeof id === 'number' ? id : null;
}

/** Window start to the hash it was last published with. */
export function publishedHashes(
  state: State,
  targetId: number,
  source: string,
): Map<number, string> {
  const rows = prepareOnce(
    state,
    'SELECT from_ms, hash FROM publications WHERE target_id = ? AND source = ?',
  ).all(targetId, source) as { from_ms: number; hash: string }[];
  return new Map(rows.map((row) => [row.from_ms, row.hash]));
}

/** The hash that one window was last published with, or null. */
export function publishedHash(
  state: State,
  publication: { readonly targetId: number; readonly source: string; readonly fromMs: number },
): string | null {
  const hash = prepareOnce(
    state,
    'SELECT hash FROM publications WHERE target_id = @targetId AND source = @source AND from_ms = @fromMs',
  )
    .pluck()
    .get(publication);
  return typeof hash === 'string' ? hash : null;
}

export function putPublication(
  state: State,
  publication: {
    readonly targetId: number;
    readonly source: string;
    readonly fromMs: number;
    readonly hash: string;
    readonly publishedMs: number;
  },
): void {
  prepareOnce(
    state,
    `INSERT INTO publications (target_id, source, from_ms, hash, published_ms)
       VALUES (@targetId, @source, @fromMs, @hash, @publishedMs)
       ON CONFLICT DO UPDATE SET hash = excluded.hash, published_ms = excluded.published_ms`,
  ).run(publication);
}

/** Takes note that the runs of a window are about to change: until it is published again it is not finished. */
export function removePublication(
  state: State,
  publication: { readonly targetId: number; readonly source: string; readonly fromMs: number },
): void {
  prepareOnce(
    state,
    'DELETE FROM publications WHERE target_id = @targetId AND source = @source AND from_ms = @fromMs',
  ).run(publication);
}

export interface TargetRow {
  readonly target_id: number;
  readonly uri: string;
  readonly experiment_name: string;
  readonly experiment_id: string;
  readonly last_published_ms: number | null;
}

/** Every MLflow and experiment that this state was ever published to. */
export function listTargets(state: State): TargetRow[] {
  return prepareOnce(
    state,
    `SELECT target_id, uri, experiment_name, experiment_id,
         (SELECT MAX(published_ms) FROM publications p WHERE p.target_id = t.target_id) AS last_published_ms
       FROM targets t ORDER BY target_id`,
  ).all() as TargetRow[];
}

/** Id of the experiment that was last written to under this name, or null. */
export function storedExperimentId(
  state: State,
  target: { readonly uri: string; readonly experimentName: string },
): string | null {
  const id = prepareOnce(
    state,
    'SELECT experiment_id FROM targets WHERE uri = ? AND experiment_name = ?',
  )
    .pluck()
    .get(target.uri, target.experimentName);
  return typeof id === 'string' ? id : null;
}

/** Forgets every run and publication of a target: nothing of it exists any more. */
export function forgetPublished(state: State, targetId: number): void {
  state.db.transaction(() => {
    for (const table of ['ledger', 'trend_points', 'publications', 'recoveries', 'trace_ledger']) {
      prepareOnce(state, `DELETE FROM ${table} WHERE target_id = ?`).run(targetId);
    }
  })();
}
