import { parseDayOrInstant } from '../config/parse-day.ts';
import { AppError, toAppError } from '../shared/errors.ts';
import type { CliSurroundings } from './surroundings.ts';
import { walkAndPrint } from './walk-windows.ts';
import { withSettings } from './with-settings.ts';

/** `langfuse-mlflow backfill --from … --to …` */
export async function runBackfillCommand(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { from, to, ...settingFlags } = flags;
  await withSettings(around, { name: 'backfill', flags: settingFlags }, (command) =>
    walkAndPrint(command, {
      kind: 'backfill',
      fromMs: parseEnd('--from', from),
      toMs: parseEnd('--to', to),
    }),
  );
}

function parseEnd(flag: string, text: unknown): number {
  try {
    return parseDayOrInstant(String(text));
  } catch (error) {
    throw new AppError('USAGE', `${flag} ${String(text)}: ${toAppError(error).message}.`, {
      cause: error,
    });
  }
}
