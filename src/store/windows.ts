/** The interval set: which windows were read and folded, with the counters of their last reading. */
import { AppError } from '../shared/errors.ts';
import { toInstant, type Interval } from '../shared/time.ts';
import type { State } from './open-state.ts';
import { prepareOnce } from './prepare-once.ts';

export interface WindowRow {
  readonly source: string;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly read_ms: number;
  readonly reader: string;
  readonly server_version: string | null;
  readonly rows_read: number;
  readonly duplicate_rows: number;
  readonly synthetic_roots: number;
  readonly not_generations: number;
  readonly other_origin: number;
  readonly unreadable: number;
  readonly content_missing: number;
  readonly input_hash: string;
}

export interface SourceRow {
  readonly source: string;
  readonly name: string | null;
  readonly base_url: string;
  readonly window_ms: number;
  readonly start_ms: number;
  /** Windows before this are closed (src/store/closed-days.ts); null: none is. */
  readonly closed_before_ms: number | null;
}

/**
 * Binds the state file to a project, a window size and a first window; later calls must agree on the size.
 * A start before the stored one moves it back. Throws SETTINGS_INVALID when the window size differs.
 */
export function bindSource(
  state: State,
  wanted: {
    readonly source: string;
    readonly name: string | null;
    readonly baseUrl: string;
    readonly windowMs: number;
    readonly startMs: number;
  },
): SourceRow {
  const stored = prepareOnce(state, 'SELECT * FROM sources WHERE source = ?').get(wanted.source) as
    | SourceRow
    | undefined;
  if (stored && stored.window_ms !== wanted.windowMs) {
    throw new AppError(
      'SETTINGS_INVALID',
      `SYNC_WINDOW is ${wanted.windowMs / 3_600_000} h, but the state file holds windows of ${stored.window_ms / 3_600_000} h. ` +
        'Set SYNC_WINDOW back, or start a new state file and experiment with SYNC_STATE_FILE and MLFLOW_EXPERIMENT_NAME.',
    );
  }
  const startMs = Math.min(stored?.start_ms ?? wanted.startMs, wanted.startMs);
  prepareOnce(
    state,
    `INSERT INTO sources (source, name, base_url, window_ms, start_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET name = excluded.name, base_url = excluded.base_url, start_ms = excluded.start_ms`,
  ).run(wanted.source, wanted.name, wanted.baseUrl, wanted.windowMs, startMs);
  return {
    source: wanted.source,
    name: wanted.name,
    base_url: wanted.baseUrl,
    window_ms: wanted.windowMs,
    start_ms: startMs,
    closed_before_ms: stored?.closed_before_ms ?? null,
  };
}

/** Forgets a project that has no window yet, so that it can be bound with another start. */
export function forgetSource(state: State, source: string): void {
  prepareOnce(state, 'DELETE FROM sources WHERE source = ?').run(source);
}

export function listSources(state: State): SourceRow[] {
  return prepareOnce(state, 'SELECT * FROM sources ORDER BY source').all() as SourceRow[];
}

export function listWindows(state: State, source: string): WindowRow[] {
  return prepareOnce(state, 'SELECT * FROM windows WHERE source = ? ORDER BY from_ms').all(
    source,
  ) as WindowRow[];
}

export function getWindow(state: State, source: string, fromMs: number): WindowRow | null {
  return (
    (prepareOnce(state, 'SELECT * FROM windows WHERE source = ? AND from_ms = ?').get(
      source,
      fromMs,
    ) as WindowRow | undefined) ?? null
  );
}

export function putWindow(state: State, row: WindowRow): void {
  prepareOnce(
    state,
    `INSERT INTO windows (source, from_ms, to_ms, read_ms, reader, server_version, rows_read, duplicate_rows,
         synthetic_roots, not_generations, other_origin, unreadable, content_missing, input_hash)
       VALUES (@source, @from_ms, @to_ms, @read_ms, @reader, @server_version, @rows_read, @duplicate_rows,
         @synthetic_roots, @not_generations, @other_origin, @unreadable, @content_missing, @input_hash)
       ON CONFLICT DO UPDATE SET to_ms = excluded.to_ms, read_ms = excluded.read_ms, reader = excluded.reader,
         server_version = excluded.server_version, rows_read = excluded.rows_read,
         duplicate_rows = excluded.duplicate_rows, synthetic_roots = excluded.synthetic_roots,
         not_generations = excluded.not_generations, other_origin = excluded.other_origin,
         unreadable = excluded.unreadable, content_missing = excluded.content_missing,
         input_hash = excluded.input_hash`,
  ).run(row);
}

export function setInputHash(
  state: State,
  window: { readonly source: string; readonly fromMs: number; readonly inputHash: string },
): void {
  prepareOnce(state, 'UPDATE windows SET input_hash = ? WHERE source = ? AND from_ms = ?').run(
    window.inputHash,
    window.source,
    window.fromMs,
  );
}

export function toInterval(row: Pick<WindowRow, 'from_ms' | 'to_ms'>): Interval {
  return { fromMs: toInstant(row.from_ms), toMs: toInstant(row.to_ms) };
}
