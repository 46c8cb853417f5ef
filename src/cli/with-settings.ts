/** The frame of every command: parse settings, set up progress and log, run, report what failed. */
import { readingCommands, writingCommands, type CommandName } from '../config/command-names.ts';
import { parseSettings } from '../config/parse-settings.ts';
import { openMeasureChecks } from '../app-measures.ts';
import { toProxies, type Surroundings } from '../app.ts';
import type { ReportProgress } from '../shared/progress.ts';
import { createLogger, type Logger } from '../telemetry/create-logger.ts';
import { createProgress } from '../telemetry/create-progress.ts';
import { hideIn, reportFailure, toExitCode } from './report-failure.ts';
import type { CliSurroundings } from './surroundings.ts';
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
  command: { readonly name: CommandName; readonly flags: Readonly<Record<string, unknown>> },
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
  return runWithProgress(around, { settings, secrets, hide, run });
}

const reachesServers = (name: CommandName): boolean =>
  [...readingCommands, ...writingCommands].some((reaching) => reaching === name);

async function runWithProgress(
  around: CliSurroundings,
  command: Pick<CommandRun, 'settings' | 'secrets' | 'hide'> & {
    readonly run: (command: CommandRun) => Promise<CommandResult>;
  },
): Promise<CommandResult> {
  const { settings, secrets, hide } = command;
  using progress = await createProgress({ stream: around.stderr, isQuiet: around.isJson });
  const logger = await createLogger({
    level: settings.log.level,
    format: settings.log.format,
    write: progress.write,
    isTerminal: around.stderr.isTTY,
    secrets: [...around.secrets],
  });
  return await command.run({
    settings,
    secrets,
    clock: around.clock,
    signal: around.signal,
    onNotice: (message, details) => logger.warn(details ?? {}, message),
    logger,
    report: (event) =>
      progress.report(
        event.kind === 'window_failed' ? { ...event, message: hide(event.message) } : event,
      ),
    hide,
  });
}
