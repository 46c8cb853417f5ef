/** The one place that decides what a failed window means for the rest of the run. */
import type { AppError, ErrorCode } from '../shared/errors.ts';

/** Faults of one window's data: the other windows are worth trying. Everything else would hit them too. */
const faultsOfOneWindow: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'LANGFUSE_TOO_LARGE',
  'LANGFUSE_UNEXPECTED',
  'LANGFUSE_NOT_EMPTY',
  'FACTS_PRUNED',
  'CLOCK_AHEAD',
  'MLFLOW_REJECTED',
  'INTERNAL',
]);

export function stopsTheRun(error: AppError): boolean {
  return !faultsOfOneWindow.has(error.code);
}
