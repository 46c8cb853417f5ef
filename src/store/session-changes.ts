/** Sessions that lost or changed a fact since they were last published. Filled by triggers on `facts`. */
import type { State } from './open-state.ts';
import { prepareOnce } from './prepare-once.ts';

export function listSessionChanges(state: State, source: string): string[] {
  return prepareOnce(
    state,
    'SELECT session_id FROM session_changes WHERE source = ? ORDER BY session_id',
  )
    .pluck()
    .all(source) as string[];
}

/** Takes note that the runs of these sessions must be looked at again. */
export function addSessionChanges(
  state: State,
  source: string,
  sessionIds: readonly string[],
): void {
  const add = prepareOnce(
    state,
    'INSERT INTO session_changes (source, session_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
  );
  for (const sessionId of sessionIds) add.run(source, sessionId);
}

export function clearSessionChanges(
  state: State,
  source: string,
  sessionIds: readonly string[],
): void {
  const remove = prepareOnce(
    state,
    'DELETE FROM session_changes WHERE source = ? AND session_id = ?',
  );
  state.db.transaction(() => {
    for (const sessionId of sessionIds) remove.run(source, sessionId);
  })();
}
