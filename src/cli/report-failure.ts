/** Prints the error that ended a command, and sets the exit code. */
import { AppError, ExitCode, toAppError } from '../shared/errors.ts';
import { toVisibleText } from '../report/visible-text.ts';
import { hideSecrets } from '../telemetry/hide-secrets.ts';
import { maskSecrets } from '../config/mask.ts';
import type { CliSurroundings } from './surroundings.ts';

/** What failed, on which thing, and the next step; as JSON on stdout with `--json`. Never a secret. */
export function reportFailure(around: CliSurroundings, failure: unknown): void {
  if (isCommanderExit(failure)) {
    reportUsage(around, failure);
    return;
  }
  const error = toAppError(failure);
  const hide = hideIn(around);
  const stack = error.code === 'INTERNAL' ? toStack(error) : '';
  if (around.isJson) {
    around.stderr.write(hide(stack));
    around.printJson({ error: { ...toErrorJson(error, hide), exit_code: toExitCode(error) } });
  } else {
    around.stderr.write(
      hide(toVisibleText(`${stack}error: ${error.message}\nnext:  ${error.hint}\n`)),
    );
  }
  around.setExitCode(toExitCode(error));
}

/** A fault that nobody expected, with the stack of where it arose. */
export function toInternalError(fault: unknown): AppError {
  const message = fault instanceof Error ? fault.message : String(fault);
  return new AppError('INTERNAL', message, { cause: fault });
}

/** Takes every secret that is known out of a text; of those that parsing the settings finds, too. */
export function hideIn(around: CliSurroundings): (text: string) => string {
  return (text) => hideSecrets(text, [...around.secrets]);
}

export function toErrorJson(
  error: AppError,
  hide: (text: string) => string,
): Record<string, unknown> {
  return { code: error.code, message: hide(error.message), next: error.hint };
}

/** The code of a command that `error` ended: 143 for SIGTERM, 130 for SIGINT, else by the catalogue. */
export function toExitCode(error: AppError): number {
  if (error.code === 'CANCELLED' && error.details['signal'] === 'SIGTERM') {
    return ExitCode.terminated;
  }
  // 4 means that other windows were finished; here none was begun, and trying again does not help.
  const isBeforeWindows = error.exitCode === ExitCode.windowsFailed && error.code !== 'INTERNAL';
  return isBeforeWindows ? ExitCode.usage : error.exitCode;
}

/** A line of commander's own about a command, an option or an argument, without what may be a secret in it. */
export function maskUsage(around: CliSurroundings, text: string): string {
  const withoutValue = text.replaceAll(/(unknown option '-[^'=]*)=[^']*'/g, "$1=***'");
  return maskSecrets(withoutValue, [...around.secrets]);
}

interface CommanderExit extends Error {
  readonly exitCode: number;
  readonly code: string;
}

/** Commander has said by itself what is wrong, or shown the help it was asked for. */
function reportUsage(around: CliSurroundings, exit: CommanderExit): void {
  if (exit.exitCode === 0) return;
  const isHelp = exit.code === 'commander.help';
  const message = isHelp ? 'No command was given.' : exit.message.replace(/^error: /, '');
  const error = new AppError('USAGE', maskUsage(around, message));
  if (around.isJson) {
    const { exitCode } = error;
    around.printJson({ error: { ...toErrorJson(error, hideIn(around)), exit_code: exitCode } });
  } else if (!isHelp) around.stderr.write(`next:  ${error.hint}\n`);
  around.setExitCode(error.exitCode);
}

function toStack(error: AppError): string {
  const { stack } = error.cause instanceof Error ? error.cause : error;
  return stack === undefined ? '' : `${stack}\n`;
}

function isCommanderExit(error: unknown): error is CommanderExit {
  return error instanceof Error && error.name === 'CommanderError' && 'exitCode' in error;
}
