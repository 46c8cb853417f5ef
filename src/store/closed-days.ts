/**
 * Closed days: Langfuse no longer has their rows, and MLflow keeps what it has of them. They are neither read nor
 * published again, and neither is a session that has a part in them.
 */
import type { State } from './open-state.ts';
import type { SourceRow } from './windows.ts';

/** Null where nothing is closed. */
export function closedBefore(state: State, source: string): number | null {
  const row = state.db
    .prepare('SELECT closed_before_ms FROM sources WHERE source = ?')
    .get(source) as Pick<SourceRow, 'closed_before_ms'> | undefined;
  return row?.closed_before_ms ?? null;
}

/**
 * Closes all windows before an instant, which a window must begin at: they are forgotten, and the state answers for
 * what follows. Facts stay, since rows of open windows may belong to their traces. The project must be bound.
 */
export function closeDays(
  state: State,
  closing: {
    readonly source: string;
    readonly beforeMs: number;
    /** Where the state begins to answer: there, or where the traffic began. */
    readonly startMs: number;
  },
): void {
  const { source, beforeMs } = closing;
  for (const rows of [
    'windows WHERE from_ms',
    'publications WHERE from_ms',
    'quarantine WHERE window_from_ms',
  ]) {
    state.db.prepare(`DELETE FROM ${rows} < ? AND source = ?`).run(beforeMs, source);
  }
  state.db
    .prepare(
      'UPDATE sources SET closed_before_ms = @beforeMs, start_ms = @startMs WHERE source = @source',
    )
    .run(closing);
}

/** Which of the sessions began before the closed instant, by what any MLflow was told of them or by their rows. */
export function findClosedSessions(
  state: State,
  asked: { readonly source: string; readonly sessionIds: readonly string[] },
): ReadonlySet<string> {
  const beforeMs = closedBefore(state, asked.source);
  if (beforeMs === null) return new Set();
  const closed = state.db
    .prepare(
      `SELECT value FROM json_each(@sessions)
       WHERE value IN (SELECT subject FROM ledger
                       WHERE source = @source AND grain = 'session' AND window_from_ms < @beforeMs)
          OR value IN (SELECT session_id FROM facts
                       WHERE source = @source AND window_from_ms < @beforeMs AND session_id IS NOT NULL)`,
    )
    .pluck()
    .all({
      source: asked.source,
      sessions: JSON.stringify(asked.sessionIds),
      beforeMs,
    }) as string[];
  return new Set(closed);
}
