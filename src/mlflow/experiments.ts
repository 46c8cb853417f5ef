/** An experiment that was deleted keeps its name, and takes no runs. */
import { AppError } from '../shared/errors.ts';
import type { Experiment } from '../sync/ports.ts';

export interface FoundExperiment {
  readonly experiment: Experiment;
  /** False when it has been deleted (it can be restored). */
  readonly isActive: boolean;
}

export function toDeletedExperiment(
  experiment: Pick<Experiment, 'experimentId' | 'name'>,
): AppError {
  const { experimentId, name } = experiment;
  return new AppError(
    'MLFLOW_EXPERIMENT_DELETED',
    `The experiment ${JSON.stringify(name)} (id ${experimentId}) has been deleted in MLflow, and its name stays taken.`,
    { details: { experimentId, name } },
  );
}
