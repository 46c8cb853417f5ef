/**
 * An MLflow server in memory behind the Target port, for tests that need thousands of them. It sends the bodies
 * that the product's own REST target makes, keeps them as MLflow does, and can be stopped at any point: before
 * a call takes effect, after it (the answer is lost), and between the parts of a log-batch, which MLflow commits
 * one by one. The contract suite that real servers pass is what it is believed by.
 */
import { checkArtifactPath, selectArtifactWriter } from '../../src/mlflow/artifact-uri.ts';
import {
  toCreateRunBody,
  toLogBatchBodies,
  toLogBatchChunks,
  toParamPairs,
  toUpdateRunBody,
  type LogBatchBody,
} from '../../src/mlflow/bodies.ts';
import { createLocalCapabilities } from '../../src/mlflow/capabilities.ts';
import { toDeletedExperiment } from '../../src/mlflow/experiments.ts';
import { toMetricKey } from '../../src/mlflow/keys.ts';
import { toExperimentName } from '../../src/mlflow/limits.ts';
import { toMissingParams } from '../../src/mlflow/params.ts';
import { toStoredForm } from '../../src/mlflow/stored-form.ts';
import type { Experiment, RunRef, StoredRun, Target } from '../../src/sync/ports.ts';
import {
  latestOf,
  MemoryStore,
  type MemoryExperiment,
  type MemoryRun,
} from './memory-mlflow-store.ts';

export const effectKinds = [
  'read',
  'create_experiment',
  'experiment_tag',
  'create_run',
  'params',
  'metrics',
  'tags',
  'artifact',
  'update_run',
  'delete_run',
] as const;

/** A point in the life of a call: before it takes effect, or after, when only its answer is missing. */
export interface EffectPoint {
  readonly kind: (typeof effectKinds)[number];
  readonly when: 'before' | 'after';
}

export interface MemoryMlflow {
  readonly store: MemoryStore;
  readonly target: Target;
}

const keyTag = 'langfuse_mlflow.key';

