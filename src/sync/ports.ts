/**
 * The ports: what `sync` needs of Langfuse and of MLflow. Adapters (`langfuse`, `mlflow`) implement them
 * and depend on this file, never the reverse.
 */
import type {
  Observation,
  ObservationContent,
  Score,
  TraceAttributes,
} from '../shared/observation.ts';
import type { Interval } from '../shared/time.ts';
import type { Trace } from '../shared/trace.ts';

// ---------------------------------------------------------------- source (Langfuse)

export type ReaderKind = 'v2' | 'legacy';

/** What the probe of a run found. */
export interface SourceDescription {
  readonly reader: ReaderKind;
  /** Why this reader, in a sentence a person can act on. */
  readonly reason: string;
  /** `4.16.0`, or null where the server does not tell. */
  readonly serverVersion: string | null;
  readonly projectId: string;
  readonly projectName: string | null;
  /** Which endpoint scores come from, or null where none answers. */
  readonly scores: 'v3' | 'v2' | 'v1' | null;
  /** Base URL without credentials, for links and messages. */
  readonly baseUrl: string;
  /** Server's `Date` header minus the local clock, in milliseconds (positive: server is ahead); null if unknown. */
  readonly clockSkewMs: number | null;
}

/** A row that could not be read even alone, or not be understood as an observation. */
export interface UnreadableRow {
  readonly traceId: string | null;
  readonly id: string | null;
  readonly startMs: number | null;
  readonly reason: string;
  /** Raw JSON text as it came, at most 128 KiB, or null where nothing arrived. */
  readonly raw: string | null;
}

export interface SourcePage {
  readonly observations: readonly Observation[];
  /** Attributes of traces met so far; every trace of an observation is delivered at least once by the end. */
  readonly traces: readonly TraceAttributes[];
  readonly unreadable: readonly UnreadableRow[];
}

export interface ContentRow {
  readonly traceId: string;
  readonly id: string;
  /** When the row was last changed; of repeated rows the newest wins. */
  readonly updatedMs: number | null;
  readonly content: ObservationContent;
}

export interface ContentPage {
  readonly rows: readonly ContentRow[];
  readonly unreadable: readonly UnreadableRow[];
}

/** What Langfuse's metrics API counts of one type of row and model within a day or an hour. */
export interface ObservationCounts {
  /** Start of the day or hour, UTC. */
  readonly bucketMs: number;
  readonly type: string | null;
  /** As the writer named it; null where it named none. */
  readonly model: string | null;
  readonly rows: number;
  readonly totalTokens: number | null;
  readonly costUsd: number | null;
}

export type CountsBucket = 'day' | 'hour';

/** Counts over the life of a reader, for the summary and `doctor`. */
export interface SourceTraffic {
  readonly requests: number;
  readonly retries: number;
  readonly rateLimited: number;
  readonly bytes: number;
  readonly waitedMs: number;
}

/**
 * Reads one Langfuse project. Rows may repeat (over pages, within a page) and come in any order:
 * the caller de-duplicates by (traceId, id), newest `updatedMs` wins.
 *
 * All methods throw AppError (LANGFUSE_*) and end promptly when `signal` aborts.
 */
