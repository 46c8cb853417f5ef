/** What the tests share that kill real processes. */
import Database from 'better-sqlite3';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** Numbers in [0, 1) that are the same on every run (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The last settled days by the real clock, and a settle that puts the next day's settling half a day away: none
 * settles while a test runs, whatever the time of day.
 */
export function toSettledDays(
  nowMs: number,
  count: number,
): { readonly startMs: number; readonly settleMinutes: number } {
  const settleMinutes = Math.floor((((nowMs % dayMs) + dayMs / 2) % dayMs) / minuteMs);
  const endMs = Math.floor((nowMs - settleMinutes * minuteMs) / dayMs) * dayMs;
  return { startMs: endMs - count * dayMs, settleMinutes };
}

/** The dead worker's lease runs out: two minutes pass. */
export function letLeaseRunOut(stateFile: string): void {
  const db = new Database(stateFile);
  try {
    const isThere = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'lease'").get();
    if (isThere !== undefined) db.exec('UPDATE lease SET expires_ms = 0');
  } finally {
    db.close();
  }
}
