/** Runs once over open parts: what `sync`, `backfill` and `demo` share. */
import { runSync, type SyncRequest, type SyncSummary } from '../sync/run-sync.ts';
import { toWindowLabel } from '../shared/time.ts';
import { renderSummary, toSummaryJson } from './render-summary.ts';
import { toFault } from './run-monitored.ts';
import { toSyncExitCode } from './sync-exit-code.ts';
import type { RunFigures } from '../monitor/run-report.ts';
import type { Fault } from '../monitor/webhook-message.ts';
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
      figures: toFigures(summary),
      faults: toFaults(summary, command.hide),
    };
  });
}

function toFigures(summary: SyncSummary): RunFigures {
  return {
    windows: {
      changed: summary.windowsChanged,
      unchanged: summary.windowsUnchanged,
      failed: summary.failed.length,
    },
    rows: summary.rows,
    generations: summary.generations,
    mlflowRuns: summary.runs,
    retries: { langfuse: summary.langfuse.retries, mlflow: summary.mlflow.retries },
    waitedMs: summary.langfuse.waitedMs,
  };
}

function toFaults(summary: SyncSummary, hide: (text: string) => string): Fault[] {
  const faults = summary.failed.map(({ window, error }) => {
    const fault = toFault(error, hide);
    return { ...fault, message: `${toWindowLabel(window)}: ${fault.message}` };
  });
  if (summary.quarantined === 0) return faults;
  const message = `${summary.quarantined} rows could not be read or understood, and are set aside.`;
  const next = 'Run `langfuse-mlflow status`, which names them with the reason of each.';
  return [...faults, { code: 'QUARANTINED', message, next }];
}
