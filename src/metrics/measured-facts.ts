/** The SQL of the facts that count, as the settings file has them: filtered, and priced where nobody knows a cost. */
import type { Measures, Price } from '../shared/measures.ts';

/**
 * `SELECT` of every column of a fact from `facts`, which must be a relation of facts that count at all. A fact
 * whose cost is unknown and whose model has a price gets the cost of its tokens, source `estimate`, and a row hash
 * that tells of it. Null where the settings change nothing.
 */
export function buildMeasuredFacts(
  measures: Measures,
  table: { readonly facts: string; readonly columns: readonly string[] },
): string | null {
  if (measures.filters.length === 0 && measures.prices.length === 0) return null;
  const filters = measures.filters.map((filter) => `(${filter.sql})`);
  return [
    `SELECT ${table.columns.join(', ')} FROM (${pricedFacts(measures.prices, table)})`,
    ...(filters.length > 0 ? [`WHERE ${filters.join('\n  AND ')}`] : []),
  ].join('\n');
}

function pricedFacts(
  prices: readonly Price[],
  table: { readonly facts: string; readonly columns: readonly string[] },
): string {
  if (prices.length === 0) return `SELECT ${table.columns.join(', ')} FROM ${table.facts}`;
  const price = `CASE WHEN cost_source = 'unknown' THEN CASE model
    ${prices.map((one) => `WHEN ${quote(one.model)} THEN ${costSql(one)}`).join('\n    ')} END END`;
  const priced: Readonly<Record<string, string>> = {
    cost_usd: 'COALESCE(cost_usd, estimated_usd)',
    cost_source: "CASE WHEN estimated_usd IS NULL THEN cost_source ELSE 'estimate' END",
    row_hash:
      "CASE WHEN estimated_usd IS NULL THEN row_hash ELSE row_hash || '+' || estimated_usd END",
  };
  const columns = table.columns.map((column) =>
    priced[column] === undefined ? column : `${priced[column]} AS ${column}`,
  );
  return `SELECT ${columns.join(', ')} FROM (SELECT *, ${price} AS estimated_usd FROM ${table.facts})`;
}

/** NULL where the tokens are unknown, or are of a kind that has no price. */
function costSql(price: Price): string {
  return `(${[
    partSql('uncached_prompt_tokens', price.inputUsd),
    partSql('cache_read_tokens', price.cacheReadUsd),
    partSql('cache_write_tokens', price.cacheWriteUsd),
    partSql('completion_tokens', price.outputUsd),
  ].join(' + ')}) / 1000000.0`;
}

function partSql(tokens: string, usd: number | null): string {
  return usd === null ? `CASE WHEN ${tokens} = 0 THEN 0 END` : `${tokens} * ${toReal(usd)}`;
}

/** A literal that SQLite reads as the same number; a whole one must not become an integer. */
function toReal(value: number): string {
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** What a call of these tokens costs by the price, in USD; null where {@link buildMeasuredFacts} knows none. */
export function toPrice(
  price: Price,
  tokens: {
    readonly uncached_prompt_tokens: number | null;
    readonly cache_read_tokens: number | null;
    readonly cache_write_tokens: number | null;
    readonly completion_tokens: number | null;
  },
): number | null {
  const parts: readonly (readonly [number | null, number | null])[] = [
    [tokens.uncached_prompt_tokens, price.inputUsd],
    [tokens.cache_read_tokens, price.cacheReadUsd],
    [tokens.cache_write_tokens, price.cacheWriteUsd],
    [tokens.completion_tokens, price.outputUsd],
  ];
  let sum = 0;
  for (const [count, usd] of parts) {
    if (count === null || (usd === null && count > 0)) return null;
    sum += count * (usd ?? 0);
  }
  return sum / 1_000_000;
}
