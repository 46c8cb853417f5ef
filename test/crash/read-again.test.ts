/** Windows that are read again as they were write nothing, though calls were logged twice over their edges. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wholeBackfill } from '../support/crash-scenario.ts';
import { lastNight } from '../support/crash-traffic.ts';
import { newWorld, nightMs, runWorker, type World } from '../support/crash-world.ts';
import { edgePlans, toEdgeProject } from '../support/shard-traffic.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { notableSeeds } from './notable-seeds.ts';

type Plan = typeof edgePlans extends fc.Arbitrary<infer T> ? T : never;

const call = { model: 0, call: 1, session: null, isError: false };
const nobody = { session: null, user: null };

async function writesOfSecondBackfill(folder: string, plan: Plan): Promise<number> {
  const backfill = (world: World): ReturnType<typeof runWorker> =>
    runWorker(world, {
      file: `${folder}/state.db`,
      settings: {
        lookbackDays: 1,
        requestRuns: false,
        concurrency: 2,
        pageSize: 3,
        hasInlineText: false,
      },
      project: toEdgeProject(plan),
      nowMs: nightMs(lastNight, 60),
      request: wholeBackfill,
    });
  const first = await backfill(newWorld());
  expect(first.summary?.failed).toEqual([]);
  const second = await backfill(first.world);
  expect(second.summary?.failed).toEqual([]);
  return second.writes;
}

test('of doubles over an edge the same one is kept, whichever window is folded last', async () => {
  using folder = openTempFolder();
  const plan: Plan = {
    rows: [
      { trace: 0, midnight: 1, offset: 300, ...call },
      { trace: 0, midnight: 1, offset: -1, ...call },
      { trace: 0, midnight: 1, offset: -20_000, ...call, call: null },
    ],
    scores: [],
    traces: [nobody, nobody, nobody],
  };
  expect(await writesOfSecondBackfill(folder.path, plan)).toBe(0);
});

test('a double in another trace stays dropped when another window of its own trace is folded', async () => {
  using folder = openTempFolder();
  const plan: Plan = {
    rows: [
      { trace: 1, midnight: 3, offset: 300, ...call, isError: true },
      { trace: 0, midnight: 3, offset: 0, ...call, isError: true },
      { trace: 1, midnight: 1, offset: 15_000, ...call, call: 0, isError: true },
    ],
    scores: [],
    traces: [{ session: 2, user: null }, { session: 2, user: 0 }, nobody],
  };
  expect(await writesOfSecondBackfill(folder.path, plan)).toBe(0);
});

test.each(notableSeeds.readAgain)(
  'of any project with calls at the edges of windows (seed $seed)',
  async ({ seed, stories }) => {
    using folder = openTempFolder();
    await fc.assert(
      fc.asyncProperty(edgePlans, async (plan) => {
        expect(await writesOfSecondBackfill(folder.path, plan)).toBe(0);
      }),
      { seed, numRuns: stories, endOnFailure: true },
    );
  },
);
