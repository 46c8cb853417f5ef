/** Folds windows of generations straight into a state file, for tests of the store and of metrics. */
import type { Generation } from '../../src/litellm/generation.ts';
import type { TraceAttributes } from '../../src/shared/observation.ts';
import { toInstant, type Interval } from '../../src/shared/time.ts';
import { factColumns, type Fact } from '../../src/store/fact.ts';
import { foldWindow, type FoldResult } from '../../src/store/fold-window.ts';
import { computeInputHash } from '../../src/store/input-hash.ts';
import type { State } from '../../src/store/open-state.ts';
import { openStaging } from '../../src/store/staging.ts';
import { putWindow } from '../../src/store/windows.ts';

export const foldedSource = 'project-under-test';

export function interval(fromMs: number, toMs: number): Interval {
  return { fromMs: toInstant(fromMs), toMs: toInstant(toMs) };
}

/** Stages pages in the given order and folds them, as reading a window does. */
export function foldPages(
  state: State,
  window: Interval,
  pages: readonly {
    readonly generations: readonly Generation[];
    readonly traces?: readonly TraceAttributes[];
  }[],
): FoldResult {
  const staging = openStaging(state);
  for (const page of pages)
    staging.append({ generations: page.generations, traces: page.traces ?? [] });
  const result = state.db
    .transaction(() => foldWindow(state, { source: foldedSource, window }))
    .immediate();
  putWindow(state, {
    source: foldedSource,
    from_ms: window.fromMs,
    to_ms: window.toMs,
    read_ms: window.toMs,
    reader: 'v2',
    server_version: null,
    rows_read: 0,
    duplicate_rows: result.duplicateRows,
    synthetic_roots: 0,
    not_generations: 0,
    other_origin: 0,
    unreadable: 0,
    content_missing: 0,
    input_hash: computeInputHash(state, foldedSource, window.fromMs),
  });
  return result;
}

/** Every fact, in order of identity, without its hash. */
export function allFacts(state: State): Fact[] {
  return state.db
    .prepare(`SELECT ${factColumns.join(', ')} FROM facts ORDER BY trace_id, id`)
    .all() as Fact[];
}
