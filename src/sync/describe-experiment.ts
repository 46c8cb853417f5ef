/** Gives the experiment its description, kind and main metric, where nobody else has. */
import { toExperimentTagChanges } from '../runs/experiment-tags.ts';
import { AppError } from '../shared/errors.ts';
import type { ReportProgress } from '../shared/progress.ts';
import type { Experiment, Target } from './ports.ts';

/**
 * Writes nothing where all tags are set. An MLflow that refuses (no right to it, a compatible server without the call)
 * costs no numbers: it is said, and the run goes on. Throws AppError for any other fault.
 */
export async function describeExperiment(
  parts: { readonly target: Target; readonly report: ReportProgress },
  experiment: Experiment,
): Promise<void> {
  const { experimentId } = experiment;
  try {
    for (const [key, value] of Object.entries(toExperimentTagChanges(experiment.tags)))
      await parts.target.setExperimentTag({ experimentId, key, value });
  } catch (error) {
    if (!(error instanceof AppError) || !isRefusal(error)) throw error;
    parts.report({ kind: 'experiment_not_described', message: error.message });
  }
}

function isRefusal({ code }: AppError): boolean {
  return code === 'MLFLOW_AUTH' || code === 'MLFLOW_REJECTED';
}
