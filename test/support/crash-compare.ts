/**
 * What of two MLflows must be equal for their readers to see the same, whatever way each came about.
 *
 * Equal: the set of runs by key (each key once, nothing beside them), nesting, status, end, params, tags, latest
 * metrics, for trends the latest value of every step, and artifacts by hash.
 * Not compared: run ids and revisions with the steps that carry them (a run that was never published in between
 * has fewer); counters of how a window was read, which by contract make no new revision; and, where data changes
 * between nights, the start of session, trend and request runs, which MLflow fixes when a run is created. A retracted
 * metric (NaN) and an emptied tag count as absent: so they are shown and so docs/formats.md calls them.
 */
import { createHash } from 'node:crypto';
import { volatileMetrics } from '../../src/metrics/window-counters.ts';
import {
  latestOf,
  latestOfSteps,
  type MemoryRun,
  type MemoryStore,
} from './memory-mlflow-store.ts';

export interface RunView {
  readonly grain: string;
  readonly name: string;
  readonly status: string;
  readonly startMs: number | 'not compared';
  readonly endMs: number | null;
  readonly parent: string | null;
  readonly params: Record<string, string>;
  readonly tags: Record<string, string>;
  readonly metrics: Record<string, number>;
  readonly artifacts: Record<string, string>;
  readonly steps?: Record<string, Record<string, number>>;
}

const keyTag = 'langfuse_mlflow.key';
const parentTag = 'mlflow.parentRunId';
const notCompared = new Set([keyTag, parentTag, 'langfuse_mlflow.revision']);
const startsOfContent = new Set(['session', 'trend', 'request']);

/** Active runs by their keys. Throws when a run has no key, or two have the same. */
export function viewRuns(
  store: MemoryStore,
  options: { readonly comparesStarts: boolean },
): Record<string, RunView> {
  const views: Record<string, RunView> = {};
  const active = [...store.runs.values()].filter((run) => run.isActive);
  for (const run of active) {
    const key = run.tags.get(keyTag) ?? '';
    const view = viewRun(run, store, options);
    const name = `${view.grain} ${view.name} ${key}`;
    if (key === '') throw new Error(`a run without a key: ${run.name}`);
    if (views[name] !== undefined) throw new Error(`two runs for one thing: ${name}`);
    views[name] = view;
  }
  return Object.fromEntries(Object.entries(views).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function viewRun(
  run: MemoryRun,
  store: MemoryStore,
  options: { readonly comparesStarts: boolean },
): RunView {
  const grain = run.tags.get('langfuse_mlflow.grain') ?? '';
  const parentId = run.tags.get(parentTag);
  const parent = parentId === undefined ? undefined : store.runs.get(parentId);
  return {
    grain,
    name: run.name,
    status: run.status,
    startMs: options.comparesStarts || !startsOfContent.has(grain) ? run.startMs : 'not compared',
    endMs: run.endMs,
    parent:
      parentId === undefined
        ? null
        : parent?.isActive === true
          ? (parent.tags.get(keyTag) ?? '')
          : 'a run that is gone',
    params: sorted(run.params),
    tags: sorted([...run.tags].filter(([key, value]) => !notCompared.has(key) && value !== '')),
    // A trend is charted over its steps; its latest value may be one that was taken back.
    metrics: sorted(
      (grain === 'trend' ? [] : [...run.points])
        .map(([key, points]) => [key, latestOf(points)] as const)
        .filter(([key, value]) => !volatileMetrics.has(key) && !Number.isNaN(value)),
    ),
    artifacts: sorted([...run.artifacts].map(([path, bytes]) => [path, hashArtifact(path, bytes)])),
    ...(grain === 'trend' ? { steps: viewSteps(run) } : {}),
  };
}

function viewSteps(run: MemoryRun): Record<string, Record<string, number>> {
  return sorted(
    [...run.points]
      .map(
        ([key, points]) =>
          [
            key,
            sorted(
              [...latestOfSteps(points)]
                .filter(([, value]) => !Number.isNaN(value))
                .map(([step, value]) => [String(step), value] as const),
            ),
          ] as const,
      )
      .filter(([, steps]) => Object.keys(steps).length > 0),
  );
}

/** A manifest tells of the reading too; of it only what tells of the content is compared. */
function hashArtifact(path: string, bytes: Uint8Array): string {
  if (path !== 'manifest.json') return createHash('sha256').update(bytes).digest('hex');
  const manifest = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown> & {
    metrics: Record<string, number>;
    counters: Record<string, number>;
  };
  const kept = (numbers: Record<string, number>): Record<string, number> =>
    sorted(Object.entries(numbers).filter(([name]) => !isOfReading(name)));
  return JSON.stringify({
    ...manifest,
    metrics: kept(manifest.metrics),
    counters: kept(manifest.counters),
  });
}

function isOfReading(name: string): boolean {
  return (
    volatileMetrics.has(name) ||
    ['synthetic_roots', 'not_generations', 'other_origin'].includes(name)
  );
}

function sorted<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  return Object.fromEntries([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
