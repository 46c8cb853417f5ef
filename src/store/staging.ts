/** The append-only landing place of one window that is being read. */
import type { Generation } from '../litellm/generation.ts';
import type { TraceAttributes } from '../shared/observation.ts';
import type { State } from './open-state.ts';

export interface Staging {
  /** Appends one page in one transaction. */
  append(page: {
    readonly generations: readonly Generation[];
    readonly traces: readonly TraceAttributes[];
  }): void;
  /** Throws away all that is staged. */
  clear(): void;
}

/** Opens the landing place empty: what a crashed worker left is thrown away, its window is read again whole. */
export function openStaging(state: State): Staging {
  const { db } = state;
  const addGeneration = db.prepare(
    `INSERT INTO staged_generations (trace_id, id, updated_ms, call_id, response_id, body)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const addTrace = db.prepare(
    'INSERT INTO staged_traces (trace_id, updated_ms, body) VALUES (?, ?, ?)',
  );
  const clear = (): void => {
    db.exec('DELETE FROM staged_generations; DELETE FROM staged_traces; DELETE FROM staged_spans');
  };
  clear();
  return {
    append: db.transaction((page: Parameters<Staging['append']>[0]) => {
      for (const generation of page.generations) {
        addGeneration.run(
          generation.traceId,
          generation.id,
          generation.updatedMs ?? 0,
          generation.callId,
          generation.responseId,
          JSON.stringify(generation),
        );
      }
      for (const trace of page.traces) {
        addTrace.run(trace.traceId, trace.updatedMs ?? 0, JSON.stringify(trace));
      }
    }),
    clear,
  };
}
