/** Streams what is staged, trace by trace, newest row of each identity. */
import type Database from 'better-sqlite3';
import type { Generation } from '../litellm/generation.ts';
import type { TraceAttributes } from '../shared/observation.ts';

export interface StagedTrace {
  readonly traceId: string;
  readonly generations: readonly Generation[];
  readonly attributes: TraceAttributes | null;
  readonly duplicateRows: number;
}

interface StagedRow {
  readonly trace_id: string;
  /** Null for the attributes of a trace. */
  readonly id: string | null;
  readonly body: string;
}

interface OpenTrace {
  readonly traceId: string;
  readonly generations: Generation[];
  attributes: TraceAttributes | null;
  duplicateRows: number;
}

/** Memory holds one trace at a time. Equal update times are decided by the text, so the order of pages never matters. */
export function* stagedTraces(reader: Database.Database): IterableIterator<StagedTrace> {
  const rows = reader
    .prepare(
      `SELECT trace_id, id, updated_ms, body FROM staged_generations
       UNION ALL
       SELECT trace_id, NULL, updated_ms, body FROM staged_traces
       ORDER BY 1, 2, 3 DESC, 4 DESC`,
    )
    .iterate() as IterableIterator<StagedRow>;
  let current: OpenTrace | undefined;
  let lastId: string | null = null;
  for (const row of rows) {
    if (current?.traceId !== row.trace_id) {
      if (current) yield current;
      current = { traceId: row.trace_id, generations: [], attributes: null, duplicateRows: 0 };
      lastId = null;
    }
    if (row.id === null) {
      current.attributes ??= JSON.parse(row.body) as TraceAttributes;
    } else if (row.id === lastId) {
      current.duplicateRows += 1;
    } else {
      current.generations.push(JSON.parse(row.body) as Generation);
      lastId = row.id;
    }
  }
  if (current) yield current;
}
