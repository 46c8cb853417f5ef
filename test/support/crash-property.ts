/** The property of the crash tests, for as many seeds as there are files that ask for it. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { viewRuns } from './crash-compare.ts';
import {
  runCleanBackfill,
  runNight,
  runNights,
  runTroubled,
  troublePlans,
  wholeBackfill,
  worldSettings,
  type Story,
  type TroublePlan,
} from './crash-scenario.ts';
import { isStill, lastNight, trafficPlans } from './crash-traffic.ts';
import type { RunOutcome, World } from './crash-world.ts';
import { openTempFolder } from './temp-folder.ts';

export const plansPerStory = 8;

/**
 * Tries `stories` generated projects, each undisturbed and with eight plans of trouble, and says how many plans. Shrinking takes minutes;
 * set CRASH_SHRINK=1 to have the smallest story of a failure.
 */
export async function assertCrashesLeaveNoTrace(asked: {
  readonly seed: number;
  readonly stories: number;
}): Promise<number> {
  using folder = openTempFolder();
  const file = `${folder.path}/state.db`;
  let cases = 0;
  await fc.assert(
    fc.asyncProperty(
      trafficPlans,
      worldSettings,
      fc.array(troublePlans, { minLength: plansPerStory, maxLength: plansPerStory }),
      async (traffic, settings, plans) => {
        const story = { file, traffic, settings };
        const nights = await runNights(story);
        const clean = await runCleanBackfill(story);
        const whole = await expectEqualToClean(story, nights.at(-1)?.world, clean);
        await expectNothingWritten(story, whole);
        for (const plan of plans) {
          await tryPlan(story, nights, plan, clean);
          cases += 1;
        }
      },
    ),
    {
      seed: asked.seed,
      numRuns: asked.stories,
      endOnFailure: process.env['CRASH_SHRINK'] === undefined,
    },
  );
  return cases;
}

async function tryPlan(
  story: Story,
  nights: readonly RunOutcome[],
  plan: TroublePlan,
  clean: World,
): Promise<void> {
  let world = await runTroubled(story, nights, plan);
  if (plan.resume === 'next night' && plan.night < lastNight) {
    for (let night = plan.night + 1; night <= lastNight; night += 1) {
      world = (await runNight(story, world, { night })).world;
    }
    await expectEqualToClean(story, world, clean);
    return;
  }
  for (let night = plan.night; night <= Math.min(plan.night + 1, lastNight); night += 1) {
    world = (await runNight(story, world, { night, attempt: 5 })).world;
    expectEqual(story, world, nights[night]?.world);
  }
}

/** After everything was read once more, MLflow is what one clean backfill makes it. */
async function expectEqualToClean(
  story: Story,
  world: World | undefined,
  clean: World,
): Promise<World> {
  if (world === undefined) throw new Error('no world');
  const whole = await runNight(story, world, {
    night: lastNight,
    attempt: 6,
    request: wholeBackfill,
  });
  expectEqual(story, whole.world, clean);
  return whole.world;
}

async function expectNothingWritten(story: Story, world: World): Promise<void> {
  for (const request of [wholeBackfill, { kind: 'sync' } as const]) {
    const again = await runNight(story, world, { night: lastNight, attempt: 7, request });
    expect(again.writes).toBe(0);
  }
}

function expectEqual(story: Story, world: World, to: World | undefined): void {
  const starts = { comparesStarts: isStill(story.traffic) };
  expect(viewRuns(world.store, starts)).toEqual(to && viewRuns(to.store, starts));
}
