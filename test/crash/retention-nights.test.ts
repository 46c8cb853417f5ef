/**
 * Twenty-four nights with and without SYNC_FACTS_RETENTION, over the same traffic: late, changed, moved and deleted
 * rows, late scores, sessions and traces that go on after they were pruned, deaths of the worker at any point, and then
 * backfills of any window. Whatever was pruned in between, MLflow is the same after each of them.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dayMs } from '../../src/shared/time.ts';
import type { SyncRequest } from '../../src/sync/run-sync.ts';
import { viewRuns } from '../support/crash-compare.ts';
import { firstDayMs, toProject } from '../support/crash-traffic.ts';
import {
  newWorld,
  nightMs,
  runWorker,
  type RunOutcome,
  type World,
} from '../support/crash-world.ts';
import { nights } from '../support/nights-traffic.ts';
import { retentionStories, type RetentionStory } from '../support/retention-traffic.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { chooseSeeds, notableSeeds } from './notable-seeds.ts';

/** RETENTION_SEED and RETENTION_STORIES look further; RETENTION_SHRINK=1 finds the smallest story of a failure. */
const seeds = chooseSeeds(notableSeeds.retentionNights, 'RETENTION');

const lastNight = nights - 1;
const endOnFailure = process.env['RETENTION_SHRINK'] === undefined;
const starts = { comparesStarts: false } as const;

test.each(seeds)(
  'nights that prune end as nights that keep everything (seed $seed)',
  async ({ seed, stories }) => {
    using folder = openTempFolder();
    const file = `${folder.path}/state.db`;
    let pruned = 0;
    let restored = 0;
    await fc.assert(
      fc.asyncProperty(retentionStories({ anyTime: false }), async (story) => {
        const keeping = createNights(file, story, { isPruning: false });
        const pruning = createNights(file, story, { isPruning: true });
        const expectSame = (): void =>
          expect(viewRuns(pruning.world().store, starts)).toEqual(
            viewRuns(keeping.world().store, starts),
          );
        for (let night = 0; night <= lastNight; night += 1) {
          await keeping.run({ night });
          await pruning.die(night);
          const outcome = await pruning.run({ night, attempt: 1 });
          expect(outcome.summary?.left).toEqual([]);
          pruned += outcome.summary?.callsPruned ?? 0;
          restored += outcome.events.filter(({ kind }) => kind === 'window_restored').length;
          expectSame();
        }
        for (const day of story.backfills) {
          const again = { night: lastNight, attempt: 2, request: toBackfill(day, day + 1) };
          await keeping.run(again);
          await pruning.run(again);
          expectSame();
        }
        const quiet = await pruning.run({ night: lastNight, attempt: 3 });
        expect(quiet.writes).toBe(0);
      }),
      { seed, numRuns: stories, endOnFailure },
    );
    expect(pruned).toBeGreaterThan(stories * 20);
    expect(restored).toBeGreaterThan(stories);
  },
  600_000,
);

test.each(seeds)(
  'whatever changed or went behind the lookback, a backfill of everything ends as a clean one (seed $seed)',
  async ({ seed, stories }) => {
    using folder = openTempFolder();
    const file = `${folder.path}/state.db`;
    let left = 0;
    await fc.assert(
      fc.asyncProperty(retentionStories({ anyTime: true }), async (story) => {
        const pruning = createNights(file, story, { isPruning: true });
        for (let night = 0; night <= lastNight; night += 1) {
          await pruning.die(night);
          // What was pruned and is gone from Langfuse holds its window, by name, until a backfill takes it as it is.
          const outcome = await pruning.run({ night, attempt: 1, mayLackPruned: true });
          left += (outcome.summary?.left.length ?? 0) + (outcome.summary?.failed.length ?? 0);
        }
        const whole = { night: lastNight, attempt: 2, request: toBackfill(0, nights + 1) };
        await pruning.run(whole);
        const clean = createNights(file, story, { isPruning: false });
        await clean.run(whole);
        expect(viewRuns(pruning.world().store, starts)).toEqual(
          viewRuns(clean.world().store, starts),
        );
      }),
      { seed, numRuns: stories, endOnFailure },
    );
    expect(left).toBeGreaterThan(0);
  },
  600_000,
);

function toBackfill(fromDay: number, toDay: number): SyncRequest {
  return {
    kind: 'backfill',
    fromMs: firstDayMs + fromDay * dayMs,
    toMs: firstDayMs + toDay * dayMs,
  };
}

type Night = Pick<Parameters<typeof runWorker>[1], 'trouble' | 'request'> & {
  readonly night: number;
  readonly attempt?: number;
  readonly mayLackPruned?: boolean;
};

interface Nights {
  readonly world: () => World;
  /** A run that ends well. */
  readonly run: (asked: Night) => Promise<RunOutcome>;
  /** A run that dies, where the story says so for that night. */
  readonly die: (night: number) => Promise<void>;
}

function createNights(
  file: string,
  story: RetentionStory,
  { isPruning }: { readonly isPruning: boolean },
): Nights {
  const { retentionDays, ...settings } = story.settings;
  let world = newWorld();
  let points = 100;
  const run = async (asked: Night): Promise<RunOutcome> => {
    const outcome = await runWorker(world, {
      file,
      settings: isPruning ? { ...settings, retentionDays } : settings,
      project: toProject(story.traffic, asked.night),
      nowMs: nightMs(asked.night, asked.attempt),
      trouble: asked.trouble ?? null,
      ...(asked.request === undefined ? {} : { request: asked.request }),
    });
    world = outcome.world;
    points = outcome.points.length;
    return outcome;
  };
  return {
    world: () => world,
    run: async (asked) => {
      const outcome = await run(asked);
      expect(outcome.error).toBeNull();
      const failed = outcome.summary?.failed ?? [];
      const isExpected = ({ error }: { readonly error: { readonly code: string } }): boolean =>
        asked.mayLackPruned === true && error.code === 'FACTS_PRUNED';
      expect(failed.filter((one) => !isExpected(one))).toEqual([]);
      return outcome;
    },
    die: async (night) => {
      const at = story.deaths.get(night);
      if (at === undefined) return;
      await run({ night, trouble: { kind: 'crash', point: 1 + Math.floor(at * points) } });
    },
  };
}
