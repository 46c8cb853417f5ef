/** What a team counts in its own way: the content of its settings file, checked. docs/custom-metrics.md is its contract. */
import { hashOf } from './hash.ts';

/** Kinds of runs that an own metric may be published in. */
export const measureGrains = ['window', 'model', 'session', 'trend', 'dimension'] as const;
export type MeasureGrain = (typeof measureGrains)[number];

/** An SQL aggregate over the facts of a group. NULL is unknown and not published. */
export interface CustomMetric {
  readonly name: string;
  readonly unit: string;
  readonly sql: string;
  readonly grains: readonly MeasureGrain[];
}

/** What facts are grouped by beside model and session: one run for each window and value. */
export interface Dimension {
  readonly name: string;
  /** SQL expression per fact, as text; of `tags` each fact has as many values as it has tags. */
  readonly sql: string;
  readonly isTags: boolean;
  /** Values with most requests that get a run of their own; the others share one. */
  readonly top: number;
}

/** Only facts for which the SQL condition is true count. */
export interface Filter {
  readonly name: string;
  readonly sql: string;
}

/** USD per million tokens. Null: not known, so that a call with such tokens keeps its unknown cost. */
export interface Price {
  readonly model: string;
  readonly inputUsd: number;
  readonly outputUsd: number;
  readonly cacheReadUsd: number | null;
  readonly cacheWriteUsd: number | null;
}

export interface Measures {
  readonly metrics: readonly CustomMetric[];
  readonly dimensions: readonly Dimension[];
  readonly filters: readonly Filter[];
  readonly prices: readonly Price[];
}

export const noMeasures: Measures = { metrics: [], dimensions: [], filters: [], prices: [] };

/** Changes when any number or run may; null when nothing is set. */
export function measuresHash(measures: Measures): string | null {
  const isSet = Object.values(measures).some((entries: readonly unknown[]) => entries.length > 0);
  return isSet ? hashOf(measures) : null;
}

/** An expression of the settings file, and what it must be. */
export interface CheckedSql {
  readonly kind: 'metric' | 'dimension' | 'filter';
  readonly sql: string;
}

/** Why an expression can't be used, as the second half of a sentence, or null. */
export type CheckSql = (expression: CheckedSql) => string | null;

/** What parsing a settings file must ask of rooms that know facts and metrics. */
export interface MeasureChecks {
  readonly checkSql: CheckSql;
  /** True for the name of a metric that is published anyway. */
  readonly isTakenMetric: (name: string) => boolean;
}
