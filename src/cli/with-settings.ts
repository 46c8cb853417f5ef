/** The frame of every command: parse settings, set up progress and log, run, report what failed. */
import type { CommandName } from '../config/command-names.ts';
import { parseSettings } from '../config/parse-settings.ts';
import type { Surroundings } from '../app.ts';
import type { ReportProgress } from '../shared/progress.ts';
import { createLogger } from '../telemetry/create-logger.ts';
import { createProgress } from '../telemetry/create-progress.ts';
import { reportFailure } from './report-failure.ts';
import type { CliSurroundings } from './surroundings.ts';

export interface CommandRun extends Surroundings {
  readonly report: ReportProgress;
  readonly isJson: boolean;
  /** Writes the result to stdout. */
  readonly print: (text: string) => void;
}

/** `run` returns the exit code. Errors are printed with their next step; nothing else catches them. */
export async function withSettings(
  around: CliSurroundings,
  command: { readonly name: CommandName; readonly flags: Readonly<Record<string, unknown>> },
  run: (command: CommandRun) => Promise<number>,
): Promise<void> {
  const isJson = command.flags['json'] === true;
  let secretTexts: string[] = [];
  try {
    const { settings, secrets } = parseSettings({
      command: command.name,
      flags: command.flags,
      env: around.env,
      readFile: around.readFile,
      now: around.clock.now(),
    });
    secretTexts = Object.values(secrets).filter((secret): secret is string => secret !== null);
    using progress = await createProgress({ stream: around.stderr, isQuiet: isJson });
    const logger = await createLogger({
      level: settings.log.level,
      format: settings.log.format,
      write: progress.write,
      isTerminal: around.stderr.isTTY,
      secrets: secretTexts,
    });
    const exitCode = await run({
      settings,
      secrets,
      clock: around.clock,
      signal: around.signal,
      onNotice: (message, details) => logger.warn(details ?? {}, message),
      report: progress.report,
      isJson,
      print: (text) => around.stdout.write(text),
    });
    around.setExitCode(exitCode);
  } catch (error) {
    reportFailure(around, { error, isJson, secrets: secretTexts });
  }
}
