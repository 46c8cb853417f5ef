/** The frame of every command: parse settings, set up progress and log, run, report what failed. */
import { randomUUID } from 'node:crypto';
import { readingCommands, writingCommands, type CommandName } from '../config/command-names.ts';
import { parseSettings } from '../config/parse-settings.ts';
import { openMeasureChecks } from '../app-measures.ts';
import { toProxies } from '../app-network.ts';
import type { Surroundings } from '../app.ts';
import type { ProgressEvent, ReportProgress } from '../shared/progress.ts';
import { createCallMeter } from '../monitor/call-meter.ts';
import { createLogTail } from '../monitor/log-tail.ts';
import {
  monitoredCommands,
  type MonitoredCommand,
  type RunFigures,
} from '../monitor/run-report.ts';
import type { Fault } from '../monitor/webhook-message.ts';
import { createLogger, type Logger } from '../telemetry/create-logger.ts';
import { createProgress } from '../telemetry/create-progress.ts';
import { renderProgressLine } from '../telemetry/render-progress-line.ts';
import { toLogFields } from '../telemetry/to-log-fields.ts';
import { hideIn, reportFailure, toExitCode } from './report-failure.ts';
import type { CliSurroundings } from './surroundings.ts';
import { runMonitored } from './run-monitored.ts';
import { toStopped } from './to-stopped.ts';
import { useProxies } from './use-proxies.ts';

export interface CommandRun extends Surroundings {
  readonly report: ReportProgress;
  readonly logger: Logger;
  /** Takes the secrets out of a text about a failure. */
  readonly hide: (text: string) => string;
}

/** What a command has to say. */
export interface CommandResult {
  readonly exitCode: number;
  /** For people, whole lines. */
  readonly text: string;
  /** For `--json`. */
  readonly json: Readonly<Record<string, unknown>>;
  /** What it counted, for those who watch it. */
  readonly figures?: RunFigures;
  /** Why the exit code is not 0. */
  readonly faults?: readonly Fault[];
}

/** Prints what `run` returns. Errors are printed with their next step; nothing else catches them. */
export async function withSettings(
  around: CliSurroundings,
  command: { readonly name: CommandName; readonly flags: Readonly<Record<string, unknown>> },
  run: (command: CommandRun) => Promise<CommandResult>,
): Promise<void> {
  try {
    const result = await runWithSettings(around, command, run);
    // Asked to stop, a command never ends as if it had not been, however far it came.
    const stopped = toStopped(around.signal);
    const exitCode = stopped === null ? result.exitCode : toExitCode(stopped);
    if (around.isJson) around.printJson({ ...result.json, exit_code: exitCode });
    else around.stdout.write(result.text);
    around.setExitCode(exitCode);
  } catch (error) {
    // What a step says that was cut off is of no use; that it was stopped is.
    reportFailure(around, toStopped(around.signal) ?? error);
  }
}

/** The same without a word on stdout: for one run of many. Throws SETTINGS_INVALID, and what `run` throws. */
export async function runWithSettings(
  around: CliSurroundings,
  command: {
    readonly name: CommandName;
    readonly flags: Readonly<Record<string, unknown>>;
    /** By which name others are told of it; by default its own, where it is one that they are told of. */
    readonly monitoredAs?: MonitoredCommand | null;
  },
  run: (command: CommandRun) => Promise<CommandResult>,
): Promise<CommandResult> {
  using opened = openMeasureChecks();
  const { settings, secrets } = parseSettings({
    command: command.name,
    flags: command.flags,
    env: around.env,
    readFile: around.readFile,
    now: around.clock.now(),
    measureChecks: opened.checks,
  });
  for (const secret of Object.values(secrets)) if (secret !== null) around.secrets.add(secret);
  const hide = hideIn(around);
  if (reachesServers(command.name)) await useProxies(toProxies({ settings, secrets }));
  const { monitoredAs = toMonitored(command.name) } = command;
  return runWithProgress(around, { settings, secrets, hide, monitoredAs, run });
}

const toMonitored = (name: CommandName): MonitoredCommand | null =>
  monitoredCommands.find((monitored) => monitored === name) ?? null;

const reachesServers = (name: CommandName): boolean =>
  [...readingCommands, ...writingCommands].some((reaching) => reaching === name);

async function runWithProgress(
  around: CliSurroundings,
  command: Pick<CommandRun, 'settings' | 'secrets' | 'hide'> & {
    readonly monitoredAs: MonitoredCommand | null;
    readonly run: (command: CommandRun) => Promise<CommandResult>;
  },
): Promise<CommandResult> {
  const { settings, secrets, hide, monitoredAs } = command;
  using progress = await createProgress({ stream: around.stderr, isQuiet: around.isJson });
  const runId = randomUUID();
  const tail = createLogTail();
  const meter = createCallMeter();
  const logger = await createLogger({
    level: settings.log.level,
    format: settings.log.format,
    write: (text) => {
      tail.add(text);
      progress.write(text);
    },
    isTerminal: around.stderr.isTTY,
    secrets: [...around.secrets],
    bindings: monitoredAs === null ? {} : { run_id: runId, command: monitoredAs },
  });
  const show = (event: ProgressEvent): void => {
    const line = renderProgressLine(event) ?? event.kind;
    if (settings.log.format !== 'json') {
      if (event.kind !== 'window_read_progress') tail.add(line);
      progress.report(event);
      return;
    }
    // One kind of line for whoever collects them.
    const level = event.kind === 'window_failed' ? 'error' : 'info';
    logger[event.kind === 'window_read_progress' ? 'debug' : level](toLogFields(event), line);
  };
  const run: CommandRun = {
    settings,
    secrets,
    clock: around.clock,
    signal: around.signal,
    onNotice: (message, details) => logger.warn(details ?? {}, message),
    onCall: meter.add,
    logger,
    report: (event) =>
      show(event.kind === 'window_failed' ? { ...event, message: hide(event.message) } : event),
    hide,
  };
  if (monitoredAs === null) return command.run(run);
  return await runMonitored(run, { command: monitoredAs, runId, meter, tail }, command.run);
}
