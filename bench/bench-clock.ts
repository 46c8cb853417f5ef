import { systemClock, type Clock } from '../src/shared/clock.ts';
import { toInstant } from '../src/shared/time.ts';
import { dayMs } from './figures.ts';

/** Runs from the night after the last day of the traffic, so that every window of it is settled and none comes after. */
export function createBenchClock(traffic: {
  readonly fromMs: number;
  readonly days: number;
}): Clock {
  const shiftMs = traffic.fromMs + (traffic.days + 0.5) * dayMs - systemClock.now();
  return { ...systemClock, now: () => toInstant(systemClock.now() + shiftMs) };
}
