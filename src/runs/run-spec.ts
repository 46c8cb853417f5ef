/**
 * A run spec: everything that one MLflow run must hold, as plain data, before anything is sent.
 * docs/formats.md is its contract.
 */
import { hashOf } from '../shared/hash.ts';

export const grains = ['window', 'model', 'session', 'trend', 'request', 'dimension'] as const;
export type Grain = (typeof grains)[number];

export interface ArtifactSpec {
  /** Relative path, `/`-separated, of safe names only. */
  readonly path: string;
  readonly contentType: string;
  /** True for `{columns, data}` JSON, which MLflow's UI renders as a table. */
  readonly isTable: boolean;
  /** Changes if and only if the rendered bytes would, but for what tells of this run of the worker (its version). */
  readonly sourceHash: string;
  /** Makes the bytes; called only when they must be written. */
  readonly render: () => Uint8Array | Promise<Uint8Array>;
}

export interface RunParts {
  readonly grain: Grain;
  /** 32 hex characters: the deterministic identity of the run. */
  readonly key: string;
  /** Key of the run it nests under, or null. */
  readonly parentKey: string | null;
  /** Langfuse project id. */
  readonly source: string;
  /** Start of the window that the run belongs to (for a session its first one), or null for a trend. */
  readonly windowFromMs: number | null;
  /** The model, session or generation that the run stands for; `''` for a window. */
  readonly subject: string;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  /** What can never change. */
  readonly params: Readonly<Record<string, string>>;
  /** Without the tags that the publisher owns (key, hash, revision, complete, parent). */
  readonly tags: Readonly<Record<string, string>>;
  /** Values at the run's revision. */
  readonly metrics: ReadonlyMap<string, number>;
  readonly artifacts: readonly ArtifactSpec[];
}

export interface RunSpec extends RunParts {
  /** Hash over all that would be written, but for volatile metrics. Equal hash: no call at all. */
  readonly hash: string;
}

/** Completes a run spec with its content hash. `volatile` metrics are written but never make a new revision. */
export function toRunSpec(parts: RunParts, volatile: ReadonlySet<string> = new Set()): RunSpec {
  const hash = hashOf([
    parts.grain,
    parts.key,
    parts.parentKey,
    parts.name,
    parts.startMs,
    parts.endMs,
    sorted(Object.entries(parts.params)),
    sorted(Object.entries(parts.tags)),
    sorted([...parts.metrics].filter(([name]) => !volatile.has(name))),
    sorted(parts.artifacts.map((artifact) => [artifact.path, artifact.sourceHash] as const)),
  ]);
  return { ...parts, hash };
}

function sorted<T>(entries: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
