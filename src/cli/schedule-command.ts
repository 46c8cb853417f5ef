import { ExitCode, toAppError, type AppError } from '../shared/errors.ts';
import { toIso, type InstantMs } from '../shared/time.ts';
import { changeMemory, readMemory, toMemoryPath } from '../monitor/memory.ts';
import { readVersion } from '../shared/version.ts';
import { startHealthServer, type HealthParts } from '../schedule/health-server.ts';
import { startSchedule, type Schedule, type Start } from '../schedule/start-schedule.ts';
import { reportFailure, toExitCode } from './report-failure.ts';
import type { CliSurroundings } from './surroundings.ts';
import { toStopped } from './to-stopped.ts';
import { walkWindows } from './walk-windows.ts';
import {
  runWithSettings,
  withSettings,
  type CommandResult,
  type CommandRun,
} from './with-settings.ts';

type Flags = Readonly<Record<string, unknown>>;

/** What the last run came to, for `/readyz`. */
interface Ended {
  readonly startMs: InstantMs;
  readonly endMs: InstantMs;
  readonly exitCode: number;
  /** Null where the run came to its end, windows that failed or not. */
  readonly error: AppError | null;
}

/**
 * `langfuse-mlflow schedule`: runs until SIGTERM or SIGINT, and ends with 143 or 130. Settings that can't be used end
 * it at the start; whatever becomes of a run later does not.
 */
export async function runScheduleCommand(around: CliSurroundings, flags: Flags): Promise<void> {
  await withSettings(around, { name: 'schedule', flags }, async (command) => {
    const runs = createRuns(around, flags, command);
    await using health = await openHealth(command, runs);
    await using schedule = startSchedule({
      lines: command.settings.schedule.cron,
      timezone: command.settings.schedule.timezone,
      jitterMs: command.settings.schedule.jitterMs,
      lastStartMs: readMemory(runs.memoryPath).last_start_ms as InstantMs | null,
      nowMs: command.clock.now(),
      run: runs.run,
      onNotice: command.onNotice,
    });
    runs.attach(schedule);
    const nextMs = schedule.nextMs();
    command.logger.info(
      { next_run: nextMs === null ? null : toIso(nextMs), ...(health ? { url: health.url } : {}) },
      'waiting for the next run',
    );
    await untilStopped(around.signal);
    return runs.toResult();
  });
}

interface Runs {
  readonly memoryPath: string;
  readonly run: (start: Start) => Promise<void>;
  readonly attach: (schedule: Schedule) => void;
  readonly describe: () => Readonly<Record<string, unknown>>;
  readonly isReady: () => boolean;
  readonly metrics: HealthParts['metrics'];
  readonly toResult: () => CommandResult;
}

function createRuns(around: CliSurroundings, flags: Flags, command: CommandRun): Runs {
  const { clock, logger } = command;
  const memoryPath = toMemoryPath(command.settings.state.file);
  let schedule: Schedule | null = null;
  let last: Ended | null = null;
  const counts = new Map<number, number>();

  async function run(start: Start): Promise<void> {
    const startMs = clock.now();
    logger.info({ due: toIso(start.dueMs), reason: start.reason }, 'run started');
    try {
      // Kept before the run: one that ends the process is not begun again and again.
      changeMemory(memoryPath, { last_start_ms: startMs });
    } catch (error) {
      logger.warn({ err: error }, `The start could not be kept in ${memoryPath}`);
    }
    const ended = await runOnce();
    last = { startMs, endMs: clock.now(), ...ended };
    counts.set(ended.exitCode, (counts.get(ended.exitCode) ?? 0) + 1);
    const nextMs = schedule?.nextMs() ?? null;
    logger[ended.exitCode === ExitCode.done ? 'info' : 'error'](
      {
        exit_code: ended.exitCode,
        duration_ms: last.endMs - startMs,
        next_run: nextMs === null ? null : toIso(nextMs),
      },
      'run ended',
    );
  }

  /** Settings are read anew: files that hold keys may have been written again since. */
  async function runOnce(): Promise<Pick<Ended, 'exitCode' | 'error'>> {
    try {
      const result = await runWithSettings(
        around,
        { name: 'schedule', flags, monitoredAs: 'sync' },
        (fresh) => walkWindows(fresh, { kind: 'sync' }),
      );
      if (!around.isJson) around.stdout.write(result.text);
      const stopped = toStopped(around.signal);
      return { exitCode: stopped ? toExitCode(stopped) : result.exitCode, error: null };
    } catch (failure) {
      const error = toStopped(around.signal) ?? toAppError(failure);
      reportFailure({ ...around, setExitCode: () => {}, printJson: () => {} }, error);
      return { exitCode: toExitCode(error), error };
    }
  }

  const describe = (): Readonly<Record<string, unknown>> => {
    const nextMs = schedule?.nextMs() ?? null;
    return {
      running: schedule?.isRunning() ?? false,
      next_run: nextMs === null ? null : toIso(nextMs),
      skipped_starts: schedule?.skipped() ?? 0,
      last_run:
        last === null
          ? null
          : {
              started: toIso(last.startMs),
              ended: toIso(last.endMs),
              exit_code: last.exitCode,
              // Its words may name hosts and files, and anyone who reaches the address may read this.
              error: last.error?.code ?? null,
            },
    };
  };

  return {
    memoryPath,
    run,
    attach: (started) => {
      schedule = started;
    },
    describe,
    metrics: async () => {
      const { renderMetrics } = await import('../monitor/render-metrics.ts');
      return renderMetrics({
        memory: readMemory(memoryPath),
        nowMs: clock.now(),
        version: readVersion(),
        schedule: {
          isRunning: schedule?.isRunning() ?? false,
          nextMs: schedule?.nextMs() ?? null,
          skipped: schedule?.skipped() ?? 0,
          runs: counts,
        },
      });
    },
    isReady: () => last === null || last.exitCode === ExitCode.done,
    toResult: () => ({
      exitCode: ExitCode.done,
      text: '',
      json: { runs_by_exit_code: Object.fromEntries(counts) },
    }),
  };
}

async function openHealth(
  { settings }: CommandRun,
  runs: Runs,
): Promise<Awaited<ReturnType<typeof startHealthServer>> | null> {
  const address = settings.schedule.listen;
  if (address === null) return null;
  return startHealthServer({
    address,
    describe: runs.describe,
    isReady: runs.isReady,
    metrics: runs.metrics,
  });
}

function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
