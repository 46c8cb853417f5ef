/** The one file of the room that has a clock: node-cron's timers. */
import cron from 'node-cron';
import type { CronLine } from '../shared/crontab.ts';
import { toInstant, toIso, type InstantMs } from '../shared/time.ts';
import { findMissedStart } from './missed-start.ts';

export interface Start {
  /** When it was due. */
  readonly dueMs: InstantMs;
  /** `missed`: nothing ran when it was due (the scheduler was down, or the machine asleep). */
  readonly reason: 'due' | 'missed';
}

export interface ScheduleParts {
  readonly lines: readonly CronLine[];
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly timezone: string;
  /** Each start waits for a random time below this. */
  readonly jitterMs: number;
  /** Null where nothing was ever started: there is then nothing to catch up with. */
  readonly lastStartMs: InstantMs | null;
  readonly nowMs: InstantMs;
  /** Runs once; never rejects. */
  readonly run: (start: Start) => Promise<void>;
  readonly onNotice: (message: string) => void;
}

export interface Schedule extends AsyncDisposable {
  isRunning(): boolean;
  /** When it is due next; null after it was stopped. */
  nextMs(): InstantMs | null;
  /** Starts that were left out since the run before was still going on. */
  skipped(): number;
}

/**
 * Runs at the times of `lines` until it is disposed, which waits for the run that goes on. Two runs never overlap: a
 * start that is due meanwhile is left out. Starts that were missed are caught up with once, at once.
 */
export function startSchedule(parts: ScheduleParts): Schedule {
  let current: Promise<void> | null = null;
  let lastDueMs: InstantMs | null = null;
  let skipped = 0;
  let isStopped = false;

  const begin = (start: Start): Promise<void> => {
    // Two lines that are due at the same time mean one start.
    if (isStopped || lastDueMs === start.dueMs) return Promise.resolve();
    lastDueMs = start.dueMs;
    if (current !== null) {
      skipped += 1;
      parts.onNotice(
        `The start of ${toIso(start.dueMs)} is left out: the run before is still going on.`,
      );
      return Promise.resolve();
    }
    current = parts.run(start).finally(() => {
      current = null;
    });
    return current;
  };

  const tasks = parts.lines.map((line) => {
    const task = cron.createTask(
      line.expression,
      ({ date }) => begin({ dueMs: toInstant(date.getTime()), reason: 'due' }),
      {
        timezone: parts.timezone,
        maxRandomDelay: parts.jitterMs,
        suppressMissedWarning: true,
        logger: silent,
      },
    );
    task.on('execution:missed', ({ date }) => {
      void begin({ dueMs: toInstant(date.getTime()), reason: 'missed' });
    });
    return { line, task };
  });

  const missedMs =
    parts.lastStartMs === null
      ? null
      : findMissedStart({
          lines: parts.lines,
          lastStartMs: parts.lastStartMs,
          nowMs: parts.nowMs,
          matches: (line, minuteMs) =>
            tasks.some((one) => one.line === line && one.task.match(new Date(minuteMs))),
        });
  for (const { task } of tasks) void task.start();
  if (missedMs !== null) void begin({ dueMs: missedMs, reason: 'missed' });

  return {
    isRunning: () => current !== null,
    nextMs: () => {
      const times = isStopped
        ? []
        : tasks.flatMap(({ task }) => task.getNextRun()?.getTime() ?? []);
      return times.length === 0 ? null : toInstant(Math.min(...times));
    },
    skipped: () => skipped,
    async [Symbol.asyncDispose]() {
      isStopped = true;
      for (const { task } of tasks) await task.destroy();
      await current;
    },
  };
}

/** What node-cron has to say is said by this file, in the log of the worker. */
const silent = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
