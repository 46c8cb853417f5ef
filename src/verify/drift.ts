/** What `verify` finds: drift between Langfuse, the state file and MLflow, as plain data. */
import type { Grain } from '../runs/run-spec.ts';
import type { Interval } from '../shared/time.ts';

/** One value that is not what it should be. Null: absent. */
export interface Difference {
  /** `metric cost_usd`, `tag langfuse_mlflow.hash`, `artifact requests.json`, `column model`, … */
  readonly what: string;
  readonly expected: string | number | null;
  readonly found: string | number | null;
}

/** A row of Langfuse that the state file has otherwise. In `differences`, `expected` is Langfuse's value. */
export interface RowDrift {
  readonly of: 'generation' | 'score' | 'quarantined row';
  /** `missing`: only Langfuse has it; `extra`: only the state file has it. */
  readonly kind: 'missing' | 'extra' | 'changed';
  readonly traceId: string | null;
  readonly id: string;
  readonly differences: readonly Difference[];
}

/** What counts of a model in a window. Null: unknown. */
export interface ModelTotals {
  readonly attempts: number;
  readonly totalTokens: number | null;
  readonly costUsd: number | null;
}

export interface WindowDrift {
  readonly window: Interval;
  /** True for a settled window between read ones that was never read. */
  readonly isUnread: boolean;
  /** True when Langfuse shows no call at all in a window of which the state file or MLflow has some: it may be a fault, or its retention. */
  readonly isEmptied: boolean;
  readonly rows: readonly RowDrift[];
  /** Models whose totals differ, by name. */
  readonly models: readonly {
    readonly model: string;
    readonly langfuse: ModelTotals;
    readonly state: ModelTotals;
  }[];
}

/**
 * - `missing`: described, but MLflow has no such run
 * - `changed`: MLflow has other values than were described
 * - `incomplete`: the run was never finished
 * - `duplicate`: a second run of one key
 * - `vanished`: a run of a model, session or request that the state file no longer has
 * - `unknown`: a run that nobody described and the ledger does not know
 */
export type RunDriftKind =
  | 'missing'
  | 'changed'
  | 'incomplete'
  | 'duplicate'
  | 'vanished'
  | 'unknown';

export interface RunDrift {
  readonly kind: RunDriftKind;
  readonly grain: Grain | 'unknown';
  readonly key: string;
  /** Start of the window that the run belongs to; null for a trend. */
  readonly windowFromMs: number | null;
  /** Model, session or request; `''` for a window. */
  readonly subject: string;
  readonly runId: string | null;
  readonly differences: readonly Difference[];
}

/** Something that differs and is left as it is, with the reason. */
export interface Note {
  readonly runId: string;
  readonly grain: Grain;
  readonly subject: string;
  readonly text: string;
}

/** How much was compared. */
export interface ComparedCounts {
  readonly runs: number;
  readonly metrics: number;
  readonly params: number;
  readonly tags: number;
  readonly artifacts: number;
  readonly trendPoints: number;
}