export interface Source {
  readonly description: SourceDescription;
  readonly traffic: SourceTraffic;
  /** Every observation that starts in `[from, to)`, without its text unless the API always sends it. */
  readWindow(
    interval: Interval,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<SourcePage>;
  /** The text of every GENERATION (and EMBEDDING) that starts in `[from, to)`. Only needed where `readWindow` rows lack `content`. */
  readContent(
    interval: Interval,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<ContentPage>;
  /**
   * For a window in which `readWindow` found no call: the name of another list of the same server that has calls of
   * that time, or null where none has any, or there is none to ask.
   */
  findCallsElsewhere(
    interval: Interval,
    options: { readonly signal: AbortSignal },
  ): Promise<string | null>;
  /** Every score whose timestamp is in `[from, to)`. Empty where the server has no score endpoint. */
  readScores(
    interval: Interval,
    options: { readonly signal: AbortSignal },
  ): AsyncIterable<readonly Score[]>;
  /**
   * Langfuse's own counts of the rows that start in `[from, to)`, in as few requests as it allows; the interval
   * begins and ends where a bucket does. Throws LANGFUSE_UNSUPPORTED where the server has no metrics API.
   */
  readCounts(
    interval: Interval,
    options: { readonly bucket: CountsBucket; readonly signal: AbortSignal },
  ): Promise<readonly ObservationCounts[]>;
}

// ---------------------------------------------------------------- target (MLflow)

export interface TargetDescription {
  readonly kind: 'rest' | 'local';
  /** Tracking URI without credentials. */
  readonly uri: string;
  /** Server version, or the schema revision of a local file; null where it can't be told. */
  readonly version: string | null;
}

export interface Experiment {
  readonly experimentId: string;
  readonly name: string;
  readonly artifactLocation: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface RunRef {
  readonly runId: string;
  readonly artifactUri: string;
}

/** A run as MLflow has it; `metrics` are the latest values. */
export interface StoredRun extends RunRef {
  readonly name: string;
  readonly status: string;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface CreateRun {
  readonly experimentId: string;
  readonly name: string;
  readonly startMs: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface LogBatch {
  readonly runId: string;
  readonly metrics: readonly {
    readonly key: string;
    /** Finite, or NaN to retract. */
    readonly value: number;
    readonly step: number;
    readonly timestampMs: number;
  }[];
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export type RunStatus = 'RUNNING' | 'FINISHED' | 'FAILED';

/** One point of a metric, as MLflow keeps it. */
export interface MetricPoint {
  /** NaN where it was retracted. */
  readonly value: number;
  readonly step: number;
  readonly timestampMs: number;
}

/** The names and values of a run, without its artifacts. */
export interface RunValues {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What an MLflow may be able to do beside holding runs; the table is `src/mlflow/capabilities.ts`. */
export type CapabilityName =
  | 'artifact_proxy'
  | 'presigned_upload'
  | 'traces'
  | 'otlp_traces'
  | 'assessments'
  | 'logged_datasets'
  | 'search_is_null';

export interface Capability {
  readonly name: CapabilityName;
  /** What it is good for. */
  readonly use: string;
  /** Null where it could not be told. */
  readonly isThere: boolean | null;
  /** By the kind of target, its version, a question to it, or what it answered to the first use. */
  readonly by: 'kind' | 'version' | 'probe' | 'use';
  readonly because: string;
}

export interface Capabilities {
  /** Asks the server once, where the kind and version don't tell. Throws MLFLOW_UNREACHABLE or CANCELLED. */
  find(name: CapabilityName): Promise<Capability>;
  /** All of them; one that could not be asked for is unknown. */
  list(): Promise<readonly Capability[]>;
  /** Off from now on, since the target refused to do it; said once. */
  turnOff(name: CapabilityName, because: string): void;
}

/** Counts over the life of a target. `writes` counts every call that changes MLflow. */
export interface TargetTraffic {
  readonly requests: number;
  readonly writes: number;
  readonly retries: number;
  /** How often requests were slowed down because the server refused for load. */
  readonly slowed: number;
}

/** A trace as MLflow has it. */
export interface StoredTrace {
  readonly id: string;
  /** The id in Langfuse. */
  readonly externalId: string;
  readonly startMs: number;
  /** Hash that it was written with; null for one whose writing did not come to its end. */
  readonly hash: string | null;
}

/** Writes traces. Every method may be repeated: the worker chooses the ids. */
export interface TraceWriter {
  /** Why this MLflow takes no traces; null where it does. Asked of the server once. */
  findObstacle(): Promise<string | null>;
  /** Whether a trace that is there can be written over where nothing of it goes. */
  canGrow(): Promise<boolean>;
  /** Writes one trace whole; its hash is there last. One that can't grow must not be there. */
  put(write: { readonly experiment: Experiment; readonly trace: Trace }): Promise<void>;
  /** It is no fault that there are none. */
  delete(gone: { readonly experiment: Experiment; readonly ids: readonly string[] }): Promise<void>;
  /** Every trace of a Langfuse project that a worker wrote, begun in `interval` where one is given. */
  list(place: {
    readonly experimentId: string;
    readonly source: string;
    readonly interval: Interval | null;
  }): AsyncIterable<StoredTrace>;
}

/**
 * Writes one MLflow. Every method is one attempt of one effect as far as the caller can tell: reads and
 * idempotent writes are retried inside; `createRun` is never retried after an uncertain answer, but throws
 * MLFLOW_UNREACHABLE, and the caller searches by key before it creates again.
 *
 * Values are cut to MLflow's limits and cleaned by the adapter (facts on which types MLflow drops silently
 * live there); callers hand over plain strings and numbers.
 */
export interface Target extends AsyncDisposable {
  readonly description: TargetDescription;
  readonly traffic: TargetTraffic;
  readonly capabilities: Capabilities;
  /** Absent where traces can't be written at all, as into a local file. */
  readonly traces?: TraceWriter;
  /** The experiment of that name, created when absent; MLFLOW_EXPERIMENT_DELETED when it is soft-deleted. */
  ensureExperiment(name: string): Promise<Experiment>;
  /** Null when absent. Never writes. */
  findExperiment(name: string): Promise<Experiment | null>;
  /** Sets or overwrites one tag of an experiment. */
  setExperimentTag(tag: {
    readonly experimentId: string;
    readonly key: string;
    readonly value: string;
  }): Promise<void>;
  /** Active runs with the tag `langfuse_mlflow.key` equal to one of `keys` (deleted runs are not found). */
  findRunsByKey(experimentId: string, keys: readonly string[]): Promise<StoredRun[]>;
  /** Every active run of the experiment that carries `langfuse_mlflow.key`. */
  listRuns(experimentId: string): AsyncIterable<StoredRun>;
  getRun(runId: string): Promise<StoredRun | null>;
  /** Every point of a metric, in order of step and time; none for a metric or run that does not exist. */
  metricHistory(runId: string, metric: string): Promise<readonly MetricPoint[]>;
  /**
   * The bytes of an artifact, or null when there is none. Throws MLFLOW_ARTIFACTS_UNSUPPORTED where it lies in a
   * place that can't be read from here.
   */
  getArtifact(artifact: {
    readonly run: RunRef;
    readonly path: string;
  }): Promise<Uint8Array | null>;
  /** What reading back gives when these values are written: cut, cleaned and named as MLflow keeps them. Pure. */
  toStoredForm(values: RunValues): RunValues;
  createRun(run: CreateRun): Promise<RunRef>;
  /** Chunked within every limit; params must not change once written. */
  logBatch(batch: LogBatch): Promise<void>;
  putArtifact(artifact: {
    readonly run: RunRef;
    readonly path: string;
    readonly body: Uint8Array;
    readonly contentType: string;
  }): Promise<void>;
  updateRun(update: {
    readonly runId: string;
    readonly status: RunStatus;
    readonly endMs?: number;
    readonly name?: string;
  }): Promise<void>;
  /** Removes a run (used to clean up a probe). */
  deleteRun(runId: string): Promise<void>;
  /** Runs `work` so that a local store can commit its writes together; on a server it just calls it. */
  batched<T>(work: () => Promise<T>): Promise<T>;
}
