/** Which other windows the report of a window stands beside, and what is known of them. */
import { comparedMetrics } from '../report/html/totals-section.ts';
import type { Comparison, Metrics } from '../report/html/figures.ts';
import { toRunKey } from '../runs/run-key.ts';
import { dayMs } from '../shared/time.ts';
import { assertNotPruned } from '../store/assert-not-pruned.ts';
import type { Ledger } from '../store/ledger.ts';
import type { State } from '../store/open-state.ts';
import { isPrunedWindow } from '../store/pruned-groups.ts';
import { getWindow, type WindowRow } from '../store/windows.ts';
import { isEmptiedWindow } from './emptied-window.ts';
import { totalsOf } from './report-figures.ts';

const weekMs = 7 * dayMs;

/** Facts, and what the runs in one MLflow were told. */
export interface ComparedPlace {
  readonly state: State;
  readonly ledger: Ledger;
}

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

/** What the other windows hold; null of one of which nothing is known. Throws INTERNAL for a pruned one that has no run. */
export function compareWindows(place: ComparedPlace, row: WindowRow): Comparison[] {
  return comparedWindows(row).map(({ label, fromMs }) => ({
    label,
    metrics: metricsOf(place, { source: row.source, fromMs, lengthMs: row.to_ms - row.from_ms }),
  }));
}

/**
 * From the facts where they are held whole. Of a window that was pruned, or that only MLflow still knows, its run
 * tells the same numbers: they are what MLflow shows, and change with that run alone.
 */
function metricsOf(
  { state, ledger }: ComparedPlace,
  other: { readonly source: string; readonly fromMs: number; readonly lengthMs: number },
): Metrics | null {
  const { source, fromMs } = other;
  const told = toldByRun(ledger, other);
  const row = getWindow(state, source, fromMs);
  if (row === null) return told;
  if (isPrunedWindow(state, source, fromMs)) {
    if (told === null) assertNotPruned(state, source, fromMs);
    return told;
  }
  const query = {
    where: 'source = @source AND window_from_ms = @from',
    parameters: { source, from: fromMs },
  };
  const metrics = totalsOf(state, query, comparedMetrics);
  if (metrics.size > 0) return inOrder(metrics);
  return isEmptiedWindow({ state, ledger }, row) ? told : quietMetrics;
}

/** What the run of a window was told, by the ledger; null where it has none, or one that was not written to its end. */
function toldByRun(
  ledger: Ledger,
  other: { readonly source: string; readonly fromMs: number; readonly lengthMs: number },
): Metrics | null {
  const window = { fromMs: other.fromMs, toMs: other.fromMs + other.lengthMs };
  const entry = ledger.get(toRunKey({ source: other.source, grain: 'window', window }));
  return entry?.state === 'done' ? inOrder(new Map(Object.entries(entry.metrics))) : null;
}

/** The compared metrics alone, in one order: the figures are a part of what a report is made of. */
function inOrder(metrics: Metrics): Metrics {
  return new Map(
    comparedMetrics.flatMap((name) => {
      const value = metrics.get(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

/** A quiet window is a fact too: its counts are zero, its averages unknown. */
export const quietMetrics: Metrics = new Map([
  ['requests', 0],
  ['attempts', 0],
  ['errors', 0],
]);
