/** What pruning takes out and what taking back leaves: no trace of the attempt, and nothing that was due before is forgotten. */
import { expect, test } from 'vitest';
import { dayMs } from '../../src/shared/time.ts';
import type { Fact } from '../../src/store/fact.ts';
import { openFactTable } from '../../src/store/fact-table.ts';
import { openState, type State } from '../../src/store/open-state.ts';
import { listLeftovers, pruneWindow, takeBackGroup } from '../../src/store/prune-window.ts';
import { addSessionChanges, listSessionChanges } from '../../src/store/session-changes.ts';
import { aFact } from '../support/a-fact.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const source = 'project-1';
const firstMs = Date.UTC(2026, 10, 24);

/** One session of two traces on two days, the second with a score, and a session of another group on the second day. */
const old = [
  aFact({ trace_id: 'trace-1', id: 'a', window_from_ms: firstMs, start_ms: firstMs + 1 }),
  aFact({ trace_id: 'trace-2', id: 'b', ...onSecondDay() }),
];
const other = aFact({ trace_id: 'trace-3', id: 'c', session_id: 'session-2', ...onSecondDay() });

function onSecondDay(): Partial<Fact> {
  return { window_from_ms: firstMs + dayMs, start_ms: firstMs + dayMs + 1 };
}

function put(state: State, facts: readonly Fact[]): void {
  const table = openFactTable(state, source);
  for (const fact of facts) table.put(fact);
}

function putScoreAndTrace(state: State): void {
  state.db.exec(
    `INSERT INTO scores (source, id, name, data_type, value, timestamp_ms, trace_id)
       VALUES ('${source}', 'score-1', 'quality', 'NUMERIC', 1, ${firstMs + dayMs + 5}, 'trace-2');
     INSERT INTO traces VALUES ('${source}', 'trace-2', 0, '{}')`,
  );
}

function read(state: State): unknown {
  const ids = (table: string, id: string): unknown[] =>
    state.db.prepare(`SELECT ${id} FROM ${table} ORDER BY 1`).pluck().all();
  return {
    facts: ids('facts', 'id'),
    scores: ids('scores', 'id'),
    traces: ids('traces', 'trace_id'),
    sessionChanges: listSessionChanges(state, source),
  };
}

function prune(state: State): number {
  const search = {
    state,
    source,
    windowMs: dayMs,
    prunable: new Set([firstMs, firstMs + dayMs]),
    open: { traces: new Set<string>(), sessions: new Set<string>() },
  };
  return pruneWindow(search, firstMs, () => undefined);
}

const pruned = { facts: ['c'], scores: [], traces: [], sessionChanges: [] };

test('a group is pruned whole, and its session has nothing new to publish for that', () => {
  using folder = openTempFolder();
  using state = openState(`${folder.path}/state.db`);
  put(state, [...old, other]);
  putScoreAndTrace(state);
  expect(prune(state)).toBe(2);
  expect(read(state)).toEqual(pruned);
  expect(listLeftovers(state, source)).toEqual([]);
});

test('of a group that came back in part nothing stays, and what was due before stays due', () => {
  using folder = openTempFolder();
  using state = openState(`${folder.path}/state.db`);
  put(state, [...old, other]);
  putScoreAndTrace(state);
  prune(state);
  addSessionChanges(state, source, ['session-2']);
  // Langfuse has the second call, its score and its trace, and no longer the first.
  put(state, old.slice(1));
  putScoreAndTrace(state);
  const [groupId, ...more] = listLeftovers(state, source);
  expect(groupId).toBe(1);
  expect(more).toEqual([]);
  takeBackGroup(state, { source, windowMs: dayMs }, 1);
  expect(read(state)).toEqual({ ...pruned, sessionChanges: ['session-2'] });
  expect(listLeftovers(state, source)).toEqual([]);
});

test('a call of it in a window that it was not pruned from stays', () => {
  using folder = openTempFolder();
  using state = openState(`${folder.path}/state.db`);
  put(state, [...old, other]);
  prune(state);
  const thirdMs = firstMs + 2 * dayMs;
  const later = aFact({ trace_id: 'trace-2', id: 'd', window_from_ms: thirdMs, start_ms: thirdMs });
  put(state, [...old.slice(1), later]);
  takeBackGroup(state, { source, windowMs: dayMs }, 1);
  expect(read(state)).toMatchObject({ facts: ['c', 'd'] });
});
