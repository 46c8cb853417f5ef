/** The scratch experiment of a smoke: it holds nothing but runs of smokes, so all of them may be deleted. */
import { AppError } from '../shared/errors.ts';
import type { Experiment, Target } from '../sync/ports.ts';

const ending = '-smoke';

/** Throws USAGE for a name that real runs may be in. */
export function toScratchName(names: {
  readonly asked: string | null;
  /** Where the worker writes. */
  readonly configured: string;
}): string {
  const name = names.asked ?? `${names.configured}${ending}`;
  if (name.endsWith(ending) && name !== names.configured) return name;
  throw new AppError(
    'USAGE',
    `--experiment ${JSON.stringify(name)}: a smoke deletes every run of its experiment, so the name must end in ${ending} and not be the one that sync writes to. There, the window of the request is not over, and a part of it would stand as if it were whole.`,
    {
      hint: `Leave --experiment out for ${JSON.stringify(`${names.configured}${ending}`)}, or name another one that ends in ${ending}. After the next sync, smoke --follow compares the same request in the experiment that sync writes to.`,
    },
  );
}

/** Deletes all runs of the experiment (MLflow keeps deleted runs for a while) and says how many there were. */
export async function emptyScratch(target: Target, experiment: Experiment): Promise<number> {
  const runIds: string[] = [];
  for await (const run of target.listRuns(experiment.experimentId)) runIds.push(run.runId);
  for (const runId of runIds) await target.deleteRun(runId);
  return runIds.length;
}
