/** Builds the SQL that turns scores into metrics of a group of facts. Pure text; the store runs it. */
import type { AggregateQuery } from './aggregate-query.ts';

/**
 * `group_key, name, count, mean` per score name. A score of an observation belongs to that attempt; a score of
 * a trace (or of a row of it that is no attempt) counts once in each group that the trace touches; a score of
 * a session counts in the session's run. `mean` is NULL for categorical scores.
 */
export function buildScoreQuery(query: AggregateQuery): string {
  const key = query.groupBy === null ? "''" : `f.${query.groupBy}`;
  const ofTraces = `
    SELECT DISTINCT ${key} AS group_key, s.id, s.name, s.value
    FROM scores s JOIN counted_facts f ON f.source = s.source AND f.trace_id = s.trace_id
    WHERE (s.observation_id IS NULL OR s.observation_id = f.id OR NOT EXISTS (
        SELECT 1 FROM counted_facts g
        WHERE g.source = s.source AND g.trace_id = s.trace_id AND g.id = s.observation_id))
      AND ${prefixed(query.where)}`;
  const ofSessions = `
    SELECT DISTINCT ${key} AS group_key, s.id, s.name, s.value
    FROM scores s JOIN counted_facts f ON f.source = s.source AND f.session_id = s.session_id
    WHERE s.trace_id IS NULL AND ${prefixed(query.where)}`;
  const hits = query.grain === 'session' ? `${ofTraces} UNION ${ofSessions}` : ofTraces;
  return `SELECT group_key, name, COUNT(*) AS count, AVG(value) AS mean
FROM (${hits}) GROUP BY group_key, name ORDER BY group_key, name`;
}

/** Columns of the conditions that this product builds, so that they name the facts and not the scores. */
function prefixed(where: string): string {
  return where.replaceAll(
    /\b(source|window_from_ms|model|session_id|trace_id|id)\b(?= *(=|IN\b|<|>))/g,
    'f.$1',
  );
}

export interface ScoreRow {
  readonly group_key: string;
  readonly name: string;
  readonly count: number;
  readonly mean: number | null;
}

/** `score/<name>/count` and, for numbers and booleans, `score/<name>/mean`. */
export function toScoreMetrics(row: ScoreRow): [string, number][] {
  const count: [string, number] = [`score/${row.name}/count`, row.count];
  return row.mean === null ? [count] : [count, [`score/${row.name}/mean`, row.mean]];
}
