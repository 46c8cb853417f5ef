import { AppError } from '../shared/errors.ts';
import { toIso } from '../shared/time.ts';
import type { State } from './open-state.ts';
import { isPrunedWindow, prunedSessionsAmong } from './pruned-groups.ts';

/**
 * The last guard of what retention promises: nothing is ever described from a part of its rows. Whoever meets this
 * should have restored the window before. Throws INTERNAL.
 */
export function assertNotPruned(state: State, source: string, windowFromMs: number): void {
  if (!isPrunedWindow(state, source, windowFromMs)) return;
  throw new AppError(
    'INTERNAL',
    `The window ${toIso(windowFromMs)} was to be described though facts of it were pruned.`,
  );
}

/** The same for sessions. */
export function assertSessionsNotPruned(
  state: State,
  source: string,
  sessionIds: readonly string[],
): void {
  const [pruned] = prunedSessionsAmong(state, source, sessionIds);
  if (pruned === undefined) return;
  throw new AppError(
    'INTERNAL',
    `The session ${pruned} was to be described though facts of it were pruned.`,
  );
}
