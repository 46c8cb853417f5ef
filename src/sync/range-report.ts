/** The figures of a range of windows, from the state file alone. */
import type { Comparison, Group, ReportFigures } from '../report/html/figures.ts';
import { comparedMetrics } from '../report/html/totals-section.ts';
import { AppError } from '../shared/errors.ts';
import { dayMs, toInstant, toIso, toWindowLabel, type Interval } from '../shared/time.ts';
import { countDoubleLogged } from '../store/aggregates.ts';
import type { State } from '../store/open-state.ts';
import { isPrunedWindow } from '../store/pruned-groups.ts';
import { listSources, listWindows, toInterval, type WindowRow } from '../store/windows.ts';
import { quietMetrics } from './compared-windows.ts';
import type { ReportedSource } from './described-source.ts';
import { common, namedGroups, rankingsOf, toModels } from './report-artifacts.ts';
import { totalsOf, type FactQuery } from './report-figures.ts';
import { splitIntoWindows } from './windows.ts';

export interface RangeReport {
  readonly figures: ReportFigures;
  readonly windows: number;
  /** Windows of the range that the state file does not hold. */
  readonly unread: readonly Interval[];
}

/** Throws USAGE when the range does not begin and end with a window, or the state file holds none of it. */
export function gatherRange(
  state: State,
  range: { readonly fromMs: number; readonly toMs: number },
): RangeReport {
  const [bound] = listSources(state);
  if (bound === undefined)
    throw new AppError('USAGE', 'The state file holds nothing yet: run `langfuse-mlflow sync`.');
  const { window_ms: windowMs } = bound;
  for (const instant of [range.fromMs, range.toMs]) {
    if (instant % windowMs === 0) continue;
    throw new AppError(
      'USAGE',
      `No window begins at ${toIso(instant)}: windows are of ${windowMs / 3_600_000} h, from midnight UTC.`,
    );
  }
  const rows = windowsIn(state, bound.source, range);
  const source: ReportedSource = {
    projectId: bound.source,
    projectName: bound.name,
    baseUrl: bound.base_url,
    runsPage: null,
  };
  const asked = splitIntoWindows({ ...range, windowMs });
  const held = new Set(rows.map((row) => row.from_ms));
  const unread = asked.filter((interval) => !held.has(interval.fromMs));
  if (rows.length === 0) {
    throw new AppError(
      'USAGE',
      `The state file holds no window from ${toIso(range.fromMs)} to ${toIso(range.toMs)}.`,
      { hint: '`langfuse-mlflow status` tells which it holds; `backfill` reads others.' },
    );
  }
  const query = toQuery(bound.source, range);
  const totals = totalsOf(state, query);
  const figures: ReportFigures = {
    ...common(state, { source, query, span: { ...range, windowMs } }),
    kind: 'range',
    subject: toRangeLabel(range, windowMs),
    totals: totals.size > 0 ? totals : quietMetrics,
    comparisons: [compareBefore(state, { source: bound.source, range, windowMs })],
    models: toModels(source, { models: namedGroups(state, query), interval: null }),
    windows: rows.map((row) => toGroup(state, row)),
    rankings: rankingsOf(state, { source, query }),
    reading: {
      quarantined: sum(rows, (row) => row.unreadable),
      doubleLogged: sum(rows, (row) => countDoubleLogged(state, row.source, row.from_ms)),
      repeated: sum(rows, (row) => row.duplicate_rows),
      unread: unread.map(toWindowLabel),
    },
  };
  return { figures, windows: rows.length, unread };
}

/** The range of the same length before; unknown unless every window of it was read. */
function compareBefore(
  state: State,
  of: {
    readonly source: string;
    readonly range: { readonly fromMs: number; readonly toMs: number };
    readonly windowMs: number;
  },
): Comparison {
  const lengthMs = of.range.toMs - of.range.fromMs;
  const before = { fromMs: of.range.fromMs - lengthMs, toMs: of.range.fromMs };
  const windows = lengthMs / of.windowMs;
  const unit = of.windowMs === dayMs ? 'day' : 'window';
  const isWhole = windowsIn(state, of.source, before).length === windows;
  const metrics = totalsOf(state, toQuery(of.source, before), comparedMetrics);
  return {
    label: windows === 1 ? `the ${unit} before` : `the ${windows} ${unit}s before`,
    metrics: isWhole ? (metrics.size > 0 ? metrics : quietMetrics) : null,
  };
}

function toGroup(state: State, row: WindowRow): Group {
  const metrics = totalsOf(state, toQuery(row.source, { fromMs: row.from_ms, toMs: row.to_ms }));
  return {
    name: toWindowLabel(toInterval(row)),
    metrics: metrics.size > 0 ? metrics : quietMetrics,
    links: { mlflow: null, langfuse: null },
  };
}

function toQuery(
  source: string,
  range: { readonly fromMs: number; readonly toMs: number },
): FactQuery {
  return {
    // Of a window that facts were pruned from, what is left tells nothing.
    where: `source = @source AND window_from_ms >= @from AND window_from_ms < @to AND window_from_ms NOT IN (
      SELECT window_from_ms FROM pruned_rows WHERE source = @source AND calls > 0)`,
    parameters: { source, from: range.fromMs, to: range.toMs },
  };
}

function windowsIn(
  state: State,
  source: string,
  range: { readonly fromMs: number; readonly toMs: number },
): WindowRow[] {
  return listWindows(state, source).filter(
    (row) =>
      row.from_ms >= range.fromMs &&
      row.from_ms < range.toMs &&
      !isPrunedWindow(state, source, row.from_ms),
  );
}

/** `2026-11-02 to 2026-11-08` for whole days (both of them in it). */
function toRangeLabel(
  range: { readonly fromMs: number; readonly toMs: number },
  windowMs: number,
): string {
  const label = (fromMs: number): string =>
    toWindowLabel({ fromMs: toInstant(fromMs), toMs: toInstant(fromMs + windowMs) });
  const first = label(range.fromMs);
  const last = label(range.toMs - windowMs);
  return first === last ? first : `${first} to ${last}`;
}

function sum<T>(items: readonly T[], valueOf: (item: T) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0);
}
