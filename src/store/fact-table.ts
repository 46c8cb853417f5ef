/** Reads and writes of the tables `facts` and `traces` that folding needs, prepared once. */
import { createHash } from 'node:crypto';
import type { Generation } from '../litellm/generation.ts';
import { withContent } from '../litellm/content.ts';
import { identityOf, parseIdentity } from '../litellm/double-logged.ts';
import type { TraceAttributes } from '../shared/observation.ts';
import { openContents } from './contents.ts';
import { factColumns, type Fact } from './fact.ts';
import type { State } from './open-state.ts';
import { prepareOnce } from './prepare-once.ts';

export interface FactTable {
  /** Identity to row hash of every fact of a window. */
  hashesOfWindow(windowFromMs: number): Map<string, string>;
  otherRowsOfTrace(traceId: string, windowFromMs: number): Fact[];
  put(fact: Fact): void;
  /** Only the time of the last update changed. */
  setUpdated(fact: Fact): void;
  remove(identity: string): void;
  /** Keeps newer attributes and returns those that hold now. */
  putTrace(traceId: string, attributes: TraceAttributes | null): TraceAttributes | null;
  withStoredContent(generation: Generation): Generation;
  contentHashOf(generation: Generation): string | null;
  /** The texts themselves go at the end of the run, where no other call has them. */
  removeContent(generation: Generation): void;
  /** Hash over all facts of a window, and how many there are. */
  hashOfWindow(windowFromMs: number): string;
}

export function openFactTable(state: State, source: string): FactTable {
  const { db } = state;
  const contents = openContents(state);
  const hashes = prepareOnce(
    state,
    'SELECT trace_id, id, row_hash FROM facts WHERE source = ? AND window_from_ms = ?',
  );
  const others = prepareOnce(
    state,
    `SELECT ${factColumns.join(', ')} FROM facts WHERE source = ? AND trace_id = ? AND window_from_ms <> ?`,
  );
  const upsert = prepareOnce(
    state,
    `INSERT INTO facts (${factColumns.join(', ')}) VALUES (${factColumns.map((column) => `@${column}`).join(', ')})
     ON CONFLICT (source, trace_id, id) DO UPDATE SET
       ${factColumns.map((column) => `${column} = excluded.${column}`).join(', ')}`,
  );
  const setUpdated = prepareOnce(
    state,
    'UPDATE facts SET updated_ms = ? WHERE source = ? AND trace_id = ? AND id = ?',
  );
  const remove = prepareOnce(
    state,
    'DELETE FROM facts WHERE source = ? AND trace_id = ? AND id = ?',
  );
  const getTrace = prepareOnce(
    state,
    'SELECT updated_ms, body FROM traces WHERE source = ? AND trace_id = ?',
  );
  const putTrace = prepareOnce(
    state,
    `INSERT INTO traces (source, trace_id, updated_ms, body) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET updated_ms = excluded.updated_ms, body = excluded.body`,
  );
  const removeContent = prepareOnce(
    state,
    'DELETE FROM contents WHERE source = ? AND trace_id = ? AND id = ?',
  );
  const content = prepareOnce(
    state,
    'SELECT content_hash, tool_calls FROM contents WHERE source = ? AND trace_id = ? AND id = ?',
  );
  const contentOf = (
    generation: Generation,
  ): { content_hash: string; tool_calls: number | null } | undefined =>
    content.get(source, generation.traceId, generation.id) as
      | { content_hash: string; tool_calls: number | null }
      | undefined;

  return {
    hashesOfWindow: (windowFromMs) => {
      const rows = hashes.all(source, windowFromMs) as {
        trace_id: string;
        id: string;
        row_hash: string;
      }[];
      return new Map(
        rows.map((row) => [identityOf({ traceId: row.trace_id, id: row.id }), row.row_hash]),
      );
    },
    otherRowsOfTrace: (traceId, windowFromMs) =>
      others.all(source, traceId, windowFromMs) as Fact[],
    put: (fact) => void upsert.run(fact),
    setUpdated: (fact) => void setUpdated.run(fact.updated_ms, source, fact.trace_id, fact.id),
    remove: (identity) => {
      const { traceId, id } = parseIdentity(identity);
      remove.run(source, traceId, id);
    },
    putTrace: (traceId, attributes) => {
      const stored = getTrace.get(source, traceId) as
        | { updated_ms: number; body: string }
        | undefined;
      if (attributes === null) return stored ? (JSON.parse(stored.body) as TraceAttributes) : null;
      const updatedMs = attributes.updatedMs ?? 0;
      if (stored && stored.updated_ms > updatedMs)
        return JSON.parse(stored.body) as TraceAttributes;
      const body = JSON.stringify(attributes);
      if (stored?.body !== body) putTrace.run(source, traceId, updatedMs, body);
      return attributes;
    },
    withStoredContent: (generation) => {
      const stored = contentOf(generation);
      if (!stored) return generation;
      const needsText = generation.isError
        ? generation.statusMessage === null
        : generation.tokens === null;
      if (!needsText) return { ...generation, toolCalls: stored.tool_calls };
      const output = contents.get({ source, ...generation })?.output ?? null;
      return withContent(generation, { input: null, output });
    },
    contentHashOf: (generation) => contentOf(generation)?.content_hash ?? null,
    removeContent: ({ traceId, id }) => void removeContent.run(source, traceId, id),
    hashOfWindow: (windowFromMs) => {
      const rows = db
        .prepare(
          'SELECT row_hash FROM facts WHERE source = ? AND window_from_ms = ? ORDER BY trace_id, id',
        )
        .pluck()
        .iterate(source, windowFromMs) as IterableIterator<string>;
      const hash = createHash('sha256');
      for (const row of rows) hash.update(row);
      return hash.digest('hex').slice(0, 32);
    },
  };
}
