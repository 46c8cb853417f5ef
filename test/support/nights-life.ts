/** Night after night of one project, with troubles, and the repair at the end: what tests of many nights share. */
import { expect } from 'vitest';
import type { VerifyRequest } from '../../src/verify/run-verify.ts';
import { toProject } from './crash-traffic.ts';
import {
  newWorld,
  nightMs,
  runWorker,
  type OpenMlflow,
  type RunOutcome,
  type World,
} from './crash-world.ts';
import type { NightsStory } from './nights-traffic.ts';

export interface Life {
  /** A file name to work on. */
  readonly file: string;
  readonly story: NightsStory;
  /** How many of the story's nights are lived through. */
  readonly nights: number;
  /** Default: the MLflow in memory. */
  readonly openMlflow?: OpenMlflow;
}

export const everything = { fromMs: null, toMs: null } as const;

export const lastNightOf = (life: Life): number => life.nights - 1;

const toMlflow = ({ openMlflow }: Life): Pick<Life, 'openMlflow'> =>
  openMlflow === undefined ? {} : { openMlflow };

/** The last night alone ends well for sure. */
export async function liveThroughNights(life: Life): Promise<World> {
  let world = newWorld();
  for (const [night, plan] of life.story.nights.slice(0, life.nights).entries()) {
    let points = pointsOfNight;
    for (const [attempt, { kind, at }] of plan.troubles.entries()) {
      const trouble = { kind, point: 1 + Math.floor(at * points) };
      const outcome = await runNight(life, world, { night, attempt, trouble });
      points = Math.max(1, outcome.points.length);
      world = outcome.world;
    }
    if (plan.troubles.length > 0 && !plan.isResumed && night < lastNightOf(life)) continue;
    const outcome = await runNight(life, world, { night, attempt: 5 });
    expect(outcome.error).toBeNull();
    expect(outcome.summary?.failed).toEqual([]);
    world = outcome.world;
  }
  return world;
}

/** About as many points as a night passes; a trouble beyond the last one does not happen. */
const pointsOfNight = 150;

/** `verify --repair`; what it leaves, since Langfuse shows nothing there any more, is for `backfill` to take away. */
export async function repair(life: Life, from: World): Promise<World> {
  const { verification, world } = await verify(life, from, {
    ...everything,
    isRepair: true,
  });
  expect(verification?.repair?.left).toEqual([]);
  let after = world;
  for (const window of verification?.repair?.windowsLeft ?? []) {
    const outcome = await runNight(life, after, {
      night: lastNightOf(life),
      attempt: 8,
      request: { kind: 'backfill', ...window },
    });
    expect(outcome.summary?.failed).toEqual([]);
    after = outcome.world;
  }
  return after;
}

export function runNight(
  life: Life,
  from: World,
  run: Pick<Parameters<typeof runWorker>[1], 'trouble' | 'request'> & {
    readonly night: number;
    readonly attempt: number;
  },
): Promise<RunOutcome> {
  return runWorker(from, {
    file: life.file,
    settings: life.story.settings,
    project: toProject(life.story.traffic, run.night),
    nowMs: nightMs(run.night, run.attempt),
    trouble: run.trouble ?? null,
    ...toMlflow(life),
    ...(run.request === undefined ? {} : { request: run.request }),
  });
}

export function verify(life: Life, from: World, request: VerifyRequest): Promise<RunOutcome> {
  return runWorker(from, {
    file: life.file,
    settings: life.story.settings,
    project: toProject(life.story.traffic, lastNightOf(life)),
    nowMs: nightMs(lastNightOf(life), request.isRepair ? 7 : 8),
    ...toMlflow(life),
    verify: request,
  });
}
