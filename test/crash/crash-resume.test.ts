/**
 * Crash at any step, resume, and MLflow is equal to an uninterrupted run: no run extra, none missing, same latest
 * metrics, params, tags, artifacts by hash.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { viewRuns } from '../support/crash-compare.ts';
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
} from '../support/crash-scenario.ts';
import { isStill, lastNight, trafficPlans } from '../support/crash-traffic.ts';
import type { RunOutcome, World } from '../support/crash-world.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const plansPerStory = 4;
const stories = Number(process.env['CRASH_STORIES'] ?? 130);

/** Seeds that found something once are kept, so that they are looked at for ever. */
const notableSeeds = [1];

test.each(notableSeeds)(
  'crash anywhere, resume, and nothing shows it (seed %i)',
  async (seed) => {
    using folder = openTempFolder();
    const file = `${folder.path}/state.db`;
    await fc.assert(
      fc.asyncProperty(
        trafficPlans,
        worldSettings,
        fc.array(troublePlans, { minLength: plansPerStory, maxLength: plansPerStory }),
        async (traffic, settings, plans) => {
          const story = { file, traffic, settings };
          const nights = await runNights(story);
          const clean = await runCleanBackfill(story);
          await expectEqualToClean(story, nights.at(-1)?.world, clean);
          for (const plan of plans) await tryPlan(story, nights, plan, clean);
        },
      ),
      { seed, numRuns: stories, endOnFailure: process.env['CRASH_SHRINK'] === undefined },
    );
  },
  300_000,
);

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
  const starts = { comparesStarts: isStill(story.traffic) };
  for (let night = plan.night; night <= Math.min(plan.night + 1, lastNight); night += 1) {
    world = (await runNight(story, world, { night, attempt: 5 })).world;
    const undisturbed = nights[night]?.world;
    expect(viewRuns(world.store, starts)).toEqual(
      undisturbed && viewRuns(undisturbed.store, starts),
    );
  }
}

/** After everything was read once more, MLflow is what one clean backfill makes it, and is left alone from then on. */
async function expectEqualToClean(
  story: Story,
  world: World | undefined,
  clean: World,
): Promise<void> {
  if (world === undefined) throw new Error('no world');
  const last = { night: lastNight, attempt: 6, request: wholeBackfill };
  const whole = await runNight(story, world, last);
  const starts = { comparesStarts: isStill(story.traffic) };
  expect(viewRuns(whole.world.store, starts)).toEqual(viewRuns(clean.store, starts));
  const again = await runNight(story, whole.world, { ...last, attempt: 7 });
  expect(again.writes).toBe(0);
}
