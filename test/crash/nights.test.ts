/**
 * Twenty-four nights with late, changed, moved and deleted rows, scores days later, outages on either side, lost
 * answers and deaths of the worker; then `verify --repair` for what came later than the lookback. MLflow ends equal to
 * one clean backfill of the same traffic, and a second look finds and writes nothing.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dayMs } from '../../src/shared/time.ts';
import { viewRuns } from '../support/crash-compare.ts';
import { firstDayMs } from '../support/crash-traffic.ts';
import { newWorld } from '../support/crash-world.ts';
import {
  everything,
  lastNightOf,
  liveThroughNights,
  repair,
  runNight,
  verify,
} from '../support/nights-life.ts';
import { nights, nightsStories } from '../support/nights-traffic.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { chooseSeeds, notableSeeds } from './notable-seeds.ts';

/** NIGHTS_SEED and NIGHTS_STORIES look further; NIGHTS_SHRINK=1 finds the smallest story of a failure. */
const seeds = chooseSeeds(notableSeeds.nights, 'NIGHTS');

const clean = { comparesStarts: false } as const;

test.each(seeds)(
  `${nights} troubled nights and a repair leave what one backfill leaves (seed $seed)`,
  async ({ seed, stories }) => {
    using folder = openTempFolder();
    const file = `${folder.path}/state.db`;
    await fc.assert(
      fc.asyncProperty(nightsStories, async (story) => {
        const life = { file, story, nights };
        const after = await liveThroughNights(life);

        const mended = await repair(life, after);

        const lastNight = lastNightOf(life);
        const backfill = await runNight(life, newWorld(), {
          night: lastNight,
          attempt: 0,
          request: {
            kind: 'backfill',
            fromMs: firstDayMs,
            toMs: firstDayMs + (lastNight + 2) * dayMs,
          },
        });
        expect(backfill.summary?.failed).toEqual([]);
        expect(viewRuns(mended.store, clean)).toEqual(viewRuns(backfill.world.store, clean));

        const again = await verify(life, mended, { ...everything, isRepair: false });
        expect(again.verification?.isClean).toBe(true);
        const quiet = await runNight(life, mended, { night: lastNight, attempt: 9 });
        expect(quiet.summary?.failed).toEqual([]);
        expect(quiet.writes).toBe(0);
      }),
      { seed, numRuns: stories, endOnFailure: process.env['NIGHTS_SHRINK'] === undefined },
    );
  },
  600_000,
);
