/** Runs in a form that is equal wherever the same content was written: ids, addresses and experiments left out. */
import type { ApiRun } from './mlflow-api.ts';

export interface ComparableRun {
  readonly grain: string;
  readonly name: string;
  readonly key: string;
  readonly status: string;
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  /** Name of the run that it hangs below. */
  readonly parent: string | null;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number | string>>;
}

/** Tags that hold an address, or a hash over one. */
const addressTags = [
  'langfuse_mlflow.url',
  'langfuse_mlflow.hash',
  'langfuse_mlflow.note',
  'mlflow.note.content',
];

/** Sorted by grain, name and key. `isSameServer`: both were read from one Langfuse, so that links must be equal too. */
export function toComparableRuns(
  runs: readonly ApiRun[],
  options: { readonly isSameServer?: boolean } = {},
): ComparableRun[] {
  const nameOf = new Map(runs.map((run) => [run.runId, run.name]));
  const leftOut = new Set(['mlflow.parentRunId', ...(options.isSameServer ? [] : addressTags)]);
  return runs
    .map((run) => {
      const parentId = run.tags['mlflow.parentRunId'];
      return {
        grain: run.tags['langfuse_mlflow.grain'] ?? '',
        name: run.name,
        key: run.tags['langfuse_mlflow.key'] ?? '',
        status: run.status,
        startMs: run.startMs,
        endMs: run.endMs,
        parent: parentId === undefined ? null : (nameOf.get(parentId) ?? `no run ${parentId}`),
        params: sortKeys(run.params),
        tags: sortKeys(
          Object.fromEntries(Object.entries(run.tags).filter(([name]) => !leftOut.has(name))),
        ),
        metrics: sortKeys(run.metrics),
      };
    })
    .toSorted(
      (a, b) => compare(a.grain, b.grain) || compare(a.name, b.name) || compare(a.key, b.key),
    );
}

function sortKeys<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => compare(a, b)));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
