import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Generation } from '../../src/litellm/generation.ts';
import { openState } from '../../src/store/open-state.ts';
import { listSessionChanges } from '../../src/store/session-changes.ts';
import { aFailure, aGeneration, traceAttributes } from '../support/builders.ts';
import { allFacts, foldedSource, foldPages, interval } from '../support/folding.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const day = 86_400_000;
const first = interval(Date.UTC(2026, 2, 4), Date.UTC(2026, 2, 5));
const second = interval(first.toMs, first.toMs + day);
const at = (offsetMs: number): Pick<Generation, 'startMs' | 'endMs'> => ({
  startMs: first.fromMs + offsetMs,
  endMs: first.fromMs + offsetMs + 1000,
});

function open(): Disposable & { readonly state: ReturnType<typeof openState> } {
  const folder = openTempFolder();
  const state = openState(`${folder.path}/state.db`);
  return {
    state,
    [Symbol.dispose]: () => {
      state[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

describe('folding a window', () => {
  it('keeps the newest version of a row that is repeated over pages', () => {
    using opened = open();
    const old = aGeneration({ ...at(0), traceId: 't', id: 'a', updatedMs: 1, costUsd: 1 });
    const result = foldPages(opened.state, first, [
      { generations: [{ ...old, updatedMs: 2, costUsd: 2 }] },
      { generations: [old] },
    ]);
    expect(result).toMatchObject({ facts: 1, duplicateRows: 1 });
    expect(allFacts(opened.state).map((fact) => fact.cost_usd)).toEqual([2]);
  });

  it('drops a row that is gone when the window is read again', () => {
    using opened = open();
    const a = aGeneration({ ...at(0), traceId: 't1', id: 'a' });
    const b = aGeneration({ ...at(5000), traceId: 't2', id: 'b', callId: 'b', responseId: 'b' });
    foldPages(opened.state, first, [{ generations: [a, b] }]);
    foldPages(opened.state, first, [{ generations: [b] }]);
    expect(allFacts(opened.state).map((fact) => fact.id)).toEqual(['b']);
  });

  it('counts a row once whose start moved over a window edge, in the window of its newest version', () => {
    using opened = open();
    const row = aGeneration({ ...at(day - 1), traceId: 't', id: 'a', updatedMs: 1 });
    foldPages(opened.state, first, [{ generations: [row] }]);
    const moved = { ...row, ...at(day), updatedMs: 2 };
    const result = foldPages(opened.state, second, [{ generations: [moved] }]);
    expect(result.touchedWindows).toEqual([first.fromMs]);
    expect(allFacts(opened.state).map((fact) => fact.window_from_ms)).toEqual([second.fromMs]);
    // The old version is still served when the first window is read again: it must not come back.
    foldPages(opened.state, first, [{ generations: [row] }]);
    expect(allFacts(opened.state).map((fact) => fact.window_from_ms)).toEqual([second.fromMs]);
  });

  it('resolves rows of earlier windows again when a later row of their trace tells the session', () => {
    using opened = open();
    const lone = aGeneration({ ...at(0), traceId: 't', id: 'a', callId: 'a', responseId: 'a' });
    foldPages(opened.state, first, [{ generations: [lone] }]);
    expect(allFacts(opened.state)[0]?.session_id).toBeNull();
    const later = aGeneration({
      ...at(day),
      traceId: 't',
      id: 'b',
      callId: 'b',
      responseId: 'b',
      sessionId: 'task-1',
      sessionSource: 'session_id',
    });
    const result = foldPages(opened.state, second, [{ generations: [later] }]);
    expect(result.touchedWindows).toEqual([first.fromMs]);
    expect(allFacts(opened.state).map((fact) => [fact.session_id, fact.session_source])).toEqual([
      ['task-1', 'trace_sibling'],
      ['task-1', 'session_id'],
    ]);
    // ... and back again when that row is gone.
    foldPages(opened.state, second, [{ generations: [] }]);
    expect(allFacts(opened.state).map((fact) => fact.session_id)).toEqual([null]);
    expect(listSessionChanges(opened.state, foldedSource)).toEqual(['task-1']);
  });

  it('takes the session from trace attributes that come without a row, also in another window', () => {
    using opened = open();
    const row = aGeneration({ ...at(0), traceId: 't', id: 'a' });
    foldPages(opened.state, first, [{ generations: [row] }]);
    const trace = traceAttributes({ traceId: 't', sessionId: 'late-session', updatedMs: 9 });
    foldPages(opened.state, second, [{ generations: [], traces: [trace] }]);
    expect(allFacts(opened.state)[0]?.session_id).toBe('late-session');
  });

  it('counts a call once that was logged in two traces, also over a window edge', () => {
    using opened = open();
    const call = aGeneration({
      ...at(day - 200),
      traceId: 't1',
      id: 'a',
      responseId: 'r',
      callId: 'c',
    });
    const twin = { ...call, ...at(day + 100), traceId: 't2', id: 'b' };
    foldPages(opened.state, first, [{ generations: [call] }]);
    foldPages(opened.state, second, [{ generations: [twin] }]);
    expect(allFacts(opened.state).map((fact) => [fact.id, fact.not_counted])).toEqual([
      ['a', null],
      ['b', 'double_logged'],
    ]);
  });

  it('joins a failure and its retry over a window edge into one request', () => {
    using opened = open();
    const failed = aFailure({
      ...at(day - 2000),
      traceId: 't',
      id: 'a',
      callId: 'c',
      responseId: null,
    });
    const retried = aGeneration({ ...at(day + 500), traceId: 't', id: 'b', callId: 'c' });
    foldPages(opened.state, first, [{ generations: [failed] }]);
    expect(allFacts(opened.state)[0]?.is_final_attempt).toBe(1);
    foldPages(opened.state, second, [{ generations: [retried] }]);
    expect(allFacts(opened.state).map((fact) => fact.is_final_attempt)).toEqual([0, 1]);
  });

  it('ends in the same facts whatever the order of rows, pages and repetitions', () => {
    const rows: Generation[] = [];
    for (let n = 0; n < 6; n += 1) {
      const traceId = `t${n % 3}`;
      rows.push(
        aGeneration({
          ...at(n * 1000),
          traceId,
          id: `g${n}`,
          callId: `c${n}`,
          responseId: `r${n}`,
          updatedMs: 1,
        }),
        aGeneration({
          ...at(n * 1000),
          traceId,
          id: `g${n}`,
          callId: `c${n}`,
          responseId: `r${n}`,
          updatedMs: 2,
          costUsd: n,
        }),
      );
    }
    using reference = open();
    foldPages(reference.state, first, [{ generations: rows }]);
    const expected = allFacts(reference.state);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(rows, { minLength: rows.length }),
        fc.integer({ min: 1, max: rows.length }),
        (shuffled, size) => {
          using opened = open();
          const pages = [];
          for (let n = 0; n < shuffled.length; n += size)
            pages.push({ generations: shuffled.slice(n, n + size) });
          // A first reading may have seen any part of them.
          foldPages(opened.state, first, pages.slice(0, 1));
          foldPages(opened.state, first, pages);
          expect(allFacts(opened.state)).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });
});
