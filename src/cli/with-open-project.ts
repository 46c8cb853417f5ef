/** Opens Langfuse, MLflow, the state file and its copy for one piece of work, and closes them in order. */
import {
  openConfiguredBackup,
  openConfiguredSource,
  openConfiguredState,
  openConfiguredStateToRead,
  openConfiguredTarget,
  toHolder,
  toSyncSettings,
} from '../app.ts';
import type { SyncParts } from '../sync/run-sync.ts';
import { withBackupOutcome } from './with-backup-outcome.ts';
import type { CommandResult, CommandRun } from './with-settings.ts';

/** `mustExist`: throws STATE_UNUSABLE where there is no state file (nor a copy of one) instead of making one. */
export async function withOpenProject<Result extends CommandResult>(
  command: CommandRun,
  options: { readonly mustExist: boolean },
  work: (parts: SyncParts) => Promise<Result>,
): Promise<Result> {
  // Nothing is created before both servers have answered a question that needs the right keys: neither a wrong
  // one nor a page that only looks like MLflow leaves an empty state file behind.
  const source = await openConfiguredSource(command);
  await using target = await openConfiguredTarget(command);
  await target.findExperiment(command.settings.mlflow.experimentName);
  await using backup = await openConfiguredBackup(command);
  if (options.mustExist) openConfiguredStateToRead(command.settings)[Symbol.dispose]();
  using state = openConfiguredState(command.settings);
  backup?.attach(state);
  const result = await work({
    state,
    source,
    target,
    settings: toSyncSettings(command.settings, command.secrets),
    clock: command.clock,
    report: command.report,
    signal: backup ? AbortSignal.any([command.signal, backup.signal]) : command.signal,
    holder: toHolder(),
  });
  if (backup === null) return result;
  return withBackupOutcome(result, {
    backup,
    outcome: await backup.finish(),
    hide: command.hide,
  });
}
