/** Experiments on an MLflow server, by name. */
import { AppError } from '../shared/errors.ts';
import type { FoundExperiment } from './experiments.ts';
import type { RestApi } from './rest-api.ts';
import { experimentAnswer } from './wire-schemas.ts';

/** The experiment of that name, deleted ones included, or null. */
export async function findExperiment(api: RestApi, name: string): Promise<FoundExperiment | null> {
  const answer = await api.find(`find the experiment ${JSON.stringify(name)}`, {
    path: 'experiments/get-by-name',
    query: { experiment_name: name },
    schema: experimentAnswer,
  });
  if (answer === null) return null;
  const { experiment } = answer;
  return {
    experiment: {
      experimentId: experiment.experiment_id,
      name: experiment.name,
      artifactLocation: experiment.artifact_location,
      tags: Object.fromEntries(experiment.tags.map(({ key, value }) => [key, value])),
    },
    isActive: experiment.lifecycle_stage === 'active',
  };
}

/** Creates the experiment, or finds the one that another worker created in between (mlflow/mlflow#979). */
export async function createExperiment(api: RestApi, name: string): Promise<FoundExperiment> {
  let refusal: AppError | null = null;
  try {
    // May be repeated after a lost answer: names are unique, so what is found then is what was meant.
    await api.write(`create the experiment ${JSON.stringify(name)}`, {
      path: 'experiments/create',
      body: { name },
    });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'MLFLOW_REJECTED') throw error;
    refusal = error;
  }
  const found = await findExperiment(api, name);
  if (found !== null) return found;
  if (refusal !== null) throw refusal;
  throw new AppError(
    'MLFLOW_UNEXPECTED',
    `MLflow created the experiment ${JSON.stringify(name)} and then did not find it.`,
  );
}
