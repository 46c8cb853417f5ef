/** Keeps a worker that lost its lease from writing to MLflow. */
import type { Target } from './ports.ts';

/**
 * The same target, which calls `assertHeld` right before each write. A timer is not enough: a machine that
 * was suspended wakes up in the middle of a run, before any timer.
 */
export function fenceTarget(target: Target, assertHeld: () => void): Target {
  const fenced =
    <Args extends unknown[], Result>(write: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      assertHeld();
      return write(...args);
    };
  const { traces } = target;
  return {
    ...(traces === undefined
      ? {}
      : {
          traces: {
            findObstacle: () => traces.findObstacle(),
            canGrow: () => traces.canGrow(),
            put: fenced((write: Parameters<typeof traces.put>[0]) => traces.put(write)),
            delete: fenced((gone: Parameters<typeof traces.delete>[0]) => traces.delete(gone)),
            list: (place) => traces.list(place),
          },
        }),
    description: target.description,
    traffic: target.traffic,
    capabilities: target.capabilities,
    findExperiment: (name) => target.findExperiment(name),
    findRunsByKey: (experimentId, keys) => target.findRunsByKey(experimentId, keys),
    listRuns: (experimentId) => target.listRuns(experimentId),
    getRun: (runId) => target.getRun(runId),
    metricHistory: (runId, metric) => target.metricHistory(runId, metric),
    getArtifact: (artifact) => target.getArtifact(artifact),
    toStoredForm: (values) => target.toStoredForm(values),
    batched: (work) => target.batched(work),
    ensureExperiment: fenced((name: string) => target.ensureExperiment(name)),
    setExperimentTag: fenced((tag) => target.setExperimentTag(tag)),
    createRun: fenced((run) => target.createRun(run)),
    logBatch: fenced((batch) => target.logBatch(batch)),
    putArtifact: fenced((artifact) => target.putArtifact(artifact)),
    updateRun: fenced((update) => target.updateRun(update)),
    deleteRun: fenced((runId: string) => target.deleteRun(runId)),
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  };
}
