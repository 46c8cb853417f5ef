/** Which traces were written to which MLflow. Written ahead of every call that writes one. */
import type { State } from './open-state.ts';

export interface TraceEntry {
  readonly traceId: string;
  readonly windowFromMs: number;
  readonly mlflowId: string;
  /** `writing`: what MLflow holds is not sure. */
  readonly state: 'writing' | 'done';
  readonly hash: string;
  /** Names of all that may be in MLflow: what is missing of them later can only be taken away with the whole trace. */
  readonly parts: readonly string[];
}

export interface TraceLedger {
  readonly isEmpty: () => boolean;
  get(traceId: string): TraceEntry | null;
  put(entries: readonly TraceEntry[], updatedMs: number): void;
  remove(traceIds: readonly string[]): void;
  /** Of traces that begin in the window. */
  ofWindow(windowFromMs: number): TraceEntry[];
  all(): TraceEntry[];
}

interface Row {
  trace_id: string;
  window_from_ms: number;
  mlflow_id: string;
  state: TraceEntry['state'];
  hash: string;
  parts: string;
}

/** `assertHeld` throws when another worker has taken over. */
export function openTraceLedger(
  state: State,
  place: { readonly targetId: number; readonly source: string; readonly assertHeld: () => void },
): TraceLedger {
  const { db } = state;
  const { targetId, source } = place;
  const select = 'SELECT * FROM trace_ledger WHERE target_id = ? AND source = ?';
  const put = db.prepare(
    `INSERT INTO trace_ledger (target_id, source, trace_id, window_from_ms, mlflow_id, state, hash, parts, updated_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET window_from_ms = excluded.window_from_ms, mlflow_id = excluded.mlflow_id,
       state = excluded.state, hash = excluded.hash, parts = excluded.parts, updated_ms = excluded.updated_ms`,
  );
  const remove = db.prepare(
    'DELETE FROM trace_ledger WHERE target_id = ? AND source = ? AND trace_id = ?',
  );
  return {
    isEmpty: () => db.prepare(`${select} LIMIT 1`).get(targetId, source) === undefined,
    get: (traceId) => {
      const row = db.prepare(`${select} AND trace_id = ?`).get(targetId, source, traceId);
      return row === undefined ? null : toEntry(row as Row);
    },
    put: db.transaction((entries: readonly TraceEntry[], updatedMs: number) => {
      place.assertHeld();
      for (const entry of entries) {
        put.run(
          targetId,
          source,
          entry.traceId,
          entry.windowFromMs,
          entry.mlflowId,
          entry.state,
          entry.hash,
          JSON.stringify(entry.parts),
          updatedMs,
        );
      }
    }),
    remove: db.transaction((traceIds: readonly string[]) => {
      place.assertHeld();
      for (const traceId of traceIds) remove.run(targetId, source, traceId);
    }),
    ofWindow: (windowFromMs) =>
      (
        db.prepare(`${select} AND window_from_ms = ?`).all(targetId, source, windowFromMs) as Row[]
      ).map(toEntry),
    all: () =>
      (db.prepare(`${select} ORDER BY trace_id`).all(targetId, source) as Row[]).map(toEntry),
  };
}

function toEntry(row: Row): TraceEntry {
  return {
    traceId: row.trace_id,
    windowFromMs: row.window_from_ms,
    mlflowId: row.mlflow_id,
    state: row.state,
    hash: row.hash,
    parts: JSON.parse(row.parts) as string[],
  };
}
