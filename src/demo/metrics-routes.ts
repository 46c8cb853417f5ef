/** The aggregate endpoints, as far as a probe and a cross-check need them (langfuse types/metrics.ts, metrics/daily.ts). */
import { z } from 'zod';
import { invalidRequest, ok, type HttpAnswer } from './http-answer.ts';
import { toPage } from './pages.ts';
import { reduceDetails } from './legacy-shapes.ts';
import { dailyMetricsQuery, metricsQuery } from './query-schemas.ts';
import { includesAll, isOneOf, matches, sliceByStart, type RouteContext } from './route-context.ts';
import type { SampleObservation } from './sample-types.ts';
import { dayMs, hourMs } from '../shared/time.ts';

const aggregateQuery = z.object({
  view: z.enum(['observations', 'traces', 'scores-numeric', 'scores-categorical']),
  metrics: z.array(
    z.object({
      measure: z.enum([
        'count',
        'latency',
        'inputTokens',
        'outputTokens',
        'totalTokens',
        'totalCost',
      ]),
      aggregation: z.enum(['count', 'sum', 'avg', 'min', 'max']),
    }),
  ),
  dimensions: z
    .array(
      z.object({ field: z.enum(['type', 'name', 'level', 'environment', 'providedModelName']) }),
    )
    .default([]),
  filters: z.array(z.looseObject({ column: z.string(), value: z.unknown() })).default([]),
  timeDimension: z.object({ granularity: z.enum(['hour', 'day']) }).nullish(),
  orderBy: z
    .array(z.object({ field: z.string(), direction: z.enum(['asc', 'desc']) }))
    .nullish()
    .transform((fields) => fields ?? []),
  fromTimestamp: z.iso.datetime({ offset: true }),
  toTimestamp: z.iso.datetime({ offset: true }),
  config: z.object({ row_limit: z.number().int().lte(1000).optional() }).optional(),
});

type AggregateQuery = z.infer<typeof aggregateQuery>;
type Measure = AggregateQuery['metrics'][number]['measure'];

/**
 * `GET /metrics` and `GET /v2/metrics` over observations: the end of the range is included, whole numbers come as
 * strings, times as ClickHouse writes them; without an order empty times are filled in; there is no next page
 * (langfuse features/query/server/queryBuilder.ts). `defaultRowLimit`: of v2 alone.
 */
export function queryMetrics(
  context: RouteContext,
  rows: readonly SampleObservation[],
  options: { readonly defaultRowLimit: number | null },
): HttpAnswer {
  const parsed = metricsQuery.safeParse(context.query);
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const query = parseAggregate(parsed.data.query);
  if (!query.success) return invalidRequest(query.error.issues);
  const { data } = query;
  const groups = new Map<string, { keys: Record<string, unknown>; rows: SampleObservation[] }>();
  const range = { fromMs: Date.parse(data.fromTimestamp), toMs: Date.parse(data.toTimestamp) + 1 };
  const wanted = data.view === 'observations' ? sliceByStart(rows, range) : [];
  for (const row of wanted) {
    if (!data.filters.every((filter) => isKept(row, filter))) continue;
    const keys = keysOf(row, data);
    const id = JSON.stringify(keys);
    const group = groups.get(id) ?? { keys, rows: [] };
    group.rows.push(row);
    groups.set(id, group);
  }
  if (groups.size === 0 && data.dimensions.length === 0) groups.set('', { keys: {}, rows: [] });
  const answers = [...groups.values()].map((group): Record<string, unknown> => ({
    ...group.keys,
    ...Object.fromEntries(
      data.metrics.map((metric) => [
        `${metric.aggregation}_${metric.measure}`,
        aggregate(group.rows, metric),
      ]),
    ),
  }));
  const ordered = toOrdered(answers, data, range);
  if (ordered === null) {
    return invalidRequest([{ path: ['orderBy'], message: 'Invalid orderBy field' }]);
  }
  const limit = data.config?.row_limit ?? options.defaultRowLimit;
  return ok({ data: limit === null ? ordered : ordered.slice(0, limit) });
}

