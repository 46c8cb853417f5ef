/** When the team works: working hours, quiet weekends, a few late evenings, and jobs at night. */
import type { Prng } from './prng.ts';
import type { SampleMember } from './team.ts';

const hourMs = 3_600_000;

const weekdayShare = [0.08, 1, 1.05, 1.1, 1, 0.8, 0.06] as const;

/** Start instants of one member's sessions on the UTC day that begins at `dayStartMs`. */
export function planSessionStarts(
  prng: Prng,
  member: SampleMember,
  day: { readonly startMs: number; readonly sessionsPerDay: number },
): number[] {
  const weekday = new Date(day.startMs).getUTCDay();
  const isWeekend = weekday === 0 || weekday === 6;
  const share = isWeekend && member.worksAtWeekends ? 0.35 : (weekdayShare[weekday] ?? 1);
  const mean = day.sessionsPerDay * (member.tool === 'indexer' ? 1 : share);
  const count = Math.floor(mean + prng.next());
  const starts = Array.from(
    { length: count },
    () => day.startMs + startHour(prng, member) * hourMs,
  );
  return starts.map(Math.floor).sort((a, b) => a - b);
}

function startHour(prng: Prng, member: SampleMember): number {
  if (member.tool === 'indexer') return 1 + prng.next() * 3;
  if (member.tool === 'ci' && prng.chance(0.15)) return 1 + prng.next() * 4;
  // One person likes the quiet late evening; those sessions run over midnight.
  if (member.coreHour > 15 && prng.chance(0.3)) return 23.78 + prng.next() * 0.19;
  const around = Math.log(prng.skewed(1, 1)) * 2.3;
  return Math.min(20.5, Math.max(6.5, member.coreHour + around));
}
