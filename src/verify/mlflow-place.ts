/** Where runs are read back from, and which of several runs of one key is the run. */
import { completeTag } from '../runs/tags.ts';
import type { StoredRun, Target } from '../sync/ports.ts';
import type { DescribedPlace } from './describe-expected.ts';

export interface MlflowPlace extends DescribedPlace {
  readonly target: Target;
  readonly experimentId: string;
  /** Runs that are read back at once. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

/** The ledger's run; else a complete one, and of several the one that the publisher would take. */
export function chooseRun(runs: readonly StoredRun[], runId: string | null): StoredRun | null {
  const known = runs.find((run) => run.runId === runId);
  if (known !== undefined) return known;
  const complete = runs.filter((run) => run.tags[completeTag] === 'true');
  const [first] = (complete.length > 0 ? complete : runs).toSorted((a, b) =>
    a.runId < b.runId ? -1 : 1,
  );
  return first ?? null;
}
