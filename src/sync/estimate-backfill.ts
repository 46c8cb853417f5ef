/** What a backfill would ask of Langfuse and MLflow, from Langfuse's own counts. Pure. */
import type { Interval } from '../shared/time.ts';
import type { ObservationCounts, ReaderKind } from './ports.ts';

export interface BackfillEstimate {
  readonly windows: number;
  /** Rows of every type; null where Langfuse does not count. */
  readonly rows: number | null;
  readonly generations: number | null;
  /** Without retries. Where rows are unknown, one page for each slice: the least that it can be. */
  readonly langfuseRequests: number;
  /** For runs of windows and models, trends and their files; without sessions and requests. Null where rows are unknown. */
  readonly mlflowCalls: number | null;
  /** At the rates that Langfuse Cloud allows an organisation, by plan. */
  readonly durations: readonly { readonly requestsPerMinute: number; readonly minutes: number }[];
}

/** https://langfuse.com/faq/all/api-limits: Hobby, Core, Pro. */
const ratesPerMinute = { v2: [30, 100, 1000], legacy: [15, 30, 100] } as const;

/** Create, status, numbers; six files and the trend point of a window with the search before it, four files of a model with its point. */
const callsOfWindow = 1 + 3 + 6 + 2;
const callsOfModel = 3 + 4 + 2;

export function estimateBackfill(plan: {
  readonly windows: readonly Interval[];
  readonly reader: ReaderKind;
  readonly pageSize: number;
  /** How many a window is read in: each takes a page at least. */
  readonly slices: number;
  readonly readsText: boolean;
  /** Null where the server has no metrics API. */
  readonly counts: readonly ObservationCounts[] | null;
}): BackfillEstimate {
  const { windows, counts, reader } = plan;
  const perWindow = windows.map((window) => toWindowCounts(window, counts ?? []));
  const pageSize = reader === 'v2' ? plan.pageSize : Math.min(plan.pageSize, 100);
  const langfuseRequests = sum(perWindow, ({ rows, generations }) => {
    const { slices } = plan;
    const pages = slices + Math.floor(rows / pageSize);
    // The legacy API ends each slice with an empty page, and its traces come by themselves.
    const listing = reader === 'v2' ? pages : 2 * (pages + slices);
    const hasTexts = reader === 'v2' && plan.readsText && generations > 0;
    const texts = hasTexts ? slices + 1 + Math.floor(generations / pageSize) : 0;
    const scores = 1;
    return listing + texts + scores;
  });
  return {
    windows: windows.length,
    rows: counts === null ? null : sum(perWindow, ({ rows }) => rows),
    generations: counts === null ? null : sum(perWindow, ({ generations }) => generations),
    langfuseRequests,
    mlflowCalls:
      counts === null
        ? null
        : sum(perWindow, ({ models }) => callsOfWindow + models * callsOfModel),
    durations: ratesPerMinute[reader].map((requestsPerMinute) => ({
      requestsPerMinute,
      minutes: Math.ceil(langfuseRequests / requestsPerMinute),
    })),
  };
}

function toWindowCounts(
  window: Interval,
  counts: readonly ObservationCounts[],
): { readonly rows: number; readonly generations: number; readonly models: number } {
  const own = counts.filter(({ bucketMs }) => bucketMs >= window.fromMs && bucketMs < window.toMs);
  const calls = own.filter(({ type }) => type === 'GENERATION' || type === 'EMBEDDING');
  return {
    rows: sum(own, ({ rows }) => rows),
    generations: sum(calls, ({ rows }) => rows),
    models: new Set(calls.map(({ model }) => model)).size,
  };
}

function sum<T>(values: readonly T[], toNumber: (value: T) => number): number {
  return values.reduce((total, value) => total + toNumber(value), 0);
}
