/** Windows that must be read again before anything is published, after the ledger was rebuilt from MLflow. */
import type { State } from './open-state.ts';
import { prepareOnce } from './prepare-once.ts';

interface Place {
  readonly targetId: number;
  readonly source: string;
}

/** From the start of the first to the end of the last window that MLflow holds. */
export function putRecovery(
  state: State,
  recovery: Place & { readonly fromMs: number; readonly toMs: number },
): void {
  prepareOnce(
    state,
    `INSERT INTO recoveries (target_id, source, from_ms, to_ms) VALUES (@targetId, @source, @fromMs, @toMs)
       ON CONFLICT DO UPDATE SET from_ms = excluded.from_ms, to_ms = excluded.to_ms`,
  ).run(recovery);
}

/** How many of those windows were not read yet; 0 where nothing was rebuilt. */
export function countUnrecovered(state: State, place: Place): number {
  return prepareOnce(
    state,
    `SELECT COALESCE(SUM((r.to_ms - r.from_ms) / s.window_ms - (
         SELECT COUNT(*) FROM windows w
         WHERE w.source = r.source AND w.from_ms >= r.from_ms AND w.from_ms < r.to_ms)), 0)
       FROM recoveries r JOIN sources s ON s.source = r.source
       WHERE r.target_id = @targetId AND r.source = @source`,
  )
    .pluck()
    .get(place) as number;
}
