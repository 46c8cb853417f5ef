/** Which other windows the report of a window stands beside, and what is known of them. */
import { comparedMetrics } from '../report/html/totals-section.ts';
import type { Comparison, Metrics } from '../report/html/figures.ts';
import { dayMs } from '../shared/time.ts';
import { assertNotPruned } from '../store/assert-not-pruned.ts';
import type { State } from '../store/open-state.ts';
import { getWindow, type WindowRow } from '../store/windows.ts';
import { totalsOf } from './report-figures.ts';

const weekMs = 7 * dayMs;

interface ComparedWindow {
  readonly label: string;
  readonly fromMs: number;
}

/** The window before, and the one of the same weekday a week before. */
export function comparedWindows(row: Pick<WindowRow, 'from_ms' | 'to_ms'>): ComparedWindow[] {
  const lengthMs = row.to_ms - row.from_ms;
  const isDay = lengthMs === dayMs;
  const before = {
    label: isDay ? 'the day before' : 'the window before',
    fromMs: row.from_ms - lengthMs,
  };
  if (lengthMs >= weekMs || weekMs % lengthMs !== 0) return [before];
  const aWeekBefore = {
    label: isDay ? 'the same weekday before' : 'the same time a week before',
    fromMs: row.from_ms - weekMs,
  };
  return [before, aWeekBefore];
}

/** What the other windows hold; null of one that was never read. */
export function compareWindows(state: State, row: WindowRow): Comparison[] {
  return comparedWindows(row).map(({ label, fromMs }) => ({
    label,
    metrics:
      getWindow(state, row.source, fromMs) === null ? null : metricsOf(state, row.source, fromMs),
  }));
}

function metricsOf(state: State, source: string, fromMs: number): Metrics | null {
  assertNotPruned(state, source, fromMs);
  const query = {
    where: 'source = @source AND window_from_ms = @from',
    parameters: { source, from: fromMs },
  };
  const metrics = totalsOf(state, query, comparedMetrics);
  if (metrics.size > 0) return metrics;
  return isEmptied(state, { source, fromMs }) ? null : quietMetrics;
}

/** Whether only MLflow knows what an empty window held: its run has calls and was taken up, not written (see emptied-window.ts). */
function isEmptied(
  state: State,
  place: { readonly source: string; readonly fromMs: number },
): boolean {
  const row = state.db
    .prepare(
      `SELECT 1 FROM ledger WHERE source = @source AND grain = 'window' AND window_from_ms = @fromMs
         AND artifacts = '{}' AND json_extract(metrics, '$.attempts') > 0 LIMIT 1`,
    )
    .get(place);
  return row !== undefined;
}

/** A quiet window is a fact too: its counts are zero, its averages unknown. */
export const quietMetrics: Metrics = new Map([
  ['requests', 0],
  ['attempts', 0],
  ['errors', 0],
]);
