import { AppError, ExitCode } from '../shared/errors.ts';
import { toInstant, toIso, toWindowLabel } from '../shared/time.ts';
import { openConfiguredStateToRead } from '../app.ts';
import { renderTrackingUri } from '../config/parse-tracking-uri.ts';
import type { Settings } from '../config/settings.ts';
import { toVisibleLine } from '../report/visible-text.ts';
import {
  isBehind,
  readSize,
  readStatus,
  type SourceStatus,
  type TargetStatus,
} from '../sync/read-status.ts';
import type { CliSurroundings } from './surroundings.ts';
import { withSettings } from './with-settings.ts';

/**
 * `langfuse-mlflow status`: exit code 3 while a settled window is not finished, else 4 while rows are
 * quarantined, else 0. Writes nothing.
 */
export async function runStatusCommand(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  await withSettings(around, { name: 'status', flags }, async (command) => {
    using state = openConfiguredStateToRead(command.settings);
    if (!state.isMigrated) {
      throw new AppError(
        'STATE_UNUSABLE',
        `The state file ${state.path} is that of an older version.`,
        { hint: 'Run `langfuse-mlflow sync` once; it brings the file to this version.' },
      );
    }
    const status = readStatus(state, {
      nowMs: command.clock.now(),
      settleMs: command.settings.windows.settleMs,
    });
    const size = readSize(state);
    return {
      exitCode: toStatusExitCode(status),
      text: renderStatus(status) + renderPlace(command.settings) + renderSize(state.path, size),
      json: {
        sources: status.map(toJson),
        writes_to: toPlaceJson(command.settings),
        state: toSizeJson(state.path, size),
      },
    };
  });
}

function toStatusExitCode(status: readonly SourceStatus[]): number {
  if (status.length === 0 || isBehind(status)) return ExitCode.behind;
  const isIncomplete = status.some((one) => one.quarantine.length > 0);
  return isIncomplete ? ExitCode.windowsFailed : ExitCode.done;
}

function renderStatus(status: readonly SourceStatus[]): string {
  if (status.length === 0)
    return 'Nothing was read yet: no sync has reached Langfuse with this state file.\n';
  return status
    .map((one) => {
      const lines = [
        `Project   ${toVisibleLine(one.source.name ?? one.source.source)} (${one.source.source}) at ${one.source.base_url}`,
        `Windows   ${one.windowsRead} read since ${toIso(one.source.start_ms)}, last at ${toTime(one.lastReadMs)}`,
      ];
      if (one.source.closed_before_ms !== null) {
        lines.push(
          `Closed    before ${toIso(toInstant(one.source.closed_before_ms))}: kept in MLflow as it is`,
        );
      }
      for (const target of one.targets) {
        lines.push(
          `MLflow    ${target.target.uri}, experiment ${target.target.experiment_name}`,
          `Complete  up to ${toIso(target.watermarkMs)}${toLag(target)}; ${target.windowsFinished} windows finished, last at ${toTime(target.lastPublishedMs)}`,
        );
      }
      if (one.holes.length > 0) {
        lines.push(
          `Holes     ${one.holes.map(toWindowLabel).join(', ')}: the next sync reads them`,
        );
      }
      for (const row of one.quarantine) {
        lines.push(
          toVisibleLine(
            `Quarantine ${toIso(row.window_from_ms)} trace ${row.trace_id || '(none)'} row ${row.id}: ${row.reason} (seen in ${row.attempts === 1 ? '1 run' : `${row.attempts} runs`})`,
          ),
        );
      }
      if (one.quarantine.length > 0) {
        lines.push(
          'Retry     each sync reads these windows again; at once: langfuse-mlflow backfill --quarantined',
        );
      }
      return lines.join('\n');
    })
    .join('\n\n')
    .concat('\n');
}

/** Where the next sync writes, by the settings alone: a name is looked up only by commands that reach MLflow. */
function renderPlace({ mlflow }: Settings): string {
  const place =
    mlflow.trackingUri.kind === 'named'
      ? `the SageMaker MLflow of the name ${mlflow.trackingUri.name}, which AWS is asked for`
      : renderTrackingUri(mlflow.trackingUri);
  return toVisibleLine(`Writes to ${place}, experiment ${mlflow.experimentName}`).concat('\n');
}

function toPlaceJson({ mlflow }: Settings): Record<string, unknown> {
  const { trackingUri } = mlflow;
  return {
    uri: trackingUri.kind === 'named' ? null : renderTrackingUri(trackingUri),
    server_name: trackingUri.kind === 'named' ? trackingUri.name : null,
    experiment: mlflow.experimentName,
  };
}

type Size = ReturnType<typeof readSize>;

function renderSize(path: string, size: Size): string {
  const since = size.oldestWindowMs === null ? '' : ` since ${toIso(size.oldestWindowMs)}`;
  const free = `${toMegabytes(size.freeBytes)} free${size.isShortened ? '' : ', filled before the file grows'}`;
  const { calls, windows } = size.pruned;
  const pruned =
    calls === 0
      ? ''
      : `Pruned    ${calls} calls of ${windows} windows (SYNC_FACTS_RETENTION); MLflow keeps what was published of them\n`;
  return `State     ${path}: ${toMegabytes(size.bytes)} (${free}), ${size.calls} calls${since}, ${size.texts} texts, ${size.scores} scores\n${pruned}`;
}

function toSizeJson(path: string, size: Size): Record<string, unknown> {
  return {
    file: path,
    size_bytes: size.bytes,
    free_bytes: size.freeBytes,
    calls: size.calls,
    oldest_window: size.oldestWindowMs === null ? null : toIso(size.oldestWindowMs),
    texts: size.texts,
    scores: size.scores,
    pruned_calls: size.pruned.calls,
    pruned_windows: size.pruned.windows,
  };
}

function toMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function toJson(one: SourceStatus): Record<string, unknown> {
  return {
    project: { id: one.source.source, name: one.source.name, base_url: one.source.base_url },
    start: toIso(one.source.start_ms),
    closed_before:
      one.source.closed_before_ms === null ? null : toIso(toInstant(one.source.closed_before_ms)),
    windows_read: one.windowsRead,
    last_read: one.lastReadMs === null ? null : toIso(one.lastReadMs),
    holes: one.holes.map(toWindowLabel),
    quarantine: one.quarantine.map((row) => ({
      window: toIso(row.window_from_ms),
      trace_id: row.trace_id,
      id: row.id,
      reason: row.reason,
      attempts: row.attempts,
    })),
    targets: one.targets.map((target) => ({
      uri: target.target.uri,
      experiment: target.target.experiment_name,
      windows_finished: target.windowsFinished,
      watermark: toIso(target.watermarkMs),
      behind_ms: target.behindMs,
      in_use: target.isInUse,
      last_published: target.lastPublishedMs === null ? null : toIso(target.lastPublishedMs),
    })),
  };
}

function toLag(target: TargetStatus): string {
  if (!target.isInUse) return ', no longer in use';
  return target.behindMs > 0 ? `, BEHIND by ${toHours(target.behindMs)}` : ', nothing is due';
}

function toTime(ms: number | null): string {
  return ms === null ? 'never' : toIso(ms);
}

function toHours(ms: number): string {
  return `${(ms / 3_600_000).toFixed(1)} h`;
}
