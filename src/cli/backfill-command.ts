import { parseDayOrInstant } from '../config/parse-day.ts';
import { AppError, toAppError } from '../shared/errors.ts';
import { planBackfill, planShard } from '../sync/plan-windows.ts';
import { parseShard } from './parse-shard.ts';
import type { CliSurroundings } from './surroundings.ts';
import { tellBackfillPlan } from './plan-backfill.ts';
import { walkWindows } from './walk-windows.ts';
import { withSettings } from './with-settings.ts';

/** `langfuse-mlflow backfill --from … --to …`, or `--quarantined` */
export async function runBackfillCommand(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { from, to, quarantined, shard: _, shards: __, plan: isPlan, ...settingFlags } = flags;
  checkFlags(flags);
  const shard = parseShard(flags, around.env);
  await withSettings(around, { name: 'backfill', flags: settingFlags }, async (command) => {
    if (quarantined === true) return walkWindows(command, { kind: 'quarantined' });
    const range = { fromMs: parseEnd('--from', from), toMs: parseEnd('--to', to) };
    const { sizeMs: windowMs, settleMs } = command.settings.windows;
    // Refuses a range that no window can be made of before anything is opened or created.
    const plan = { ...range, nowMs: command.clock.now(), windowMs, settleMs };
    const windows = shard === null ? planBackfill(plan) : planShard({ ...plan, shard });
    if (isPlan === true)
      return tellBackfillPlan(
        command,
        windows.map(({ interval }) => interval),
      );
    return walkWindows(command, { kind: 'backfill', ...range, ...(shard && { shard }) });
  });
}

/** Before the settings are looked at, as with every fault of the command line itself. */
function checkFlags(flags: Readonly<Record<string, unknown>>): void {
  const range = ['from', 'to'] as const;
  const given = [...range, ...(['shard', 'shards', 'plan'] as const)]
    .filter((name) => flags[name] !== undefined)
    .map((name) => `--${name}`);
  const missing = range.filter((name) => flags[name] === undefined).map((name) => `--${name}`);
  if (flags['quarantined'] !== true && missing.length > 0) {
    throw new AppError(
      'USAGE',
      `backfill without ${missing.join(' and ')}: give --from and --to, or --quarantined alone.`,
    );
  }
  if (flags['quarantined'] === true && given.length > 0) {
    throw new AppError(
      'USAGE',
      `--quarantined with ${given.join(' and ')}: it reads the windows that hold quarantined rows, and takes no range.`,
    );
  }
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
