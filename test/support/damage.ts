/** Damages what MLflow holds, as people and other programs do, through another connection than the worker's. */
import { openTarget } from '../../src/mlflow/open-target.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { LogBatch, StoredRun, Target } from '../../src/sync/ports.ts';
import { collect } from './mlflow-contract-subject.ts';

export interface DamagedMlflow {
  readonly target: Target;
  readonly experimentId: string;
  /** Runs as they are now, by `grain subject`, e.g. `window 2026-11-06` or `model 2026-11-06 gpt-5-mini`. */
  runs(): Promise<Map<string, StoredRun>>;
  run(label: string): Promise<StoredRun>;
  log(run: StoredRun, batch: Partial<Omit<LogBatch, 'runId'>>): Promise<void>;
  overwrite(run: StoredRun, path: string, text: string): Promise<void>;
}

/** Opens MLflow for `work`, and closes it before the worker comes again. */
export async function damage<T>(
  place: { readonly trackingUri: string; readonly experimentName?: string },
  work: (mlflow: DamagedMlflow) => Promise<T>,
): Promise<T> {
  await using target = await openTarget({
    trackingUri: place.trackingUri,
    timeoutMs: 30_000,
    maxRetries: 0,
    clock: systemClock,
  });
  const { experimentId } = await target.ensureExperiment(
    place.experimentName ?? 'litellm-monitoring',
  );
  const runs = async (): Promise<Map<string, StoredRun>> =>
    new Map((await collect(target.listRuns(experimentId))).map((run) => [toRunLabel(run), run]));
  return await work({
    target,
    experimentId,
    runs,
    run: async (label) => {
      const all = await runs();
      const found = all.get(label);
      if (found === undefined)
        throw new Error(`no run ${label} among ${[...all.keys()].join(', ')}`);
      return found;
    },
    log: (run, batch) =>
      target.logBatch({ runId: run.runId, metrics: [], params: {}, tags: {}, ...batch }),
    overwrite: (run, path, text) =>
      target.putArtifact({
        run,
        path,
        body: new TextEncoder().encode(text),
        contentType: 'text/plain',
      }),
  });
}

function toRunLabel(run: StoredRun): string {
  return `${run.tags['langfuse_mlflow.grain']} ${run.name.replace(/^(session|trend) /, '')}`;
}
