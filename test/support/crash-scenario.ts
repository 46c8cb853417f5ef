/** Nights of the worker over a changing project, undisturbed and in trouble. */
import fc from 'fast-check';
import { dayMs } from '../../src/shared/time.ts';
import type { SyncRequest } from '../../src/sync/run-sync.ts';
import { firstDayMs, lastNight, toProject, type TrafficPlan } from './crash-traffic.ts';
import {
  newWorld,
  nightMs,
  runWorker,
  type RunOutcome,
  type Trouble,
  type World,
  type WorldSettings,
} from './crash-world.ts';

export interface TroublePlan {
  /** The night that the trouble begins in. */
  readonly night: number;
  /** One after the other: the second hits the run that resumes. `at` is a share of an undisturbed run's points. */
  readonly troubles: readonly { readonly kind: Trouble['kind']; readonly at: number }[];
  /** `same night`: nothing changed in Langfuse meanwhile; `next night`: much may have. */
  readonly resume: 'same night' | 'next night';
}

export const worldSettings: fc.Arbitrary<WorldSettings> = fc.record({
  lookbackDays: fc.integer({ min: 1, max: 4 }),
  requestRuns: fc.boolean(),
  concurrency: fc.integer({ min: 1, max: 3 }),
  pageSize: fc.integer({ min: 1, max: 4 }),
  hasInlineText: fc.boolean(),
});

export const troublePlans: fc.Arbitrary<TroublePlan> = fc.record({
  night: fc.integer({ min: 0, max: lastNight }),
  troubles: fc.array(
    fc.record({
      kind: fc.oneof(
        { weight: 4, arbitrary: fc.constant('crash' as const) },
        { weight: 1, arbitrary: fc.constant('restored' as const) },
        { weight: 1, arbitrary: fc.constant('lost' as const) },
        { weight: 1, arbitrary: fc.constant('down' as const) },
      ),
      at: fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1000),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  resume: fc.constantFrom('same night', 'next night'),
});

/** Everything that was ever read, read and looked at again. */
export const wholeBackfill = {
  kind: 'backfill',
  fromMs: firstDayMs,
  toMs: firstDayMs + (lastNight + 2) * dayMs,
} as const satisfies SyncRequest;

export interface Story {
  readonly file: string;
  readonly traffic: TrafficPlan;
  readonly settings: WorldSettings;
}

/** One run of a night; a run that should end well and does not is an error. */
export async function runNight(
  story: Story,
  from: World,
  run: {
    readonly night: number;
    readonly attempt?: number;
    readonly request?: SyncRequest;
    readonly trouble?: Trouble;
  },
): Promise<RunOutcome> {
  const outcome = await runWorker(from, {
    file: story.file,
    settings: story.settings,
    project: toProject(story.traffic, run.night),
    nowMs: nightMs(run.night, run.attempt),
    ...(run.request === undefined ? {} : { request: run.request }),
    trouble: run.trouble ?? null,
  });
  if (run.trouble === undefined) assertEndedWell(outcome);
  return outcome;
}

function assertEndedWell(outcome: RunOutcome): void {
  if (outcome.error !== null) throw outcome.error;
  const [failed] = outcome.summary?.failed ?? [];
  if (failed !== undefined) throw failed.error;
}

/** Every night undisturbed. */
export async function runNights(story: Story): Promise<RunOutcome[]> {
  const nights: RunOutcome[] = [];
  for (let night = 0; night <= lastNight; night += 1) {
    nights.push(await runNight(story, nights.at(-1)?.world ?? newWorld(), { night }));
  }
  return nights;
}

/** One backfill of what Langfuse holds at last, into an empty MLflow. */
export async function runCleanBackfill(story: Story): Promise<World> {
  const outcome = await runNight(story, newWorld(), { night: lastNight, request: wholeBackfill });
  return outcome.world;
}

/** The troubled night, from where the undisturbed nights before it ended. Gives what was left behind. */
export async function runTroubled(
  story: Story,
  nights: readonly RunOutcome[],
  plan: TroublePlan,
): Promise<World> {
  const points = nights[plan.night]?.points.length ?? 0;
  let world = nights[plan.night - 1]?.world ?? newWorld();
  for (const [attempt, { kind: planned, at }] of plan.troubles.entries()) {
    // A state that never heard of the experiment is refused, and what only a lost ledger knew while Langfuse no
    // longer says it is for `recover` and `verify` to find.
    const isKnown = plan.resume === 'same night' && plan.night > 0;
    const kind = planned === 'restored' && !isKnown ? 'crash' : planned;
    const trouble = { kind, point: 1 + Math.floor(at * (points - 1)) };
    world = (await runNight(story, world, { night: plan.night, attempt, trouble })).world;
  }
  return world;
}
