/**
 * What a run tells about itself while it goes on. Progress is data first: `sync` reports events, and
 * `telemetry` makes lines or a bar of them. No event holds a secret or the text of a prompt.
 */
import type { Interval } from './time.ts';

/** How many MLflow runs of one or more windows were written. */
export interface RunCounts {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  /** Runs whose rows are all gone from Langfuse. */
  readonly deleted: number;
}

/** How many MLflow traces of one or more windows were written. */
export interface TraceCounts {
  readonly written: number;
  readonly unchanged: number;
  /** Traces that are gone from Langfuse, or not wanted any more. */
  readonly deleted: number;
}

export type ProgressEvent =
  | {
      readonly kind: 'run_started';
      /** `sync`, `backfill`, … */
      readonly command: string;
      /** Where rows come from and how they are read, for people: `https://cloud.langfuse.com (v2)`. */
      readonly source: string;
      /** Where runs go, for people: `sqlite:///mlflow.db`. */
      readonly target: string;
    }
  | {
      /** The worker before ended without handing its lease of the state file back. */
      readonly kind: 'lease_taken_over';
      readonly holder: string;
      /** `gone`: that process is not there any more; `expired`: it did not renew its lease in time. */
      readonly why: 'gone' | 'expired';
    }
  | {
      readonly kind: 'windows_planned';
      readonly windows: number;
      /** From the start of the first to the end of the last one; null when there is nothing to do. */
      readonly span: Interval | null;
    }
  | {
      readonly kind: 'window_read_progress';
      readonly window: Interval;
      /** Rows of this window so far, duplicates included. */
      readonly rows: number;
      /** Since the window was begun. */
      readonly elapsedMs: number;
    }
  | {
      readonly kind: 'window_folded';
      readonly window: Interval;
      /** Rows read, duplicates included. */
      readonly rows: number;
      /** Generations that are counted. */
      readonly generations: number;
      /** Rows set aside by name, because they could not be read or understood. */
      readonly quarantined: number;
      readonly elapsedMs: number;
    }
  | { readonly kind: 'window_published'; readonly window: Interval; readonly runs: RunCounts }
  | {
      /** Someone had deleted a run in MLflow; it was made again. */
      readonly kind: 'run_made_again';
      readonly window: Interval;
      readonly name: string;
      /** Id of the deleted run. */
      readonly runId: string;
    }
  | { readonly kind: 'traces_published'; readonly window: Interval; readonly traces: TraceCounts }
  | {
      /** This MLflow takes no traces; said once a run. */
      readonly kind: 'traces_skipped';
      readonly reason: string;
    }
  | {
      /** Read once more, for calls of it that had been pruned and are needed again. */
      readonly kind: 'window_restored';
      readonly window: Interval;
    }
  | {
      /** MLflow would not take the description of the experiment; everything else goes on. */
      readonly kind: 'experiment_not_described';
      readonly message: string;
    }
  | {
      readonly kind: 'window_failed';
      readonly window: Interval;
      readonly code: string;
      readonly message: string;
      /** The next step, in a sentence. */
      readonly hint: string;
    }
  | {
      readonly kind: 'run_finished';
      readonly windowsDone: number;
      readonly windowsFailed: number;
      readonly rows: number;
      readonly runs: RunCounts;
      readonly elapsedMs: number;
    };

/** Takes an event at once and never throws. */
export type ReportProgress = (event: ProgressEvent) => void;

/** Reports to nobody. */
export const ignoreProgress: ReportProgress = () => {};