/** `onEffect` is called at every point and may throw: an AppError is what the caller of the port then sees. */
export function createMemoryMlflow(
  options: {
    readonly store?: MemoryStore;
    readonly onEffect?: (point: EffectPoint) => void;
  } = {},
): MemoryMlflow {
  const store = options.store ?? new MemoryStore();
  const traffic = { requests: 0, writes: 0, retries: 0, slowed: 0 };
  const writers = {
    'mlflow-artifacts': {
      put: ({ run, path, body }: { run: RunRef; path: string; body: Uint8Array }) => {
        store.runs.get(run.runId)?.artifacts.set(path, body.slice());
        return Promise.resolve();
      },
    },
  };

  const at = (kind: EffectPoint['kind'], when: EffectPoint['when']): void =>
    options.onEffect?.({ kind, when });

  async function read<T>(work: () => T): Promise<T> {
    traffic.requests += 1;
    // A call gives way, as a socket does, so that runs written at once are written in turns.
    await Promise.resolve();
    at('read', 'before');
    return work();
  }

  async function write<T>(kind: EffectPoint['kind'], work: () => T | Promise<T>): Promise<T> {
    traffic.requests += 1;
    traffic.writes += 1;
    await Promise.resolve();
    at(kind, 'before');
    const result = await work();
    at(kind, 'after');
    return result;
  }

  async function logBody(body: LogBatchBody): Promise<void> {
    const { run_id: runId, params = [], metrics = [], tags = [] } = body;
    traffic.requests += 1;
    traffic.writes += 1;
    await Promise.resolve();
    const parts = [
      ['params', params.length, () => store.addParams(runId, params)],
      ['metrics', metrics.length, () => store.addPoints(runId, metrics)],
      ['tags', tags.length, () => store.setTags(runId, tags)],
    ] as const;
    for (const [kind, count, work] of parts) {
      if (count === 0) continue;
      at(kind, 'before');
      work();
      at(kind, 'after');
    }
  }

  const findExperiment = (name: string): Promise<MemoryExperiment | null> =>
    read(() => store.findExperiment(name));

  const target: Target = {
    description: { kind: 'rest', uri: 'http://mlflow.memory', version: '3.11.0' },
    traffic,
    capabilities: createLocalCapabilities(),

    async findExperiment(rawName) {
      const found = await findExperiment(toExperimentName(rawName));
      return found?.isActive === true ? toExperiment(found) : null;
    },

    async ensureExperiment(rawName) {
      const name = toExperimentName(rawName);
      let found = await findExperiment(name);
      if (found === null) {
        await write('create_experiment', () => {
          // Two who create it at once: the second is refused and finds the first's.
          if (store.findExperiment(name) === null) store.createExperiment(name);
        });
        found = await findExperiment(name);
      }
      if (found === null) throw new Error(`the experiment ${name} is not found`);
      if (!found.isActive) throw toDeletedExperiment(found);
      return toExperiment(found);
    },

    setExperimentTag: ({ experimentId, key, value }) =>
      write('experiment_tag', () => {
        store.experiments.get(experimentId)?.tags.set(key, value);
      }),

    async *listRuns(experimentId) {
      yield* await read(() =>
        activeRuns(store, experimentId).filter((run) => run.tags[keyTag] !== undefined),
      );
    },

    findRunsByKey: (experimentId, keys) =>
      read(() => {
        const wanted = new Set(keys);
        return activeRuns(store, experimentId).filter((run) => wanted.has(run.tags[keyTag] ?? ''));
      }),

    getRun: (runId) =>
      read(() => {
        const run = store.runs.get(runId);
        return run?.isActive === true ? toStoredRun(run) : null;
      }),

    metricHistory: (runId, metric) =>
      read(() =>
        [...(store.runs.get(runId)?.points.get(toMetricKey(metric))?.values() ?? [])]
          .map(({ value, step, timestampMs }) => ({ value, step, timestampMs }))
          .toSorted((a, b) => a.step - b.step || a.timestampMs - b.timestampMs),
      ),

    async getArtifact({ run, path }) {
      checkArtifactPath(path);
      selectArtifactWriter(writers, run);
      return await read(() => store.runs.get(run.runId)?.artifacts.get(path) ?? null);
    },

    toStoredForm,

    async createRun(run) {
      const { body, remainingTags } = toCreateRunBody(run);
      const made = await write('create_run', () =>
        store.createRun({
          experimentId: body.experiment_id,
          name: body.run_name,
          startMs: body.start_time,
          tags: body.tags,
        }),
      );
      const rest = { params: [], metrics: [], tags: remainingTags };
      for (const chunk of toLogBatchChunks(made.runId, rest)) await logBody(chunk);
      return { runId: made.runId, artifactUri: toArtifactUri(made) };
    },

    async logBatch(batch) {
      const run = store.runs.get(batch.runId);
      // The product's target names the params that would change.
      if (run !== undefined) toMissingParams(toStoredRun(run), toParamPairs(batch.params));
      for (const body of toLogBatchBodies(batch)) await logBody(body);
    },

    async putArtifact({ run, path, body, contentType }) {
      checkArtifactPath(path);
      const writer = selectArtifactWriter(writers, run);
      await write('artifact', () => writer.put({ run, path, body, contentType }));
    },

    async updateRun(update) {
      const body = toUpdateRunBody(update);
      await write('update_run', () => {
        const run = store.activeRun(body.run_id);
        run.status = body.status;
        if (body.end_time !== undefined) run.endMs = body.end_time;
        if (body.run_name === undefined) return;
        run.name = body.run_name;
        run.tags.set('mlflow.runName', body.run_name);
      });
    },

    deleteRun: (runId) => write('delete_run', () => store.deleteRun(runId)),

    batched: (work) => work(),

    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { store, target };
}

function activeRuns(store: MemoryStore, experimentId: string): StoredRun[] {
  return [...store.runs.values()]
    .filter((run) => run.isActive && run.experimentId === experimentId)
    .map(toStoredRun);
}

export function toStoredRun(run: MemoryRun): StoredRun {
  return {
    runId: run.runId,
    artifactUri: toArtifactUri(run),
    name: run.name,
    status: run.status,
    startMs: run.startMs,
    endMs: run.endMs,
    tags: Object.fromEntries(run.tags),
    params: Object.fromEntries(run.params),
    metrics: Object.fromEntries([...run.points].map(([key, points]) => [key, latestOf(points)])),
  };
}

function toArtifactUri(run: MemoryRun): string {
  return `mlflow-artifacts:/${run.experimentId}/${run.runId}/artifacts`;
}

function toExperiment(experiment: MemoryExperiment): Experiment {
  const { experimentId, name } = experiment;
  return {
    experimentId,
    name,
    artifactLocation: `mlflow-artifacts:/${experimentId}`,
    tags: Object.fromEntries(experiment.tags),
  };
}
