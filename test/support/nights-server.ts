/** A real MLflow server under a worker that can die: each call is told of, and what is there is read back as a store. */
import { systemClock } from '../../src/shared/clock.ts';
import type { Target } from '../../src/sync/ports.ts';
import { openTarget } from '../../src/mlflow/open-target.ts';
import type { OpenMlflow } from './crash-world.ts';
import { MemoryStore } from './memory-mlflow-store.ts';
import { createMlflowApi } from './mlflow-api.ts';

function open(url: string): Promise<Target> {
  return openTarget({
    trackingUri: url,
    timeoutMs: 30_000,
    maxRetries: 2,
    concurrency: 3,
    clock: systemClock,
  });
}

/** Each call of the port is a point before and after it, at which the worker may die or the answer be lost. */
export function openWatched(url: string): OpenMlflow {
  return async (onCall) => {
    const target = await open(url);
    const watched =
      <Args extends unknown[], Result>(name: string, call: (...args: Args) => Promise<Result>) =>
      async (...args: Args): Promise<Result> => {
        onCall(`${name} before`);
        const result = await call(...args);
        onCall(`${name} after`);
        return result;
      };
    return {
      description: target.description,
      capabilities: target.capabilities,
      get traffic() {
        return target.traffic;
      },
      listRuns: (experimentId) => target.listRuns(experimentId),
      toStoredForm: (values) => target.toStoredForm(values),
      batched: (work) => target.batched(work),
      findExperiment: watched('search', (name: string) => target.findExperiment(name)),
      findRunsByKey: watched('search', (id: string, keys: readonly string[]) =>
        target.findRunsByKey(id, keys),
      ),
      getRun: watched('get_run', (runId: string) => target.getRun(runId)),
      metricHistory: watched('history', (runId: string, metric: string) =>
        target.metricHistory(runId, metric),
      ),
      getArtifact: watched('get_artifact', (artifact) => target.getArtifact(artifact)),
      ensureExperiment: watched('create_experiment', (name: string) =>
        target.ensureExperiment(name),
      ),
      setExperimentTag: watched('experiment_tag', (tag) => target.setExperimentTag(tag)),
      createRun: watched('create_run', (run) => target.createRun(run)),
      logBatch: watched('log_batch', (batch) => target.logBatch(batch)),
      putArtifact: watched('artifact', (artifact) => target.putArtifact(artifact)),
      updateRun: watched('update_run', (update) => target.updateRun(update)),
      deleteRun: watched('delete_run', (runId: string) => target.deleteRun(runId)),
      [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
    } satisfies Target;
  };
}

/** Every run of an experiment with all its points and files, in the form of the MLflow in memory. */
export async function readIntoStore(url: string, experimentName: string): Promise<MemoryStore> {
  await using target = await open(url);
  const api = createMlflowApi(url);
  const store = new MemoryStore();
  const experiment = await target.findExperiment(experimentName);
  if (experiment === null) throw new Error(`no experiment ${experimentName}`);
  for await (const run of target.listRuns(experiment.experimentId)) {
    const points = new Map<
      string,
      Map<string, { value: number; step: number; timestampMs: number }>
    >();
    for (const metric of Object.keys(run.metrics)) {
      const history = await target.metricHistory(run.runId, metric);
      points.set(metric, new Map(history.map((point) => [JSON.stringify(point), point])));
    }
    const artifacts = new Map<string, Uint8Array>();
    for (const path of await api.listArtifacts(run.runId)) {
      artifacts.set(path, await api.downloadArtifact(run.runId, path));
    }
    store.runs.set(run.runId, {
      runId: run.runId,
      experimentId: experiment.experimentId,
      name: run.name,
      status: run.status,
      startMs: run.startMs,
      endMs: run.endMs,
      isActive: true,
      tags: new Map(Object.entries(run.tags)),
      params: new Map(Object.entries(run.params)),
      points,
      artifacts,
    });
  }
  return store;
}
