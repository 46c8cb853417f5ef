/**
 * The audit of a window before anything of it is published: its numbers against the sums over its models, and
 * against a plain loop over its facts that shares no SQL with the catalogue. A window that disagrees with itself
 * is not published.
 */
import { toPrice } from '../metrics/measured-facts.ts';
import { AppError } from '../shared/errors.ts';
import type { Measures, Price } from '../shared/measures.ts';
import { toIso } from '../shared/time.ts';
import type { Fact } from '../store/fact.ts';
import type { State } from '../store/open-state.ts';

type Metrics = ReadonlyMap<string, number>;

export interface AuditFigure {
  readonly metric: string;
  /** What the window's run says; null for unknown, as in the others. */
  readonly run: number | null;
  readonly sum_of_models: number | null;
  readonly recomputed: number | null;
}

/** What the manifest tells of the audit. */
export interface WindowAudit {
  /** Facts of the window that the loop went over, and those of them that count. */
  readonly facts: number;
  readonly counted: number;
  readonly models: number;
  readonly figures: readonly AuditFigure[];
}

type AuditedRow = Pick<
  Fact,
  | 'model'
  | 'request_id'
  | 'is_final_attempt'
  | 'is_error'
  | 'prompt_tokens'
  | 'completion_tokens'
  | 'total_tokens'
  | 'uncached_prompt_tokens'
  | 'cache_read_tokens'
  | 'cache_write_tokens'
  | 'reasoning_tokens'
  | 'cost_usd'
  | 'cost_source'
> & { readonly is_counted: number };

const auditedColumns = [
  'model',
  'request_id',
  'is_final_attempt',
  'is_error',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'uncached_prompt_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'cost_usd',
  'cost_source',
] as const satisfies readonly (keyof AuditedRow)[];

const tokenColumns = [
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'uncached_prompt_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
] as const satisfies readonly (keyof AuditedRow)[];

/** Metrics of which those of the models add up to the window's. */
export const additiveMetrics = [
  'requests',
  'attempts',
  'errors',
  'failed_attempts',
  ...tokenColumns,
  'cost_usd',
  'cost_unknown_requests',
] as const;
type AdditiveMetric = (typeof additiveMetrics)[number];

/** Throws INTERNAL, naming every number that disagrees. One pass over the window's facts. */
export function auditWindow(
  state: State,
  window: {
    readonly source: string;
    readonly fromMs: number;
    readonly metrics: Metrics;
    readonly models: ReadonlyMap<string, Metrics>;
    readonly measures: Measures;
  },
): WindowAudit {
  const count = recount(state, window);
  const all = toFigures(count.all);
  const figures = additiveMetrics.map((metric) => ({
    metric,
    run: window.metrics.get(metric) ?? null,
    sum_of_models: sumOf([...window.models.values()], metric),
    recomputed: all[metric],
  }));
  // A model of unbilled failures alone has a cost of 0 where the window's is unknown: sums take unknown for 0.
  const wrong = figures
    .filter(
      (figure) =>
        !agree(figure.run ?? 0, figure.sum_of_models ?? 0) || !agree(figure.run, figure.recomputed),
    )
    .map(
      (figure) =>
        `${figure.metric} is ${show(figure.run)}, its models sum up to ${show(figure.sum_of_models)}, its facts to ${show(figure.recomputed)}`,
    );
  const names = new Set([...window.models.keys(), ...count.models.keys()]);
  for (const model of names) {
    const recomputed = toFigures(count.models.get(model) ?? emptyTally());
    for (const metric of additiveMetrics) {
      const told = window.models.get(model)?.get(metric) ?? null;
      if (agree(told, recomputed[metric])) continue;
      wrong.push(
        `${metric} of ${model} is ${show(told)}, its facts sum up to ${show(recomputed[metric])}`,
      );
    }
  }
  if (wrong.length > 0) {
    throw new AppError(
      'INTERNAL',
      `The numbers of window ${toIso(window.fromMs)} do not agree with each other, so it was not published: ${wrong.join('; ')}.`,
      { details: { window: toIso(window.fromMs), wrong } },
    );
  }
  return {
    facts: count.facts,
    counted: count.all.attempts,
    models: window.models.size,
    figures,
  };
}

interface Tally {
  readonly finished: Set<string>;
  readonly failed: Set<string>;
  attempts: number;
  failedAttempts: number;
  unknownCosts: number;
  pricedAttempts: number;
  cost: number;
  readonly tokens: Map<(typeof tokenColumns)[number], number>;
}

