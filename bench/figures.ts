/** What a contender reports of one run, and what all runs over the same traffic must agree on. */

/** Of the calls that were read: each once, whatever was sent twice. */
export interface Aggregates {
  readonly calls: number;
  /** Sum of start times, in milliseconds after the first day. */
  readonly startSumMs: number;
  /** Sum over the calls from start to end; those without an end count nothing. */
  readonly durationSumMs: number;
}

export interface Outcome {
  /** Null for the wire alone, which looks at nothing. */
  readonly aggregates: Aggregates | null;
  readonly wallMs: number;
  /** User and system time of the process while it worked, without its start. */
  readonly cpuMs: number;
  /** Highest resident size of the process. */
  readonly peakBytes: number;
  /** Anything else worth a line: bytes of a file, writes, runs. */
  readonly notes: Readonly<Record<string, number>>;
}

export interface Measured extends Outcome {
  /** Requests that the sample server saw. */
  readonly requests: number;
  /** Of them answered 429. */
  readonly limited: number;
}

/** What each contender is told, as JSON in its first argument. */
export interface Task {
  readonly contender: string;
  readonly url: string;
  readonly publicKey: string;
  readonly secretKey: string;
  readonly fromMs: number;
  readonly days: number;
  /** Requests at a time, for those that read in parallel. */
  readonly concurrency: number;
  readonly withText: boolean;
  readonly folder: string;
  /** Where there is an MLflow server. */
  readonly mlflowUrl: string | null;
  /** How many facts are aggregated by the one that does only that. */
  readonly facts: number;
  /** How many runs are made by the one that makes a run per call. */
  readonly runs: number;
}

export const dayMs = 86_400_000;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}
