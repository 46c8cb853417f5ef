/** Opens Langfuse, MLflow, the state file and its copy for one piece of work, and closes them in order. */
import {
  openConfiguredBackup,
  openConfiguredSource,
  openConfiguredState,
  openConfiguredStateToRead,
  openConfiguredTarget,
  toHolder,
  toStateFault,
  toSyncSettings,
} from '../app.ts';
import type { SyncParts } from '../sync/run-sync.ts';
import { withBackupOutcome } from './with-backup-outcome.ts';
import type { CommandResult, CommandRun } from './with-settings.ts';

/** A fault of the state file that arises outside of a window's step is told as one, not as a fault of the worker. */
async function inState<Result>(
  parts: SyncParts,
  work: (parts: SyncParts) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(parts);
  } catch (error) {
    throw toStateFault(error, parts.state);
  }
}

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
  const result = await inState(
    {
      state,
      source,
      target,
      settings: toSyncSettings(command.settings, command.secrets),
      clock: command.clock,
      report: command.report,
      signal: backup ? AbortSignal.any([command.signal, backup.signal]) : command.signal,
      holder: toHolder(),
    },
    work,
  );
  if (backup === null) return result;
  return withBackupOutcome(result, {
    backup,
    outcome: await backup.finish(),
    hide: command.hide,
  });
}
