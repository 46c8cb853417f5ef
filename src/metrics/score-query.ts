/** Builds the SQL that turns scores into metrics of a group of facts. Pure text; the store runs it. */
import type { AggregateQuery } from './aggregate-query.ts';

/**
 * `group_key, name, count, mean` per score name. A score of an observation belongs to that attempt; a score of
 * a trace (or of a row of it that is no attempt) counts once in each group that the trace touches; a score of
 * a session counts in the session's run. `mean` is NULL for categorical scores.
 */
export function buildScoreQuery(query: AggregateQuery): string {
  const facts = `(SELECT ${query.groupBy ?? "''"} AS group_key, source, trace_id, id, session_id
    FROM counted_facts WHERE ${query.where})`;
  const ofTraces = `
    SELECT DISTINCT f.group_key, s.id, s.name, s.value
    FROM ${facts} f JOIN scores s ON s.source = f.source AND s.trace_id = f.trace_id
    WHERE s.observation_id IS NULL OR s.observation_id = f.id OR NOT EXISTS (
        SELECT 1 FROM main.counted_facts g
        WHERE g.source = s.source AND g.trace_id = s.trace_id AND g.id = s.observation_id)`;
  const ofSessions = `
    SELECT DISTINCT f.group_key, s.id, s.name, s.value
    FROM ${facts} f JOIN scores s ON s.source = f.source AND s.session_id = f.session_id
    WHERE s.trace_id IS NULL`;
  const hits = query.grain === 'session' ? `${ofTraces} UNION ${ofSessions}` : ofTraces;
  return `SELECT group_key, name, COUNT(*) AS count, AVG(value) AS mean
FROM (${hits}) GROUP BY group_key, name ORDER BY group_key, name`;
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
