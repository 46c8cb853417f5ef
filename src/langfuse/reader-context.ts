/** What every reader of this room works with. */
import type { Interval } from '../shared/time.ts';
import type { Gate } from './gate.ts';
import type { LangfuseApi } from './sdk-client.ts';
import { isInside } from './slices.ts';

export interface ReaderContext {
  readonly api: LangfuseApi;
  readonly gate: Gate;
  readonly concurrency: number;
  readonly pageSize: number;
  readonly contentPageSize: number;
  /** Null: every environment. */
  readonly environments: readonly string[] | null;
}

/** Slices of a window: more than are read at once, so that a busy hour doesn't keep one reader alone at the end. */
export const slicesPerReader = 3;

/**
 * Tells whether a row belongs to what was asked for. A server that is too old for a filter ignores it (Langfuse 2 has
 * no environments): rows outside the interval or of another environment are left out here; rows that have no
 * environment are kept.
 */
export function createRowFilter(context: ReaderContext, interval: Interval) {
  let leftOut = 0;
  return {
    keeps(row: { readonly startMs: number; readonly environment?: string | null }): boolean {
      const { environments } = context;
      const environment = row.environment ?? null;
      const isWanted =
        isInside(interval, row.startMs) &&
        (environments === null || environment === null || environments.includes(environment));
      if (!isWanted) leftOut += 1;
      return isWanted;
    },
    /** Says once how many rows came that were not asked for. */
    report(name: string): void {
      if (leftOut === 0) return;
      context.gate.notice({
        kind: 'left_out',
        message: `${name} gave ${leftOut} rows outside the time or environments asked for; they were left out`,
        details: { rows: leftOut },
      });
    },
  };
}
