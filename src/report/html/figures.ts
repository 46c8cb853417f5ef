/** What a report tells, as data: every figure with its name, nothing of how it looks. */

export type Metrics = ReadonlyMap<string, number>;

/** The figures of another span beside those of this one. */
export interface Comparison {
  /** `the day before`. */
  readonly label: string;
  /** Null where that span was not read whole: nothing is known of it. */
  readonly metrics: Metrics | null;
}

export interface Group {
  readonly name: string;
  readonly metrics: Metrics;
  readonly links: Links;
}

/** Absolute addresses, or null where there is none. */
export interface Links {
  readonly mlflow: string | null;
  readonly langfuse: string | null;
}

export interface Timeline {
  readonly fromMs: number;
  readonly bucketMs: number;
  /** Number of buckets from `fromMs` on, empty ones included. */
  readonly buckets: number;
  readonly cells: readonly TimelineCell[];
}

export interface TimelineCell {
  readonly bucket: number;
  readonly model: string;
  readonly requests: number;
  /** Null for unknown. */
  readonly costUsd: number | null;
}

/** Attempts of one model in each bar of the distribution. */
export interface LatencyBars {
  readonly model: string;
  readonly attempts: readonly number[];
}

export interface FailureClass {
  /** Null where LiteLLM does not tell it. */
  readonly errorClass: string | null;
  readonly httpStatus: number | null;
  readonly model: string;
  readonly attempts: number;
  /** Requests whose last attempt failed so. */
  readonly errors: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Who or what cost most. Groups are ordered, costliest first; together with `unnamed` they are the whole. */
export interface Ranking {
  /** `session`, `user`, `key`, `client tool`. */
  readonly of: string;
  readonly groups: readonly Group[];
  /** What belongs to no known one, or null. */
  readonly unnamed: Metrics | null;
}

/** How the rows were read, where the report may tell it. */
export interface Reading {
  readonly quarantined: number;
  readonly doubleLogged: number;
  /** Rows that Langfuse sent more than once; null in a report that must not depend on how it was read. */
  readonly repeated: number | null;
  /** Spans that belong to the report and were not read. */
  readonly unread: readonly string[];
}

export interface ReportFigures {
  readonly kind: 'window' | 'range' | 'model' | 'session';
  /** `2026-11-12`, the model, the session id. */
  readonly subject: string;
  readonly project: string;
  /** Half-open, epoch milliseconds UTC. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The metrics of the run; an absent one is unknown. */
  readonly totals: Metrics;
  readonly comparisons: readonly Comparison[];
  /** Costliest first. */
  readonly models: readonly Group[];
  /** Windows of a range in order of time; empty in other reports. */
  readonly windows: readonly Group[];
  readonly timeline: Timeline;
  /** Upper ends of the bars; the last bar has none. */
  readonly latencyEdgesMs: readonly number[];
  readonly latency: readonly LatencyBars[];
  readonly failures: readonly FailureClass[];
  readonly rankings: readonly Ranking[];
  /** Null where no window of its own was read for it: of a model or a session. */
  readonly reading: Reading | null;
}
