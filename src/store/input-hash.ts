/** The hash of what a window's runs are made of: its facts, their scores and its quarantine, with traces also its spans. */
import { hashOf } from '../shared/hash.ts';
import { assertNotPruned } from './assert-not-pruned.ts';
import { openFactTable } from './fact-table.ts';
import type { State } from './open-state.ts';
import { listQuarantine } from './quarantine.ts';
import { scoresHash } from './scores.ts';
import { spansHash } from './trace-spans.ts';

/** Throws INTERNAL for a window that facts were pruned from: what is left does not tell what it holds. */
export function computeInputHash(state: State, source: string, windowFromMs: number): string {
  assertNotPruned(state, source, windowFromMs);
  return hashOfHeld(state, source, windowFromMs);
}

/** The same over what the state file holds of a window, be it all or a part. Tells whether that was changed. */
export function hashOfHeld(state: State, source: string, windowFromMs: number): string {
  const spans = spansHash(state, { source, windowFromMs });
  return hashOf([
    openFactTable(state, source).hashOfWindow(windowFromMs),
    scoresHash(state, source, windowFromMs),
    listQuarantine(state, source, windowFromMs).map((row) => [row.trace_id, row.id, row.reason]),
    ...(spans === null ? [] : [spans]),
  ]);
}
