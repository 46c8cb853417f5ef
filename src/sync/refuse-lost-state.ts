/** Refuses to begin anew where an earlier life of this worker has written: its state was lost. */
import { sourceTag, windowTag } from '../runs/tags.ts';
import { AppError } from '../shared/errors.ts';
import { toWindowLabel, type Interval } from '../shared/time.ts';
import type { State } from '../store/open-state.ts';
import { findTarget, listTargets } from '../store/targets.ts';
import type { Target } from './ports.ts';

/**
 * Throws STATE_LOST when the state file has never written to this MLflow and experiment, and the experiment holds
 * runs of the project. Costs one look at the experiment, and only the first time that a state file writes there.
 */
export async function refuseLostState(place: {
  readonly state: State;
  readonly target: Target;
  readonly experimentName: string;
  readonly source: string;
  /** The only windows that this state file ever publishes, where it is that of a shard; null for any. */
  readonly windows: readonly Interval[] | null;
}): Promise<void> {
  const { state, target, source } = place;
  const { uri } = target.description;
  if (findTarget(state, { uri, experimentName: place.experimentName }) !== null) return;
  const experiment = await target.findExperiment(place.experimentName);
  if (experiment === null) return;
  const own = place.windows === null ? null : new Set(place.windows.map(toWindowLabel));
  for await (const run of target.listRuns(experiment.experimentId)) {
    if (run.tags[sourceTag] !== source) continue;
    // Runs of other windows are those of other shards.
    if (own !== null && !own.has(run.tags[windowTag] ?? '')) continue;
    const others = listTargets(state).map((one) => `${one.uri} (${one.experiment_name})`);
    throw new AppError(
      'STATE_LOST',
      `The experiment ${experiment.name} at ${uri} already holds runs of Langfuse project ${source}, ` +
        `and the state file ${state.path} has never written there${others.length > 0 ? `, only to ${others.join(', ')}` : ''}. ` +
        'A sync would write over runs that it knows nothing of.',
      {
        details: { experimentId: experiment.experimentId, runId: run.runId },
        ...(own === null
          ? {}
          : {
              hint: `Put back the state file of this shard (SYNC_STATE_FILE), or delete the runs of its windows (${[...own][0]} and ${own.size - 1} more) from the experiment and run it again, or choose another MLFLOW_EXPERIMENT_NAME for all shards.`,
            }),
      },
    );
  }
}