/** Null where it should be ordered by what is not in the answer. */
function toOrdered(
  answers: readonly Record<string, unknown>[],
  query: AggregateQuery,
  range: { readonly fromMs: number; readonly toMs: number },
): readonly Record<string, unknown>[] | null {
  const [first] = query.orderBy;
  if (first === undefined) return query.timeDimension ? toFilled(answers, query, range) : answers;
  const known = new Set([
    ...query.metrics.map((metric) => `${metric.aggregation}_${metric.measure}`),
    ...query.dimensions.map(({ field }) => field),
    ...(query.timeDimension ? ['time_dimension'] : []),
  ]);
  if (query.orderBy.some(({ field }) => !known.has(field))) return null;
  const sign = first.direction === 'desc' ? -1 : 1;
  const isMetric = query.metrics.some((one) => `${one.aggregation}_${one.measure}` === first.field);
  return answers.toSorted((a, b) => {
    const [left, right] = [a[first.field], b[first.field]];
    const order = isMetric
      ? Number(left) - Number(right)
      : String(left).localeCompare(String(right));
    return sign * order;
  });
}

/** ClickHouse's WITH FILL: a row of zeros for each time of the range that has none, in order of time. */
function toFilled(
  answers: readonly Record<string, unknown>[],
  query: AggregateQuery,
  range: { readonly fromMs: number; readonly toMs: number },
): readonly Record<string, unknown>[] {
  const granularity = query.timeDimension?.granularity ?? 'day';
  const stepMs = granularity === 'hour' ? hourMs : dayMs;
  const filled = [...answers];
  const times = new Set(answers.map((answer) => answer['time_dimension']));
  for (let ms = Math.floor(range.fromMs / stepMs) * stepMs; ms < range.toMs; ms += stepMs) {
    const time = toTimeDimension(ms, granularity);
    if (times.has(time)) continue;
    filled.push({
      ...Object.fromEntries(query.dimensions.map(({ field }) => [field, ''])),
      time_dimension: time,
      ...Object.fromEntries(
        query.metrics.map((metric) => [`${metric.aggregation}_${metric.measure}`, '0']),
      ),
    });
  }
  return filled.toSorted((a, b) =>
    String(a['time_dimension']).localeCompare(String(b['time_dimension'])),
  );
}

/** `toDate` and `toStartOfHour` in ClickHouse's JSON. */
function toTimeDimension(startMs: number, granularity: 'hour' | 'day'): string {
  const iso = new Date(startMs).toISOString();
  return granularity === 'hour'
    ? `${iso.slice(0, 10)} ${iso.slice(11, 13)}:00:00`
    : iso.slice(0, 10);
}

function parseAggregate(text: string): ReturnType<typeof aggregateQuery.safeParse> {
  try {
    return aggregateQuery.safeParse(JSON.parse(text));
  } catch {
    return aggregateQuery.safeParse(undefined);
  }
}

function isKept(
  row: SampleObservation,
  filter: { readonly column: string; readonly value: unknown },
): boolean {
  const columns: Record<string, string | null> = {
    type: row.type,
    name: row.name,
    level: row.level,
    environment: row.environment,
    providedModelName: row.model,
  };
  const value = columns[filter.column];
  const wanted = Array.isArray(filter.value) ? filter.value : [filter.value];
  return value !== undefined && wanted.includes(value);
}

function keysOf(row: SampleObservation, query: AggregateQuery): Record<string, unknown> {
  const keys: Record<string, unknown> = {};
  for (const { field } of query.dimensions) {
    keys[field] = field === 'providedModelName' ? row.model : row[field];
  }
  if (query.timeDimension) {
    keys['time_dimension'] = toTimeDimension(row.startMs, query.timeDimension.granularity);
  }
  return keys;
}

