/** What a set of windows holds, for the summary at the end of a run. */
import { buildAggregateQuery, toMetrics, type AggregateQuery } from '../metrics/aggregate-query.ts';
import { queryRows } from '../store/aggregates.ts';
import type { State } from '../store/open-state.ts';

export interface Totals {
  readonly all: ReadonlyMap<string, number>;
  readonly models: readonly {
    readonly model: string;
    readonly metrics: ReadonlyMap<string, number>;
  }[];
}

/** Metrics over all given windows together (percentiles over all their requests), models by cost. */
export function sumWindows(
  state: State,
  place: { readonly source: string; readonly windowStarts: readonly number[] },
): Totals {
  const where = 'source = @source AND window_from_ms IN (SELECT value FROM json_each(@windows))';
  const parameters = { source: place.source, windows: JSON.stringify(place.windowStarts) };
  const query = (asked: Pick<AggregateQuery, 'grain' | 'groupBy'>): Record<string, unknown>[] =>
    queryRows<Record<string, unknown>>(state, {
      sql: buildAggregateQuery({ ...asked, where }),
      parameters,
    });
  return {
    all: toMetrics(query({ grain: 'window', groupBy: null })[0] ?? {}),
    models: query({ grain: 'model', groupBy: 'model' })
      .map((row) => ({ model: String(row['group_key']), metrics: toMetrics(row) }))
      .toSorted((a, b) => (b.metrics.get('cost_usd') ?? -1) - (a.metrics.get('cost_usd') ?? -1)),
  };
}
