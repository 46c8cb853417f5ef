/** Opens the experiment, and notices when MLflow no longer has the one that was written to before. */
import { AppError } from '../shared/errors.ts';
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
  /** Throws when another worker has taken over. */
  readonly assertHeld: () => void;
}): Promise<OpenedExperiment> {
  const { state, target, name } = place;
  const named = { uri: target.description.uri, experimentName: name };
  const known = storedExperimentId(state, named);
  const found = await target.findExperiment(name);
  place.assertHeld();
  const isStartedOver = known !== null && (found === null || known !== found.experimentId);
  // Marked before the new one is made, which may be given the id of the old one: a crash in between is noticed.
  if (isStartedOver) bindTarget(state, { ...named, experimentId: unknownId });
  const experiment = found ?? (await createExperiment(place, known));
  place.assertHeld();
  if (isStartedOver)
    forgetPublished(state, bindTarget(state, { ...named, experimentId: unknownId }));
  const targetId = bindTarget(state, { ...named, experimentId: experiment.experimentId });
  return { experiment, targetId, isStartedOver };
}

/** No experiment has it. */
const unknownId = '';

/** One that was only deleted may be restored: then nothing is to be forgotten. */
async function createExperiment(
  place: { readonly state: State; readonly target: Target; readonly name: string },
  known: string | null,
): Promise<Experiment> {
  const { state, target, name } = place;
  try {
    return await target.ensureExperiment(name);
  } catch (error) {
    const isDeleted = error instanceof AppError && error.code === 'MLFLOW_EXPERIMENT_DELETED';
    if (isDeleted && known !== null)
      bindTarget(state, {
        uri: target.description.uri,
        experimentName: name,
        experimentId: known,
      });
    throw error;
  }
}
