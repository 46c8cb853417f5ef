/** The aggregate endpoints, as far as a probe and a cross-check need them (langfuse types/metrics.ts, metrics/daily.ts). */
import { z } from 'zod';
import { invalidRequest, ok, type HttpAnswer } from './http-answer.ts';
import { toPage } from './pages.ts';
import { reduceDetails } from './legacy-shapes.ts';
import { dailyMetricsQuery, metricsQuery } from './query-schemas.ts';
import { includesAll, isOneOf, matches, sliceByStart, type RouteContext } from './route-context.ts';
import type { SampleObservation } from './sample-types.ts';

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
  timeDimension: z.object({ granularity: z.enum(['auto', 'hour', 'day']) }).nullish(),
  fromTimestamp: z.iso.datetime({ offset: true }),
  toTimestamp: z.iso.datetime({ offset: true }),
  config: z.object({ row_limit: z.number().int().lte(1000).optional() }).optional(),
});

type AggregateQuery = z.infer<typeof aggregateQuery>;
type Measure = AggregateQuery['metrics'][number]['measure'];

/** `GET /metrics` and `GET /v2/metrics` over observations; whole numbers come as strings. */
export function queryMetrics(
  context: RouteContext,
  rows: readonly SampleObservation[],
): HttpAnswer {
  const parsed = metricsQuery.safeParse(context.query);
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const query = parseAggregate(parsed.data.query);
  if (!query.success) return invalidRequest(query.error.issues);
  const { data } = query;
  const groups = new Map<string, { keys: Record<string, unknown>; rows: SampleObservation[] }>();
  const range = { fromMs: Date.parse(data.fromTimestamp), toMs: Date.parse(data.toTimestamp) };
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
  const limit = data.config?.row_limit ?? 100;
  return ok({
    data: [...groups.values()].slice(0, limit).map((group) => ({
      ...group.keys,
      ...Object.fromEntries(
        data.metrics.map((metric) => [
          `${metric.aggregation}_${metric.measure}`,
          aggregate(group.rows, metric),
        ]),
      ),
    })),
  });
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
    const iso = new Date(row.startMs).toISOString();
    keys['time_dimension'] =
      query.timeDimension.granularity === 'hour'
        ? `${iso.slice(0, 13)}:00:00.000Z`
        : `${iso.slice(0, 10)}T00:00:00.000Z`;
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