function recount(
  state: State,
  window: {
    readonly source: string;
    readonly fromMs: number;
    readonly measures: Measures;
  },
): { readonly facts: number; readonly all: Tally; readonly models: ReadonlyMap<string, Tally> } {
  const isCounted =
    window.measures.filters.length === 0
      ? 'not_counted IS NULL'
      : 'EXISTS (SELECT 1 FROM counted_facts c WHERE c.source = f.source AND c.trace_id = f.trace_id AND c.id = f.id)';
  const rows = state.db
    .prepare(
      // Ordered, so that the last bits of the sum of costs do not depend on the order in which rows came.
      `SELECT ${auditedColumns.join(', ')}, ${isCounted} AS is_counted
       FROM facts f WHERE source = ? AND window_from_ms = ?
       ORDER BY start_ms, trace_id, id`,
    )
    .iterate(window.source, window.fromMs) as IterableIterator<AuditedRow>;
  const all = emptyTally();
  const models = new Map<string, Tally>();
  let facts = 0;
  const prices = new Map(window.measures.prices.map((price) => [price.model, price]));
  for (const stored of rows) {
    facts += 1;
    const row = toPriced(stored, prices);
    if (row.is_counted === 0) continue;
    const ofModel = models.get(row.model) ?? emptyTally();
    models.set(row.model, ofModel);
    addRow(all, row);
    addRow(ofModel, row);
  }
  return { facts, all, models };
}

/** A fact of unknown cost with its cost by the settings file, where that has a price. */
function toPriced(row: AuditedRow, prices: ReadonlyMap<string, Price>): AuditedRow {
  const price = row.cost_source === 'unknown' ? prices.get(row.model) : undefined;
  const costUsd = price === undefined ? null : toPrice(price, row);
  return costUsd === null ? row : { ...row, cost_usd: costUsd, cost_source: 'estimate' };
}

function emptyTally(): Tally {
  return {
    finished: new Set(),
    failed: new Set(),
    attempts: 0,
    failedAttempts: 0,
    unknownCosts: 0,
    pricedAttempts: 0,
    cost: 0,
    tokens: new Map(),
  };
}

function addRow(tally: Tally, row: AuditedRow): void {
  tally.attempts += 1;
  if (row.is_error === 1) tally.failedAttempts += 1;
  if (row.is_final_attempt === 1) {
    tally.finished.add(row.request_id);
    if (row.is_error === 1) tally.failed.add(row.request_id);
  }
  if (row.cost_source === 'unknown') tally.unknownCosts += 1;
  else if (row.cost_source !== 'not_billed') tally.pricedAttempts += 1;
  tally.cost += row.cost_usd ?? 0;
  for (const column of tokenColumns) {
    const tokens = row[column];
    if (tokens !== null) tally.tokens.set(column, (tally.tokens.get(column) ?? 0) + tokens);
  }
}

function toFigures(tally: Tally): Readonly<Record<AdditiveMetric, number | null>> {
  // Zeros of unbilled attempts beside unknown costs are no price.
  const isPriceKnown = tally.pricedAttempts > 0 || tally.unknownCosts === 0;
  const tokens = (column: (typeof tokenColumns)[number]): number | null =>
    tally.tokens.get(column) ?? null;
  return {
    requests: tally.finished.size,
    attempts: tally.attempts,
    errors: tally.failed.size,
    failed_attempts: tally.attempts > 0 ? tally.failedAttempts : null,
    prompt_tokens: tokens('prompt_tokens'),
    completion_tokens: tokens('completion_tokens'),
    total_tokens: tokens('total_tokens'),
    uncached_prompt_tokens: tokens('uncached_prompt_tokens'),
    cache_read_tokens: tokens('cache_read_tokens'),
    cache_write_tokens: tokens('cache_write_tokens'),
    reasoning_tokens: tokens('reasoning_tokens'),
    cost_usd: tally.attempts > 0 && isPriceKnown ? tally.cost : null,
    cost_unknown_requests: tally.attempts > 0 ? tally.unknownCosts : null,
  };
}

/** Null when no model knows it. */
function sumOf(models: readonly Metrics[], metric: AdditiveMetric): number | null {
  const known = models.map((metrics) => metrics.get(metric)).filter((value) => value !== undefined);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

/** Unknown agrees with unknown alone. */
function agree(a: number | null, b: number | null): boolean {
  if (a === null || b === null) return a === b;
  // Sums of costs differ in their last bits by the order of their terms.
  return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
}

function show(value: number | null): string {
  return value === null ? 'unknown' : String(value);
}