function aggregate(
  rows: readonly SampleObservation[],
  metric: AggregateQuery['metrics'][number],
): string | number | null {
  const values = rows
    .map((row) => measureOf(row, metric.measure))
    .filter((value) => value !== null);
  const sum = values.reduce((total, value) => total + value, 0);
  switch (metric.aggregation) {
    case 'count':
      return String(values.length);
    case 'sum':
      return Number.isInteger(sum) ? String(sum) : sum;
    case 'avg':
      return values.length === 0 ? null : sum / values.length;
    case 'min':
      return values.length === 0 ? null : Math.min(...values);
    case 'max':
      return values.length === 0 ? null : Math.max(...values);
  }
}

/** Latency is in milliseconds here, unlike in the observations lists. */
function measureOf(row: SampleObservation, measure: Measure): number | null {
  switch (measure) {
    case 'count':
      return 1;
    case 'latency':
      return row.endMs === null ? null : row.endMs - row.startMs;
    case 'inputTokens':
      return reduceDetails(row.usageDetails).input;
    case 'outputTokens':
      return reduceDetails(row.usageDetails).output;
    case 'totalTokens':
      return row.usageDetails['total'] ?? null;
    case 'totalCost':
      return row.costDetails['total'] ?? null;
  }
}

interface DailyUsage {
  model: string | null;
  inputUsage: number;
  outputUsage: number;
  totalUsage: number;
  countObservations: number;
  countTraces: number;
  totalCost: number;
}

/** `GET /metrics/daily`, newest day first. */
export function listDailyMetrics(context: RouteContext): HttpAnswer {
  const parsed = dailyMetricsQuery.safeParse(context.query);
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const query = parsed.data;
  const view = context.store.view();
  const days = new Map<string, SampleObservation[]>();
  const range = {
    fromMs: query.fromTimestamp === undefined ? -Infinity : Date.parse(query.fromTimestamp),
    toMs: query.toTimestamp === undefined ? Infinity : Date.parse(query.toTimestamp),
  };
  for (const row of sliceByStart(view.observations, range)) {
    const trace = view.traces.get(row.traceId);
    const isWanted =
      matches(query.traceName, trace?.name ?? null) &&
      matches(query.userId, trace?.userId ?? null) &&
      isOneOf(query.environment, row.environment) &&
      includesAll(trace?.tags ?? [], query.tags);
    if (!isWanted) continue;
    const day = new Date(row.startMs).toISOString().slice(0, 10);
    const rows = days.get(day) ?? [];
    rows.push(row);
    days.set(day, rows);
  }
  return toPage(context, [...days.entries()], {
    page: query.page,
    limit: query.limit,
    toItem: ([date, rows]) => {
      const usage = dailyUsageOf(rows);
      return {
        date,
        countTraces: new Set(rows.map((row) => row.traceId)).size,
        countObservations: rows.length,
        totalCost: usage.reduce((sum, one) => sum + one.totalCost, 0),
        usage,
      };
    },
  });
}

function dailyUsageOf(rows: readonly SampleObservation[]): DailyUsage[] {
  const byModel = new Map<string | null, SampleObservation[]>();
  for (const row of rows) {
    const group = byModel.get(row.model) ?? [];
    group.push(row);
    byModel.set(row.model, group);
  }
  return [...byModel.entries()].map(([model, group]) => {
    const usage = group.map((row) => reduceDetails(row.usageDetails));
    return {
      model,
      inputUsage: usage.reduce((sum, one) => sum + (one.input ?? 0), 0),
      outputUsage: usage.reduce((sum, one) => sum + (one.output ?? 0), 0),
      totalUsage: usage.reduce((sum, one) => sum + one.total, 0),
      countObservations: group.length,
      countTraces: new Set(group.map((row) => row.traceId)).size,
      totalCost: group.reduce((sum, row) => sum + (row.costDetails['total'] ?? 0), 0),
    };
  });
}
