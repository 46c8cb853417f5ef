/** Builds the SQL that parts the facts of a window by the values of a dimension. Pure text; the store runs it. */
import type { Dimension } from '../shared/measures.ts';

/** Group keys of {@link toGroupBy}: a value has its own text behind `v`. */
export const noneKey = 'n';
export const otherKey = 'o';
export const valuePrefix = 'v';

/** Condition over facts that leaves those whose value is in the JSON list `@some`. */
export function toValueCondition(dimension: Dimension): string {
  return dimension.isTags
    ? 'EXISTS (SELECT 1 FROM json_each(tags) AS tag WHERE tag.value IN (SELECT value FROM json_each(@some)))'
    : `${valueSql(dimension)} IN (SELECT value FROM json_each(@some))`;
}

/** A value as text, or NULL where a fact has none. Bytes are shown as hex. */
function valueSql(dimension: Dimension): string {
  const sql = `(${dimension.sql})`;
  return `NULLIF(CASE typeof(${sql}) WHEN 'blob' THEN hex(${sql}) ELSE CAST(${sql} AS TEXT) END, '')`;
}

/** `value, requests` of each value among the facts that `where` leaves: most requests first, then attempts, then by name. */
export function buildValuesQuery(dimension: Dimension, where: string): string {
  const facts = dimension.isTags
    ? `(SELECT DISTINCT f.rowid_of_fact, f.is_final_attempt, CAST(tag.value AS TEXT) AS value
        FROM (SELECT source || char(10) || trace_id || char(10) || id AS rowid_of_fact, is_final_attempt, tags
              FROM counted_facts WHERE ${where}) f, json_each(f.tags) AS tag WHERE tag.value <> '')`
    : `(SELECT is_final_attempt, ${valueSql(dimension)} AS value FROM counted_facts WHERE ${where})`;
  return `SELECT value, SUM(is_final_attempt) AS requests FROM ${facts}
    WHERE value IS NOT NULL GROUP BY value
    ORDER BY SUM(is_final_attempt) DESC, COUNT(*) DESC, value`;
}

/** Expression that names the group of a fact; `@kept` is a JSON list of the values that have a run of their own. */
export function toGroupBy(dimension: Dimension): string {
  const value = valueSql(dimension);
  return `CASE WHEN ${value} IS NULL THEN '${noneKey}'
    WHEN ${value} IN (SELECT value FROM json_each(@kept)) THEN '${valuePrefix}' || ${value} ELSE '${otherKey}' END`;
}

/** Conditions over facts for a dimension of which a fact has several values: no value, and one outside of `@kept`. */
export const tagConditions = {
  none: "NOT EXISTS (SELECT 1 FROM json_each(tags) AS tag WHERE tag.value <> '')",
  other: `EXISTS (SELECT 1 FROM json_each(tags) AS tag
    WHERE tag.value <> '' AND tag.value NOT IN (SELECT value FROM json_each(@kept)))`,
} as const;
