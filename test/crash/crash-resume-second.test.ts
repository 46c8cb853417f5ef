/**
 * Crash at any step, resume, and MLflow is equal to an uninterrupted run: no run extra, none missing, same latest
 * metrics, params, tags, artifacts by hash. The other half of the cases, so that two cores share them.
 */
import { expect, test } from 'vitest';
import { assertCrashesLeaveNoTrace, plansPerStory } from '../support/crash-property.ts';
import { chooseSeeds, notableSeeds } from './notable-seeds.ts';

/** With the other file 128 stories of 8 plans, 1,024 cases. CRASH_STORIES and CRASH_SEED look further. */
const seeds = chooseSeeds(notableSeeds.crashSecond, 'CRASH', 1000);

test.each(seeds)(
  'crash anywhere, resume, and nothing shows it (seed $seed)',
  async ({ seed, stories }) => {
    const cases = await assertCrashesLeaveNoTrace({ seed, stories });
    expect(cases).toBe(stories * plansPerStory);
  },
  600_000,
);
