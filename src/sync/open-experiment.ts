/** Opens the experiment, and notices when MLflow no longer has the one that was written to before. */
import type { State } from '../store/open-state.ts';
import { bindTarget, forgetPublished, storedExperimentId } from '../store/targets.ts';
import type { Experiment, Target } from './ports.ts';

export interface OpenedExperiment {
  readonly experiment: Experiment;
  /** Under which the ledger keeps it. */
  readonly targetId: number;
  /** The experiment that was written to is gone (a new server, a deleted file): everything is published anew. */
  readonly isStartedOver: boolean;
}

/**
 * Finds or creates the experiment. Where the ledger knows another one of that name, or one that MLflow has not,
 * what it holds is void and is forgotten: else a worker would call complete what nobody can see.
 */
export async function openExperiment(place: {
  readonly state: State;
  readonly target: Target;
  readonly name: string;
}): Promise<OpenedExperiment> {
  const { state, target, name } = place;
  const uri = target.description.uri;
  const found = await target.findExperiment(name);
  const experiment = found ?? (await target.ensureExperiment(name));
  const known = storedExperimentId(state, { uri, experimentName: name });
  const isStartedOver = known !== null && (found === null || known !== experiment.experimentId);
  const targetId = bindTarget(state, {
    uri,
    experimentName: name,
    experimentId: experiment.experimentId,
  });
  if (isStartedOver) forgetPublished(state, targetId);
  return { experiment, targetId, isStartedOver };
}
