import { parseDayOrInstant } from '../config/parse-day.ts';
import { AppError, toAppError } from '../shared/errors.ts';
import { planBackfill } from '../sync/plan-windows.ts';
import type { CliSurroundings } from './surroundings.ts';
import { walkWindows } from './walk-windows.ts';
import { withSettings } from './with-settings.ts';

/** `langfuse-mlflow backfill --from … --to …` */
export async function runBackfillCommand(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { from, to, ...settingFlags } = flags;
  await withSettings(around, { name: 'backfill', flags: settingFlags }, async (command) => {
    const range = { fromMs: parseEnd('--from', from), toMs: parseEnd('--to', to) };
    const { sizeMs: windowMs, settleMs } = command.settings.windows;
    // Refuses a range that no window can be made of before anything is opened or created.
    planBackfill({ ...range, nowMs: command.clock.now(), windowMs, settleMs });
    return walkWindows(command, { kind: 'backfill', ...range });
  });
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
