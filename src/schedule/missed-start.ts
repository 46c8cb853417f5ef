import type { CronLine } from '../shared/crontab.ts';
import { dayMs, minuteMs, toInstant, type InstantMs } from '../shared/time.ts';

/** A longer gap is that of a scheduler that was given up, and one start makes good for it as well. */
const longestGapMs = 400 * dayMs;

/**
 * The newest time that a start was due and none was made: after `lastStartMs`, not after `nowMs`. Null where there is
 * none. However many were missed, one start catches up with all of them.
 *
 * `matches` says whether a line is due in the minute that begins at an instant, in the zone of the schedule.
 */
export function findMissedStart(asked: {
  readonly lines: readonly CronLine[];
  readonly lastStartMs: InstantMs;
  readonly nowMs: InstantMs;
  readonly matches: (line: CronLine, minuteMs: InstantMs) => boolean;
}): InstantMs | null {
  const { lines, nowMs, matches } = asked;
  const oldestMs = Math.max(asked.lastStartMs, nowMs - longestGapMs);
  let atMs = Math.floor(nowMs / minuteMs) * minuteMs;
  while (atMs > oldestMs) {
    const today = lines.filter((line) => mayBeDueOn(line, atMs));
    if (today.length === 0) {
      // To the last minute of the UTC day before: a yearly line must not cost half a million looks.
      atMs = Math.floor(atMs / dayMs) * dayMs - minuteMs;
      continue;
    }
    const instant = toInstant(atMs);
    if (today.some((line) => matches(line, instant))) return instant;
    atMs -= minuteMs;
  }
  return null;
}

/** False where in no time zone the day of this instant is one of the line's. */
function mayBeDueOn(line: CronLine, atMs: number): boolean {
  return [-1, 0, 1].some((shift) => {
    const day = new Date(atMs + shift * dayMs);
    return (
      line.months.includes(day.getUTCMonth() + 1) &&
      line.days.includes(day.getUTCDate()) &&
      line.weekdays.includes(day.getUTCDay())
    );
  });
}
