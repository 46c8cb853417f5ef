/** The hash of what a window's runs are made of: its facts, their scores and its quarantine. */
import { hashOf } from '../shared/hash.ts';
import { openFactTable } from './fact-table.ts';
import type { State } from './open-state.ts';
import { listQuarantine } from './quarantine.ts';
import { scoresHash } from './scores.ts';

export function computeInputHash(state: State, source: string, windowFromMs: number): string {
  return hashOf([
    openFactTable(state, source).hashOfWindow(windowFromMs),
    scoresHash(state, source, windowFromMs),
    listQuarantine(state, source, windowFromMs).map((row) => [row.trace_id, row.id, row.reason]),
  ]);
}
