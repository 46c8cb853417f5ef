import { parseDayOrInstant } from '../config/parse-day.ts';
import { AppError, ExitCode, toAppError } from '../shared/errors.ts';
import { runVerifyCounts, type CountsSummary } from '../verify/run-counts.ts';
import { runVerify, type VerifySummary } from '../verify/run-verify.ts';
import type { Fault } from '../monitor/webhook-message.ts';
import { renderCounts, toCountsJson } from './render-counts.ts';
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
    const isCounting = parseMode(mode) === 'counts';
    if (isCounting && repair === true) {
      throw new AppError(
        'USAGE',
        '--repair needs to know the rows, and --mode counts knows none.',
        {
          hint: 'Use --repair without --mode counts.',
        },
      );
    }
    const request = {
      fromMs: parseEnd('--from', from),
      toMs: parseEnd('--to', to),
      isRepair: repair === true,
    };
    if (request.fromMs !== null && request.toMs !== null && request.toMs <= request.fromMs) {
      throw new AppError('USAGE', `--to ${String(to)} is not after --from ${String(from)}.`);
    }
    return withOpenProject(command, { mustExist: true }, async (parts) => {
      if (isCounting) {
        const counts = await runVerifyCounts(parts, request);
        return {
          exitCode: counts.isClean ? ExitCode.done : ExitCode.behind,
          text: renderCounts(counts),
          json: toCountsJson(counts),
          figures: { drift: { windows: toCountsDrift(counts), runs: 0 } },
          faults: toDriftFaults(counts.isClean),
        };
      }
      const summary = await runVerify(parts, request);
      return {
        exitCode: summary.isClean ? ExitCode.done : ExitCode.behind,
        text: renderVerification(summary),
        json: toVerificationJson(summary),
        figures: {
          drift: toDriftLeft(summary),
          retries: {
            langfuse: summary.langfuseTraffic.retries,
            mlflow: summary.mlflowTraffic.retries,
          },
          waitedMs: summary.langfuseTraffic.waitedMs,
        },
        faults: toDriftFaults(summary.isClean),
      };
    });
  });
}

type VerifyMode = 'full' | 'counts';

function parseMode(mode: unknown): VerifyMode {
  if (mode === undefined || mode === 'full') return 'full';
  if (mode === 'counts') return 'counts';
  throw new AppError('USAGE', `--mode ${JSON.stringify(mode)}: there are full and counts.`);
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

/** What is left, after the repair where there was one. */
function toDriftLeft({ langfuse, mlflow, repair, pruned }: VerifySummary): {
  readonly windows: number;
  readonly runs: number;
} {
  const { windowsLeft, left } = repair ?? {
    windowsLeft: langfuse.drift,
    left: mlflow.findings,
  };
  const notCompared = pruned.left.length + langfuse.untrusted.length;
  return { windows: windowsLeft.length + notCompared, runs: left.length };
}

function toCountsDrift({ differences, unread }: CountsSummary): number {
  return differences.filter(({ verdict }) => verdict !== 'explained').length + unread.length;
}

function toDriftFaults(isClean: boolean): Fault[] {
  if (isClean) return [];
  const message = 'Langfuse, the state file and MLflow do not hold the same.';
  const next = 'Run `langfuse-mlflow verify`, which names each difference; `--repair` mends them.';
  return [{ code: 'DRIFT', message, next }];
}
