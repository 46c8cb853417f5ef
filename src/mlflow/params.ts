/** Params never change once written: what may still be written of them, and what must be refused. */
import { AppError } from '../shared/errors.ts';
import type { StoredRun } from '../sync/ports.ts';
import type { WirePair } from './bodies.ts';

/**
 * Params that `run` does not have yet. Throws MLFLOW_REJECTED naming each one that it has with another
 * value: a param never changes.
 */
export function toMissingParams(
  run: Pick<StoredRun, 'runId' | 'params'>,
  params: readonly WirePair[],
  cause?: unknown,
): WirePair[] {
  const differing = params.filter(({ key, value }) => (run.params[key] ?? value) !== value);
  if (differing.length > 0) {
    const list = differing.map(
      ({ key, value }) =>
        `${key} is ${show(run.params[key] ?? '')} and would become ${show(value)}`,
    );
    throw new AppError(
      'MLFLOW_REJECTED',
      `Params of an MLflow run can't be changed. Run ${run.runId}: ${list.join('; ')}.`,
      { cause, details: { runId: run.runId, params: differing.map(({ key }) => key) } },
    );
  }
  return params.filter(({ key }) => run.params[key] === undefined);
}

function show(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
