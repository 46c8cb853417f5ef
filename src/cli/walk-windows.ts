/** Runs once over open parts: what `sync`, `backfill` and `demo` share. */
import { runSync, type SyncRequest, type SyncSummary } from '../sync/run-sync.ts';
import { toWindowLabel } from '../shared/time.ts';
import { renderSummary, toSummaryJson } from './render-summary.ts';
import { toSyncExitCode } from './sync-exit-code.ts';
import { withOpenProject } from './with-open-project.ts';
import type { CommandResult, CommandRun } from './with-settings.ts';

export async function walkWindows(
  command: CommandRun,
  request: SyncRequest,
): Promise<CommandResult & { readonly summary: SyncSummary }> {
  // Without a state file there is nothing that could be tried again.
  return withOpenProject(command, { mustExist: request.kind === 'quarantined' }, async (parts) => {
    const summary = await runSync(parts, request);
    for (const { window, error } of summary.failed) {
      // A fault of the worker is told with its stack; what is behind any other failure is for those who look closer.
      const level = error.code === 'INTERNAL' ? 'error' : 'debug';
      command.logger[level]({ err: error }, `${toWindowLabel(window)} failed`);
    }
    return {
      summary,
      exitCode: toSyncExitCode(summary),
      text: renderSummary(summary, command.hide),
      json: toSummaryJson(summary, command.hide),
    };
  });
}
