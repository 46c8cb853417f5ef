/** Sessions of which only a part is left to read: their runs stay as MLflow has them. */
import { toRunKey } from '../runs/run-key.ts';
import { findClosedSessions } from '../store/closed-days.ts';
import type { Ledger } from '../store/ledger.ts';
import type { State } from '../store/open-state.ts';
import { prunedSessionsAmong } from '../store/pruned-groups.ts';
import { getWindow } from '../store/windows.ts';
import { isEmptiedWindow } from './emptied-window.ts';

/**
 * Those that began before the closed day or in a window that only MLflow still knows anything of, and those whose pruned
 * rows could not be restored.
 */
export function findLeftSessions(
  place: { readonly state: State; readonly ledger: Ledger },
  asked: { readonly source: string; readonly sessionIds: readonly string[] },
): ReadonlySet<string> {
  const { state, ledger } = place;
  const { source, sessionIds } = asked;
  const left = new Set([
    ...findClosedSessions(state, asked),
    ...prunedSessionsAmong(state, source, sessionIds),
  ]);
  for (const subject of sessionIds) {
    const fromMs = ledger.get(toRunKey({ source, grain: 'session', subject }))?.windowFromMs;
    const row = fromMs === undefined || fromMs === null ? null : getWindow(state, source, fromMs);
    if (row !== null && isEmptiedWindow(place, row)) left.add(subject);
  }
  return left;
}
