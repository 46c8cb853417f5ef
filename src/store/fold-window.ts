/**
 * Folds what was staged into facts: newest row of each identity, double logging dropped, traces resolved
 * from all their rows (also those of other windows), the window replaced whole, in one transaction.
 */
import type { Generation, ResolvedGeneration } from '../litellm/generation.ts';
import { identityOf, parseIdentity } from '../litellm/double-logged.ts';
import { resolveTrace } from '../litellm/resolve-trace.ts';
import type { TraceAttributes } from '../shared/observation.ts';
import type { Interval } from '../shared/time.ts';
import {
  findDoubleLoggedInTrace,
  findDoubleLoggedOverTraces,
  findStillDropped,
} from './double-logging.ts';
import { toFact, toResolvedGeneration, type Fact } from './fact.ts';
import { openFactTable, type FactTable } from './fact-table.ts';
import type { State } from './open-state.ts';
import { stagedTraces } from './staged-traces.ts';

export interface FoldResult {
  /** Rows of the window after folding, double-logged ones included. */
  readonly facts: number;
  readonly duplicateRows: number;
  /** Starts of the other windows whose facts changed: a late row changed a trace, or a row moved. */
  readonly touchedWindows: readonly number[];
}

interface Fold {
  readonly state: State;
  readonly source: string;
  readonly window: Interval;
  readonly table: FactTable;
  readonly readsText: (generation: Generation) => boolean;
  readonly keepsText: (generation: ResolvedGeneration) => boolean;
  readonly droppedOverTraces: ReadonlySet<string>;
  readonly touched: Set<number>;
  /** Identity to row hash of what the window held before; entries left at the end are gone from Langfuse. */
  readonly before: Map<string, string>;
}

/**
 * Must run inside a transaction of `state.db`; reads staged rows over `state.reader`, which were committed before.
 * With `traces` only those are staged, and the window's other rows stay as they are.
 */
export function foldWindow(
  state: State,
  place: {
    readonly source: string;
    readonly window: Interval;
    /** Of which calls the text was read: what is stored of others is from an earlier reading. Default: of all. */
    readonly readsText?: (generation: Generation) => boolean;
    /** Of which calls the text stays; default: of all. */
    readonly keepsText?: (generation: ResolvedGeneration) => boolean;
    readonly traces?: ReadonlySet<string>;
  },
): FoldResult {
  const table = openFactTable(state, place.source);
  const fold: Fold = {
    state,
    source: place.source,
    window: place.window,
    readsText: place.readsText ?? (() => true),
    keepsText: place.keepsText ?? (() => true),
    table,
    droppedOverTraces: findDoubleLoggedOverTraces(state, place),
    touched: new Set(),
    before: rowsBefore(table, place),
  };
  const gone = new Set([...fold.before.keys()].map(toTraceId));
  let facts = 0;
  let duplicateRows = 0;
  const folded = new Set<string>();
  for (const staged of stagedTraces(state.reader)) {
    gone.delete(staged.traceId);
    if (fold.droppedOverTraces.size > 0) folded.add(staged.traceId);
    duplicateRows += staged.duplicateRows;
    facts += foldTrace(fold, staged);
  }
  // Traces of which Langfuse has no row in this window any more: their other rows are resolved without them.
  for (const identity of fold.before.keys()) table.remove(identity);
  // Rows of neighbouring windows that turned out to be the second log of a call of this window.
  for (const traceId of [...fold.droppedOverTraces].map(toTraceId)) {
    if (!folded.has(traceId)) gone.add(traceId);
  }
  for (const traceId of gone) foldTrace(fold, { traceId, generations: [], attributes: null });
  fold.touched.delete(place.window.fromMs);
  return { facts, duplicateRows, touchedWindows: [...fold.touched].sort((a, b) => a - b) };
}

function rowsBefore(
  table: FactTable,
  { window, traces }: Parameters<typeof foldWindow>[1],
): Map<string, string> {
  const all = table.hashesOfWindow(window.fromMs);
  if (traces === undefined) return all;
  return new Map([...all].filter(([identity]) => traces.has(toTraceId(identity))));
}

function foldTrace(
  fold: Fold,
  staged: {
    readonly traceId: string;
    readonly generations: readonly Generation[];
    readonly attributes: TraceAttributes | null;
  },
): number {
  const { table, window } = fold;
  const attributes = table.putTrace(staged.traceId, staged.attributes);
  const others = table.otherRowsOfTrace(staged.traceId, window.fromMs);
  if (staged.generations.length === 0 && others.length === 0) return 0;
  const elsewhere = new Map(others.map((fact) => [identityOf(toIdentity(fact)), fact]));

  const mine: Generation[] = [];
  for (const generation of staged.generations) {
    const twin = elsewhere.get(identityOf(generation));
    if (twin) {
      // The row's start time moved over a window edge: the newest version tells where it belongs.
      if ((twin.updated_ms ?? 0) > (generation.updatedMs ?? 0)) continue;
      table.remove(identityOf(generation));
      fold.touched.add(twin.window_from_ms);
      elsewhere.delete(identityOf(generation));
    }
    mine.push(fold.readsText(generation) ? table.withStoredContent(generation) : generation);
  }

  const all = [...mine, ...[...elsewhere.values()].map(toResolvedGeneration)];
  const dropped = findDoubleLoggedInTrace(all);
  const stillDropped = findStillDropped(
    fold.state,
    { source: fold.source, windowFromMs: window.fromMs },
    [...elsewhere.values()],
  );
  const isDropped = (generation: Generation): boolean =>
    dropped.has(identityOf(generation)) ||
    stillDropped.has(identityOf(generation)) ||
    fold.droppedOverTraces.has(identityOf(generation));
  const resolved: ResolvedGeneration[] = [
    ...resolveTrace({
      generations: all.filter((generation) => !isDropped(generation)),
      attributes,
    }),
    ...all
      .filter(isDropped)
      .flatMap((generation) => resolveTrace({ generations: [generation], attributes })),
  ];

  let count = 0;
  for (const generation of resolved) {
    const identity = identityOf(generation);
    const twin = elsewhere.get(identity);
    const isKept = fold.keepsText(generation);
    const fact = toFact(generation, {
      source: fold.source,
      windowFromMs: twin?.window_from_ms ?? window.fromMs,
      notCounted: isDropped(generation) ? 'double_logged' : null,
      contentHash: !isKept ? null : twin ? twin.content_hash : table.contentHashOf(generation),
    });
    if (!isKept) table.removeContent(generation);
    if (twin) {
      if (twin.row_hash === fact.row_hash) continue;
      fold.touched.add(twin.window_from_ms);
      table.put(fact);
      continue;
    }
    count += 1;
    const known = fold.before.get(identity);
    fold.before.delete(identity);
    if (known === fact.row_hash) table.setUpdated(fact);
    else table.put(fact);
  }
  return count;
}

function toIdentity(fact: Fact): { readonly traceId: string; readonly id: string } {
  return { traceId: fact.trace_id, id: fact.id };
}

function toTraceId(identity: string): string {
  return parseIdentity(identity).traceId;
}
