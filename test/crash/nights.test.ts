/**
 * Twenty-four nights with late, changed, moved and deleted rows, scores days later, outages on either side, lost
 * answers and deaths of the worker; then `verify --repair` for what came later than the lookback. MLflow ends equal to
 * one clean backfill of the same traffic, and a second look finds and writes nothing.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dayMs } from '../../src/shared/time.ts';
import type { VerifyRequest } from '../../src/verify/run-verify.ts';
import { viewRuns } from '../support/crash-compare.ts';
import { firstDayMs, toProject } from '../support/crash-traffic.ts';
import {
  newWorld,
  nightMs,
  runWorker,
  type RunOutcome,
  type World,
} from '../support/crash-world.ts';
import { nights, nightsStories, type NightsStory } from '../support/nights-traffic.ts';
import { openTempFolder } from '../support/temp-folder.ts';

/** NIGHTS_SEED and NIGHTS_STORIES look further; NIGHTS_SHRINK=1 finds the smallest story of a failure. */
const seed = Number(process.env['NIGHTS_SEED'] ?? 1);
const stories = Number(process.env['NIGHTS_STORIES'] ?? 6);

const lastNight = nights - 1;
const everything = { fromMs: null, toMs: null } as const;
const clean = { comparesStarts: false } as const;

test(`${nights} troubled nights and a repair leave what one backfill leaves`, async () => {
  using folder = openTempFolder();
  const file = `${folder.path}/state.db`;
  await fc.assert(
    fc.asyncProperty(nightsStories, async (story) => {
      const after = await liveThroughNights(file, story);

      const mended = await repair(file, story, after);

      const backfill = await runNight(file, story, newWorld(), {
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

      const again = await verify(file, story, mended, { ...everything, isRepair: false });
      expect(again.verification?.isClean).toBe(true);
      const quiet = await runNight(file, story, mended, { night: lastNight, attempt: 9 });
      expect(quiet.summary?.failed).toEqual([]);
      expect(quiet.writes).toBe(0);
    }),
    { seed, numRuns: stories, endOnFailure: process.env['NIGHTS_SHRINK'] === undefined },
  );
}, 600_000);

/** The last night alone ends well for sure. */
async function liveThroughNights(file: string, story: NightsStory): Promise<World> {
  let world = newWorld();
  for (const [night, plan] of story.nights.entries()) {
    let points = pointsOfNight;
    for (const [attempt, { kind, at }] of plan.troubles.entries()) {
      const trouble = { kind, point: 1 + Math.floor(at * points) };
      const outcome = await runNight(file, story, world, { night, attempt, trouble });
      points = Math.max(1, outcome.points.length);
      world = outcome.world;
    }
    if (plan.troubles.length > 0 && !plan.isResumed && night < lastNight) continue;
    const outcome = await runNight(file, story, world, { night, attempt: 5 });
    expect(outcome.error).toBeNull();
    expect(outcome.summary?.failed).toEqual([]);
    world = outcome.world;
  }
  return world;
}

/** About as many points as a night passes; a trouble beyond the last one does not happen. */
const pointsOfNight = 150;

/** `verify --repair`; what it leaves, since Langfuse shows nothing there any more, is for `backfill` to take away. */
async function repair(file: string, story: NightsStory, from: World): Promise<World> {
  const { verification, world } = await verify(file, story, from, {
    ...everything,
    isRepair: true,
  });
  expect(verification?.repair?.left).toEqual([]);
  let after = world;
  for (const window of verification?.repair?.windowsLeft ?? []) {
    const outcome = await runNight(file, story, after, {
      night: lastNight,
      attempt: 8,
      request: { kind: 'backfill', ...window },
    });
    expect(outcome.summary?.failed).toEqual([]);
    after = outcome.world;
  }
  return after;
}

function runNight(
  file: string,
  story: NightsStory,
  from: World,
  run: Pick<Parameters<typeof runWorker>[1], 'trouble' | 'request'> & {
    readonly night: number;
    readonly attempt: number;
  },
): Promise<RunOutcome> {
  return runWorker(from, {
    file,
    settings: story.settings,
    project: toProject(story.traffic, run.night),
    nowMs: nightMs(run.night, run.attempt),
    trouble: run.trouble ?? null,
    ...(run.request === undefined ? {} : { request: run.request }),
  });
}

function verify(
  file: string,
  story: NightsStory,
  from: World,
  request: VerifyRequest,
): Promise<RunOutcome> {
  return runWorker(from, {
    file,
    settings: story.settings,
    project: toProject(story.traffic, lastNight),
    nowMs: nightMs(lastNight, request.isRepair ? 7 : 8),
    verify: request,
  });
}
