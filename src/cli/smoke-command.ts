import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  openConfiguredSource,
  openConfiguredState,
  openConfiguredTarget,
  toHolder,
  toSyncSettings,
} from '../app.ts';
import { toVisibleText } from '../report/visible-text.ts';
import { ExitCode } from '../shared/errors.ts';
import { toInstant } from '../shared/time.ts';
import { followSmoke } from '../smoke/follow-smoke.ts';
import { parseMarker, toMarker } from '../smoke/marker.ts';
import { runSmoke, type SmokeParts, type SmokeReport } from '../smoke/run-smoke.ts';
import { toScratchName } from '../smoke/scratch.ts';
import { runSync } from '../sync/run-sync.ts';
import { alignDown } from '../sync/windows.ts';
import { toErrorJson } from './report-failure.ts';
import type { CliSurroundings } from './surroundings.ts';
import { withSettings, type CommandResult, type CommandRun } from './with-settings.ts';

/** `langfuse-mlflow smoke`: exit code 0 when every hop was passed, else that of the first that was not. */
export async function runSmokeCommand(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { experiment, keep, withError, follow, ...settingFlags } = flags;
  await withSettings(around, { name: 'smoke', flags: settingFlags }, async (command) => {
    const { settings, secrets, clock } = command;
    const experimentName = toScratchName({
      asked: typeof experiment === 'string' ? experiment : null,
      configured: settings.mlflow.experimentName,
    });
    if (typeof follow === 'string') return toResult(command, await followUp(command, follow));
    const report = await runSmoke({
      gateway: {
        baseUrl: settings.litellm.baseUrl ?? '',
        apiKey: secrets.litellmApiKey ?? '',
        model: settings.litellm.model ?? '',
        timeoutMs: settings.langfuse.timeoutMs,
      },
      marker: toMarker({ nowMs: clock.now(), random: randomBytes(6).toString('hex') }),
      experimentName,
      waitMs: settings.litellm.smokeWaitMs,
      understanding: toSyncSettings(settings, secrets).understanding,
      withError: withError === true,
      keeps: keep === true,
      clock,
      signal: command.signal,
      openSource: () => openConfiguredSource(command),
      openTarget: (signal) => openConfiguredTarget({ ...command, signal }),
      onStopped: (message) => command.logger.warn(message),
      syncWindow: (work) => syncWindow(command, { ...work, experimentName }),
    });
    return toResult(command, report, toNextLine(report, settings.mlflow.experimentName));
  });
}

/** The same request in the experiment that sync writes to. */
async function followUp(command: CommandRun, marker: string): Promise<SmokeReport> {
  const { settings } = command;
  const { sizeMs, settleMs } = settings.windows;
  const sentMs = parseMarker(marker);
  return followSmoke({
    marker,
    sentMs,
    experimentName: settings.mlflow.experimentName,
    settledMs: alignDown(sentMs, sizeMs) + sizeMs + settleMs,
    timeoutMs: settings.langfuse.timeoutMs,
    understanding: toSyncSettings(settings, command.secrets).understanding,
    clock: command.clock,
    signal: command.signal,
    openSource: () => openConfiguredSource(command),
    openTarget: (signal) => openConfiguredTarget({ ...command, signal }),
  });
}

function toNextLine({ marker }: SmokeReport, experimentName: string): string {
  return `After the next sync, langfuse-mlflow smoke --follow ${marker} compares it in ${experimentName}.`;
}

function toResult(command: CommandRun, report: SmokeReport, next?: string): CommandResult {
  const { failure } = report;
  return {
    exitCode: failure === null ? ExitCode.done : failure.exitCode,
    text: command.hide(renderReport(report, next)),
    json: {
      ok: failure === null,
      session: report.marker,
      experiment: report.experimentName,
      hops: report.hops.map((hop) => ({
        name: hop.name,
        ok: hop.ok,
        elapsed_ms: hop.elapsedMs,
        detail: command.hide(hop.detail),
      })),
      failure: failure === null ? null : toErrorJson(failure, command.hide),
    },
  };
}

/** A sync with a state file that lives as long as it: the worker's own windows and ledger are not touched. */
async function syncWindow(
  command: CommandRun,
  work: Parameters<SmokeParts['syncWindow']>[0] & { readonly experimentName: string },
): ReturnType<SmokeParts['syncWindow']> {
  const folder = await mkdtemp(join(tmpdir(), 'langfuse-mlflow-smoke-'));
  try {
    const file = join(folder, 'smoke.db');
    const settings = { ...command.settings, state: { file, backup: null } };
    using state = openConfiguredState(settings);
    return await runSync(
      {
        state,
        source: work.source,
        target: work.target,
        settings: {
          ...toSyncSettings(settings, command.secrets),
          windowMs: work.windowMs,
          settleMs: 0,
          lookbackMs: 0,
          factsRetentionMs: null,
          startMs: toInstant(work.fromMs),
          experimentName: work.experimentName,
          requestRuns: false,
        },
        clock: command.clock,
        report: () => {},
        signal: command.signal,
        holder: toHolder(),
      },
      { kind: 'backfill', fromMs: work.fromMs, toMs: work.fromMs + work.windowMs },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function renderReport(report: SmokeReport, next?: string): string {
  const lines = report.hops.map(
    (hop) =>
      `${hop.ok ? 'ok  ' : 'FAIL'}  ${hop.name.padEnd(8)}  ${`${(hop.elapsedMs / 1000).toFixed(1)} s`.padStart(7)}  ${hop.detail}`,
  );
  const end =
    report.failure === null
      ? [
          `The request ${report.marker} went all the way: the same tokens and cost at each hop.`,
          ...(next === undefined ? [] : [next]),
        ]
      : [`next:  ${report.failure.hint}`];
  return `${[...lines.map(toVisibleText), '', ...end].join('\n')}\n`;
}
