/** Opens everything, runs once, prints the summary: what `sync`, `backfill` and `demo` share. */
import {
  openConfiguredSource,
  openConfiguredState,
  openConfiguredTarget,
  toHolder,
  toSyncSettings,
} from '../app.ts';
import { runSync, type SyncRequest, type SyncSummary } from '../sync/run-sync.ts';
import { renderSummary, toSummaryJson } from './render-summary.ts';
import { toSyncExitCode } from './sync-exit-code.ts';
import type { CommandRun } from './with-settings.ts';

export async function walkWindows(
  command: CommandRun,
  request: SyncRequest,
): Promise<{ readonly summary: SyncSummary; readonly exitCode: number }> {
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
  return { summary, exitCode: toSyncExitCode(summary) };
}

/** Runs, prints, and returns the exit code. */
export async function walkAndPrint(command: CommandRun, request: SyncRequest): Promise<number> {
  const { summary, exitCode } = await walkWindows(command, request);
  command.print(
    command.isJson
      ? `${JSON.stringify(toSummaryJson(summary, exitCode))}\n`
      : renderSummary(summary),
  );
  return exitCode;
}
