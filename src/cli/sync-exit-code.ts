/** Which exit code a run of windows ends with. The only place that decides it. */
import { ExitCode } from '../shared/errors.ts';
import { stopsTheRun } from '../sync/failure-policy.ts';
import type { SyncSummary } from '../sync/run-sync.ts';
import { toExitCode } from './report-failure.ts';

/** The fault that ended the run decides; else 4 when a window failed or is incomplete; else 0. */
export function toSyncExitCode(summary: SyncSummary): number {
  const fatal = summary.failed.find(({ error }) => stopsTheRun(error));
  if (fatal?.error.code === 'CANCELLED') return toExitCode(fatal.error);
  if (fatal) return fatal.error.exitCode;
  if (summary.failed.length > 0 || summary.left.length > 0 || summary.quarantined > 0)
    return ExitCode.windowsFailed;
  return ExitCode.done;
}
