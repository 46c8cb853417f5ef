import { parseDayOrInstant } from '../config/parse-day.ts';
import { AppError, ExitCode, toAppError } from '../shared/errors.ts';
import { runVerify } from '../verify/run-verify.ts';
import { renderVerification, toVerificationJson } from './render-verification.ts';
import type { CliSurroundings } from './surroundings.ts';
import { withOpenProject } from './with-open-project.ts';
import { withSettings } from './with-settings.ts';

/** `langfuse-mlflow verify`: exit code 3 when drift is left, 0 when there is none. */
export async function runVerifyCommand(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { from, to, repair, mode, ...settingFlags } = flags;
  await withSettings(around, { name: 'verify', flags: settingFlags }, async (command) => {
    assertMode(mode);
    const request = {
      fromMs: parseEnd('--from', from),
      toMs: parseEnd('--to', to),
      isRepair: repair === true,
    };
    if (request.fromMs !== null && request.toMs !== null && request.toMs <= request.fromMs) {
      throw new AppError('USAGE', `--to ${String(to)} is not after --from ${String(from)}.`);
    }
    return withOpenProject(command, { mustExist: true }, async (parts) => {
      const summary = await runVerify(parts, request);
      return {
        exitCode: summary.isClean ? ExitCode.done : ExitCode.behind,
        text: renderVerification(summary),
        json: toVerificationJson(summary),
      };
    });
  });
}

/**
 * Langfuse's metrics API counts without removing repeated rows, and counts the `t-` roots that Langfuse 4 makes of
 * traces; it knows neither LiteLLM's double logging nor which rows are LiteLLM's. Its numbers differ where nothing is
 * wrong, and agree where a late row stands beside a deleted one.
 */
function assertMode(mode: unknown): void {
  if (mode === undefined || mode === 'full') return;
  throw new AppError(
    'USAGE',
    mode === 'counts'
      ? "--mode counts is not available: Langfuse's metrics API counts repeated rows, rows of other writers and the roots that it makes of traces itself, so its counts differ where nothing is wrong and can agree where something is."
      : `--mode ${JSON.stringify(mode)}: there is only full.`,
    { hint: 'Verify fewer windows with --from and --to; each is then read again row by row.' },
  );
}

function parseEnd(flag: string, text: unknown): number | null {
  if (typeof text !== 'string') return null;
  try {
    return parseDayOrInstant(text);
  } catch (error) {
    throw new AppError('USAGE', `${flag} ${text}: ${toAppError(error).message}.`, {
      cause: error,
    });
  }
}
