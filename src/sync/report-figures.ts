/** Gathers the figures of a report from facts. Reads the state, writes nothing. */
import { buildAggregateQuery, toMetrics } from '../metrics/aggregate-query.ts';
import {
  buildFailureQuery,
  buildLatencyQuery,
  buildTimelineQuery,
  latencyEdgesMs,
} from '../metrics/report-queries.ts';
import type {
  FailureClass,
  Group,
  LatencyBars,
  Links,
  Metrics,
  Ranking,
  Timeline,
} from '../report/html/figures.ts';
import { rankedMetrics } from '../report/html/rankings-section.ts';
import { queryRows, type SqlParameters } from '../store/aggregates.ts';
import type { State } from '../store/open-state.ts';

export interface FactQuery {
  readonly where: string;
  readonly parameters: SqlParameters;
}

/** Figures over the facts that `query` leaves. */
export function timelineOf(
  state: State,
  query: FactQuery,
  span: {
    readonly fromMs: number;
    readonly toMs: number;
    /** Of a range of windows: from five on, a bar is a window at least, so that a week is seven days. */
    readonly windowMs?: number;
  },
): Timeline {
  const bucketMs = toBucketMs(span);
  const fromMs = Math.floor(span.fromMs / bucketMs) * bucketMs;
  const rows = queryRows<{
    bucket: number;
    model: string;
    requests: number;
    cost_usd: number | null;
  }>(state, {
    sql: buildTimelineQuery(query.where),
    parameters: { ...query.parameters, bucketFromMs: fromMs, bucketMs },
  });
  return {
    fromMs,
    bucketMs,
    buckets: Math.max(1, Math.ceil((span.toMs - fromMs) / bucketMs)),
    cells: rows.map(({ bucket, model, requests, cost_usd: costUsd }) => ({
      bucket,
      model,
      requests,
      costUsd,
    })),
  };
}

/** Widths of which a reader knows the name; a report has some dozens of buckets at most. */
const bucketWidthsMs = [5, 10, 30, 60, 180, 360, 1440, 7 * 1440].map((minutes) => minutes * 60_000);
const mostBuckets = 36;

function toBucketMs(span: {
  readonly fromMs: number;
  readonly toMs: number;
  readonly windowMs?: number;
}): number {
  const spanMs = span.toMs - span.fromMs;
  const { windowMs = spanMs } = span;
  const leastMs = spanMs / windowMs >= 5 ? windowMs : 0;
  const widest = 28 * 86_400_000;
  return (
    bucketWidthsMs.find((width) => width >= leastMs && spanMs / width <= mostBuckets) ?? widest
  );
}

export function latencyOf(state: State, query: FactQuery): LatencyBars[] {
  const rows = queryRows<{ model: string; bar: number; attempts: number }>(state, {
    sql: buildLatencyQuery(query.where),
    parameters: query.parameters,
  });
  const bars = new Map<string, number[]>();
  for (const { model, bar, attempts } of rows) {
    const of = bars.get(model) ?? Array.from({ length: latencyEdgesMs.length + 1 }, () => 0);
    of[bar] = attempts;
    bars.set(model, of);
  }
  return [...bars].map(([model, attempts]) => ({ model, attempts }));
}

export function failuresOf(state: State, query: FactQuery): FailureClass[] {
  const rows = queryRows<{
    error_class: string | null;
    http_status: number | null;
    model: string;
    attempts: number;
    errors: number;
    first_ms: number;
    last_ms: number;
  }>(state, { sql: buildFailureQuery(query.where), parameters: query.parameters });
  return rows.map((row) => ({
    errorClass: row.error_class,
    httpStatus: row.http_status,
    model: row.model,
    attempts: row.attempts,
    errors: row.errors,
    firstMs: row.first_ms,
    lastMs: row.last_ms,
  }));
}

/** Totals over the facts, of the metrics that are asked for. Empty when there is no fact. */
export function totalsOf(state: State, query: FactQuery, only?: readonly string[]): Metrics {
  return (
    groupsOf(state, query, { groupBy: null, ...(only === undefined ? {} : { only }) }).get('') ??
    new Map()
  );
}

/** Groups by a column or expression; the group of NULL has the key null. */
export function groupsOf(
  state: State,
  query: FactQuery,
  by: { readonly groupBy: string | null; readonly only?: readonly string[] },
): Map<string | null, Metrics> {
  const sql = buildAggregateQuery({ grain: 'window', where: query.where, ...by });
  const rows = queryRows<Readonly<Record<string, unknown>> & { readonly group_key: string | null }>(
    state,
    { sql, parameters: query.parameters },
  );
  return new Map(rows.map((row) => [row.group_key, toMetrics(row)]));
}

/** What is ranked, and the expression over facts that names it. */
export const rankedBy = {
  session: 'session_id',
  user: 'user_id',
  key: "COALESCE(key_alias, substr(key_hash, 1, 12) || '…')",
  'client tool': 'client_tool',
} as const;
export type Ranked = keyof typeof rankedBy;

export function rankingOf(
  state: State,
  query: FactQuery,
  ranked: { readonly of: Ranked; readonly linksOf: (name: string) => Links },
): Ranking {
  const groups = groupsOf(state, query, { groupBy: rankedBy[ranked.of], only: rankedMetrics });
  const named: Group[] = [...groups].flatMap(([name, metrics]) =>
    name === null ? [] : [{ name, metrics, links: ranked.linksOf(name) }],
  );
  return { of: ranked.of, groups: named.toSorted(byCost), unnamed: groups.get(null) ?? null };
}

/** Costliest first, then most requests, then by name; an unknown cost comes after every known one. */
export function byCost(a: Group, b: Group): number {
  return (
    descending(a.metrics.get('cost_usd'), b.metrics.get('cost_usd')) ||
    descending(a.metrics.get('requests'), b.metrics.get('requests')) ||
    (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  );
}

function descending(a: number | undefined, b: number | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return b - a;
}
