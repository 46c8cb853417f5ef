/** Rows that could not be read or understood: kept with id, reason and raw text, never silently dropped. */
import type { State } from './open-state.ts';
import { prepareOnce } from './prepare-once.ts';

export interface QuarantineRow {
  readonly window_from_ms: number;
  readonly trace_id: string;
  readonly id: string;
  readonly reason: string;
  readonly raw: string | null;
  readonly first_seen_ms: number;
  readonly last_seen_ms: number;
  readonly attempts: number;
}

export interface QuarantinedRow {
  readonly traceId: string;
  readonly id: string;
  readonly reason: string;
  readonly raw: string | null;
}

/** Replaces the quarantine of a window by what its newest reading found; counts of repeated rows grow. */
export function replaceQuarantine(
  state: State,
  place: { readonly source: string; readonly windowFromMs: number; readonly nowMs: number },
  rows: readonly QuarantinedRow[],
): void {
  prepareOnce(
    state,
    'UPDATE quarantine SET last_seen_ms = -1 WHERE source = ? AND window_from_ms = ?',
  ).run(place.source, place.windowFromMs);
  const put = prepareOnce(
    state,
    `INSERT INTO quarantine (source, window_from_ms, trace_id, id, reason, raw, first_seen_ms, last_seen_ms, attempts)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)
     ON CONFLICT DO UPDATE SET reason = excluded.reason, raw = excluded.raw, last_seen_ms = excluded.last_seen_ms,
       attempts = quarantine.attempts + (quarantine.last_seen_ms = -1)`,
  );
  for (const row of rows) {
    put.run(
      place.source,
      place.windowFromMs,
      row.traceId,
      row.id,
      row.reason,
      row.raw,
      place.nowMs,
      place.nowMs,
    );
  }
  prepareOnce(
    state,
    'DELETE FROM quarantine WHERE source = ? AND window_from_ms = ? AND last_seen_ms = -1',
  ).run(place.source, place.windowFromMs);
}

export function listQuarantine(
  state: State,
  source: string,
  windowFromMs?: number,
): QuarantineRow[] {
  return prepareOnce(
    state,
    `SELECT window_from_ms, trace_id, id, reason, raw, first_seen_ms, last_seen_ms, attempts FROM quarantine
       WHERE source = @source AND (@from IS NULL OR window_from_ms = @from) ORDER BY window_from_ms, trace_id, id`,
  ).all({ source, from: windowFromMs ?? null }) as QuarantineRow[];
}
