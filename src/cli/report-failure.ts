/** Prints the error that ended a command, and sets the exit code. */
import { ExitCode, toAppError, type AppError } from '../shared/errors.ts';
import { hideSecrets } from '../telemetry/hide-secrets.ts';
import type { CliSurroundings } from './surroundings.ts';

/** What failed, on which thing, and the next step; as JSON on stdout with `--json`. Never a secret. */
export function reportFailure(
  around: CliSurroundings,
  failure: {
    readonly error: unknown;
    readonly isJson: boolean;
    readonly secrets: readonly string[];
  },
): void {
  if (isCommanderExit(failure.error)) {
    around.setExitCode(failure.error.exitCode === 0 ? ExitCode.done : ExitCode.usage);
    return;
  }
  const error = toAppError(failure.error);
  if (failure.isJson) {
    around.stdout.write(
      `${hideSecrets(JSON.stringify({ error: toErrorJson(error) }), failure.secrets)}\n`,
    );
  } else {
    around.stderr.write(
      hideSecrets(`error: ${error.message}\nnext:  ${error.hint}\n`, failure.secrets),
    );
    if (error.code === 'INTERNAL' && error.cause instanceof Error) {
      around.stderr.write(hideSecrets(`${error.cause.stack ?? ''}\n`, failure.secrets));
    }
  }
  around.setExitCode(toExitCode(error));
}

export function toErrorJson(error: AppError): Record<string, unknown> {
  return {
    code: error.code,
    message: error.message,
    next: error.hint,
    exit_code: toExitCode(error),
  };
}

/** 143 for SIGTERM, 130 for SIGINT, else the catalogue's. */
export function toExitCode(error: AppError): number {
  if (error.code === 'CANCELLED' && error.details['signal'] === 'SIGTERM')
    return ExitCode.terminated;
  return error.exitCode;
}

function isCommanderExit(error: unknown): error is { readonly exitCode: number } {
  return error instanceof Error && error.name === 'CommanderError' && 'exitCode' in error;
}
