/** The metrics of each group of facts: the catalogue, the team's own, and scores. */
import { buildAggregateQuery, toMetrics, type AggregateQuery } from '../metrics/aggregate-query.ts';
import { buildScoreQuery, toScoreMetrics, type ScoreRow } from '../metrics/score-query.ts';
import { queryRows, type SqlParameters } from '../store/aggregates.ts';
import type { State } from '../store/open-state.ts';
import type { DescribedSource } from './described-source.ts';

/** By group key. A group without facts is not there. */
export function groupMetrics(
  place: { readonly state: State; readonly source: DescribedSource },
  asked: Omit<AggregateQuery, 'own'>,
  parameters: SqlParameters,
): Map<string, Map<string, number>> {
  const { state, source } = place;
  const query = { ...asked, own: source.measures.metrics };
  const groups = new Map<string, Map<string, number>>();
  const rows = queryRows<Record<string, unknown>>(state, {
    sql: buildAggregateQuery(query),
    parameters,
  });
  for (const row of rows) groups.set(String(row['group_key']), toMetrics(row));
  if (query.grain !== 'trend') {
    for (const row of queryRows<ScoreRow>(state, { sql: buildScoreQuery(query), parameters })) {
      for (const [name, value] of toScoreMetrics(row)) groups.get(row.group_key)?.set(name, value);
    }
  }
  return groups;
}
