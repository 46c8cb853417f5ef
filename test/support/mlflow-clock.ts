/** A clock whose sleeps take no time and are remembered. */
import type { Clock } from '../../src/shared/clock.ts';
import { toInstant } from '../../src/shared/time.ts';

export interface PatientClock extends Clock {
  readonly sleeps: number[];
}

export function createPatientClock(startMs = Date.UTC(2026, 10, 25)): PatientClock {
  const sleeps: number[] = [];
  let nowMs = startMs;
  return {
    sleeps,
    now: () => toInstant(nowMs),
    sleep(ms, signal) {
      signal?.throwIfAborted();
      sleeps.push(ms);
      nowMs += Math.ceil(ms);
      return Promise.resolve();
    },
  };
}
