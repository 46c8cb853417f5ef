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
  const append = db.transaction((page: Parameters<Staging['append']>[0]) => {
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
  });
  return {
    append: (page) => withoutSync(db, () => append(page)),
    clear,
  };
}

/** SQLite's numbers for how a commit waits for the disk. */
const syncNormal = 1;

/**
 * A page that a power cut takes is read again with its whole window, so that its commit waits for no disk. The next
 * commit that must last waits for all before it.
 */
function withoutSync(db: State['db'], work: () => void): void {
  const before = Number(db.pragma('synchronous', { simple: true }));
  if (before <= syncNormal) return work();
  db.pragma(`synchronous = ${syncNormal}`);
  try {
    work();
  } finally {
    db.pragma(`synchronous = ${before}`);
  }
}
