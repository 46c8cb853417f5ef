/**
 * A run spec: everything that one MLflow run must hold, as plain data, before anything is sent.
 * docs/formats.md is its contract.
 */

export const grains = ['window', 'model', 'session', 'trend', 'request'] as const;
export type Grain = (typeof grains)[number];

export interface MetricPoint {
  readonly key: string;
  /** Finite, or NaN to retract a value that was published and is no longer known. */
  readonly value: number;
  /** Integer. */
  readonly step: number;
  /** Epoch milliseconds, integer. */
  readonly timestampMs: number;
}

export interface ArtifactSpec {
  /** Relative path, `/`-separated, of safe names only. */
  readonly path: string;
  readonly contentType: string;
  /** True for `{columns, data}` JSON, which MLflow's UI renders as a table. */
  readonly isTable: boolean;
  /** Changes if and only if the rendered bytes would. */
  readonly sourceHash: string;
  /** Makes the bytes; called only when they must be written. */
  readonly render: () => Uint8Array;
}

export interface RunSpec {
  readonly grain: Grain;
  /** 32 hex characters: the deterministic identity of the run. */
  readonly key: string;
  /** Key of the run it nests under, or null. */
  readonly parentKey: string | null;
  /** At most 250 characters. */
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly params: Readonly<Record<string, string>>;
  /** Without the tags the publisher owns (key, hash, revision, complete, parent). */
  readonly tags: Readonly<Record<string, string>>;
  /**
   * Values at the run's revision (`step` absent) for every grain but trend;
   * points at a fixed step for trend.
   */
  readonly metrics: ReadonlyMap<string, number>;
  readonly artifacts: readonly ArtifactSpec[];
  /** Hash over all that would be written. Equal hash: no call at all. */
  readonly hash: string;
}
