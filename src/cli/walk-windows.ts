/** Opens everything and runs once: what `sync`, `backfill` and `demo` share. */
import {
  openConfiguredSource,
  openConfiguredState,
  openConfiguredTarget,
  toHolder,
  toSyncSettings,
} from '../app.ts';
import { runSync, type SyncRequest } from '../sync/run-sync.ts';
import { renderSummary, toSummaryJson } from './render-summary.ts';
import { toSyncExitCode } from './sync-exit-code.ts';
import type { CommandResult, CommandRun } from './with-settings.ts';

export async function walkWindows(
  command: CommandRun,
  request: SyncRequest,
): Promise<CommandResult> {
  // Nothing is created before both servers have answered: a wrong key leaves no empty state file behind.
  const source = await openConfiguredSource(command);
  await using target = await openConfiguredTarget(command);
  using state = openConfiguredState(command.settings);
  const summary = await runSync(
    {
      state,
      source,
      target,
      settings: toSyncSettings(command.settings),
      clock: command.clock,
      report: command.report,
      signal: command.signal,
      holder: toHolder(),
    },
    request,
  );
  return {
    exitCode: toSyncExitCode(summary),
    text: renderSummary(summary, command.hide),
    json: toSummaryJson(summary, command.hide),
  };
}
