/** Opens everything and runs once: what `sync`, `backfill` and `demo` share. */
import {
  openConfiguredBackup,
  openConfiguredSource,
  openConfiguredState,
  openConfiguredTarget,
  toHolder,
  toSyncSettings,
} from '../app.ts';
import { runSync, type SyncRequest, type SyncSummary } from '../sync/run-sync.ts';
import { toWindowLabel } from '../shared/time.ts';
import { renderSummary, toSummaryJson } from './render-summary.ts';
import { toSyncExitCode } from './sync-exit-code.ts';
import { withBackupOutcome } from './with-backup-outcome.ts';
import type { CommandResult, CommandRun } from './with-settings.ts';

export async function walkWindows(
  command: CommandRun,
  request: SyncRequest,
): Promise<CommandResult & { readonly summary: SyncSummary }> {
  // Nothing is created before both servers have answered a question that needs the right keys: neither a wrong
  // one nor a page that only looks like MLflow leaves an empty state file behind.
  const source = await openConfiguredSource(command);
  await using target = await openConfiguredTarget(command);
  await target.findExperiment(command.settings.mlflow.experimentName);
  await using backup = await openConfiguredBackup(command);
  using state = openConfiguredState(command.settings);
  backup?.attach(state);
  const summary = await runSync(
    {
      state,
      source,
      target,
      settings: toSyncSettings(command.settings),
      clock: command.clock,
      report: command.report,
      signal: backup ? AbortSignal.any([command.signal, backup.signal]) : command.signal,
      holder: toHolder(),
    },
    request,
  );
  for (const { window, error } of summary.failed) {
    // A fault of the worker is told with its stack; what is behind any other failure is for those who look closer.
    const level = error.code === 'INTERNAL' ? 'error' : 'debug';
    command.logger[level]({ err: error }, `${toWindowLabel(window)} failed`);
  }
  const result = {
    summary,
    exitCode: toSyncExitCode(summary),
    text: renderSummary(summary, command.hide),
    json: toSummaryJson(summary, command.hide),
  };
  if (backup === null) return result;
  return withBackupOutcome(result, {
    backup,
    outcome: await backup.finish(),
    hide: command.hide,
  });
}
