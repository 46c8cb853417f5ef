import { openConfiguredState, openConfiguredTarget, toHolder, toSyncSettings } from '../app.ts';
import { toCounted } from '../report/counted.ts';
import { toIso, toWindowLabel } from '../shared/time.ts';
import { createMergedSource } from '../sync/merged-source.ts';
import { mergeShards, type MergedFile } from '../sync/merge-shards.ts';
import { runSync, type SyncSummary } from '../sync/run-sync.ts';
import { renderFailed, renderRuns, toSummaryJson } from './render-summary.ts';
import type { CliSurroundings } from './surroundings.ts';
import { toSyncExitCode } from './sync-exit-code.ts';
import { withSettings, type CommandRun } from './with-settings.ts';

/** `langfuse-mlflow merge FILES… --state-file OUT`: needs MLflow, and no Langfuse. */
export async function runMergeCommand(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
  files: readonly string[],
): Promise<void> {
  await withSettings(around, { name: 'merge', flags }, async (command) => {
    await using target = await openConfiguredTarget(command);
    const configured = toSyncSettings(command.settings, command.secrets);
    const { clock, signal, report } = command;
    const shared = { target, clock, signal, report, holder: toHolder() };
    const out = command.settings.state.file;
    const merged = await mergeShards({ ...shared, files, out, settings: configured });
    using state = openConfiguredState(command.settings);
    const settings = { ...configured, windowMs: merged.source.window_ms };
    const source = createMergedSource(merged.source);
    const summary = await runSync({ ...shared, state, source, settings }, { kind: 'merge' });
    for (const { window, error } of summary.failed) {
      const level = error.code === 'INTERNAL' ? 'error' : 'debug';
      command.logger[level]({ err: error }, `${toWindowLabel(window)} failed`);
    }
    return {
      exitCode: toSyncExitCode(summary),
      text: renderMerge({ merged, summary, out }, command.hide),
      json: toMergeJson({ merged, summary, out }, command),
    };
  });
}

interface Merge {
  readonly merged: MergedFile;
  readonly summary: SyncSummary;
  readonly out: string;
}

function renderMerge({ merged, summary, out }: Merge, hide: (text: string) => string): string {
  const { range } = merged;
  const isWhole = summary.failed.length === 0;
  return [
    '',
    `Merged    ${toCounted(merged.shards, 'shard')} with ${toCounted(merged.windows, 'window')}, ${toIso(range.fromMs)} to ${toIso(range.toMs)}, ${merged.wasThere ? `earlier into ${out}` : `into ${out}`}`,
    renderRuns(summary),
    ...(summary.quarantined > 0
      ? [`Rows      ${summary.quarantined} QUARANTINED by the shards (langfuse-mlflow status)`]
      : []),
    ...renderFailed(summary, hide),
    ...(isWhole
      ? [
          `Next      use ${out} as the state file of sync (SYNC_STATE_FILE); the shards' files are done with`,
        ]
      : []),
    '',
  ].join('\n');
}

function toMergeJson(
  { merged, summary, out }: Merge,
  command: CommandRun,
): Record<string, unknown> {
  const whole = toSummaryJson(summary, command.hide);
  return {
    command: 'merge',
    project: whole['project'],
    experiment: whole['experiment'],
    state_file: out,
    was_there: merged.wasThere,
    shards: merged.shards,
    from: toIso(merged.range.fromMs),
    to: toIso(merged.range.toMs),
    windows: merged.windows,
    windows_published: summary.windowsPublished,
    windows_failed: (whole['windows'] as { failed: unknown }).failed,
    quarantined: summary.quarantined,
    runs: whole['runs'],
    mlflow: summary.mlflow,
    elapsed_ms: summary.elapsedMs,
  };
}
