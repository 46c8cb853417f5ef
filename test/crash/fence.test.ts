/** A worker that lost its lease writes nothing more, neither to MLflow nor to the state file. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { minuteMs } from '../../src/shared/time.ts';
import type { State } from '../../src/store/open-state.ts';
import { viewRuns } from '../support/crash-compare.ts';
import { runNight, type Story } from '../support/crash-scenario.ts';
import { oneRow, plainSettings, useStory, version } from '../support/crash-stories.ts';
import { toProject } from '../support/crash-traffic.ts';
import {
  newWorld,
  nightMs,
  runWorker,
  type RunOutcome,
  type Surroundings,
} from '../support/crash-world.ts';

const traffic = {
  rows: [
    oneRow({ first: version({ session: 0 }) }),
    oneRow({ minute: 1, first: version({ day: 1, session: 0 }) }),
  ],
  scores: [],
  unreadable: [],
};
const still = { comparesStarts: true };

const hashOf = (state: State): string =>
  createHash('sha256').update(state.db.serialize()).digest('hex');

/** What another worker does first: it takes the lease. */
function takeOver({ state }: Surroundings): void {
  state.db.exec("UPDATE lease SET fence = fence + 1, holder = 'the other', expires_ms = 1e15");
}

interface AtTheLoss {
  readonly writes: number;
  readonly state: string;
}

/** Runs a night in which something happens at the n-th point; tells what had been written by then. */
async function runUntilLoss(
  story: Story,
  point: number,
  happens: (surroundings: Surroundings) => void,
): Promise<{ outcome: RunOutcome; loss: AtTheLoss; writes: number; end: string }> {
  let count = 0;
  let loss: AtTheLoss | null = null;
  const reached: { surroundings: Surroundings | null } = { surroundings: null };
  const outcome = await runWorker(newWorld(), {
    file: story.file,
    project: toProject(story.traffic, 0),
    nowMs: nightMs(0),
    settings: story.settings,
    onPoint: (_, surroundings) => {
      count += 1;
      if (count !== point) return;
      happens(surroundings);
      reached.surroundings = surroundings;
      loss = { writes: surroundings.writes(), state: hashOf(surroundings.state) };
    },
  });
  if (loss === null) throw new Error(`no point ${point}`);
  const end = createHash('sha256')
    .update(outcome.world.state ?? '')
    .digest('hex');
  return { outcome, loss, writes: outcome.writes, end };
}

describe('a worker whose lease was taken over', () => {
  const story = useStory(traffic, plainSettings);

  test('ends at whatever point it is, with the call that was on its way as its last', async () => {
    const undisturbed = await runNight(story(), newWorld(), { night: 0 });
    // The first points are the taking of the lease itself.
    for (let point = 2; point <= undisturbed.points.length; point += 1) {
      const name = `${undisturbed.points[point - 1]} (${point})`;
      const { outcome, loss, writes, end } = await runUntilLoss(story(), point, takeOver);
      // To make sure of the experiment is one call of two requests, which may be repeated by anybody.
      const isOnItsWay = point === undisturbed.points.indexOf('mlflow create_experiment before');
      expect(writes - loss.writes, name).toBe(isOnItsWay ? 1 : 0);
      // Between two commits of one turn nobody else comes: what the turn began it may end.
      if (undisturbed.points[point - 1] !== 'state commit') expect(end, name).toBe(loss.state);
      const error = outcome.error ?? outcome.summary?.failed[0]?.error;
      // At its last points it had nothing left to write.
      if (error === undefined) expect(point).toBeGreaterThan(undisturbed.points.length - 4);
      else expect(error, name).toMatchObject({ code: 'STATE_BUSY', exitCode: 75 });
    }
  });
});

describe('a machine that was suspended for an hour', () => {
  const story = useStory(traffic, plainSettings);
  const hour = ({ skipMs }: Surroundings): void => skipMs(60 * minuteMs);

  test('counts as lost: nothing more is written, and the next run goes on', async () => {
    const undisturbed = await runNight(story(), newWorld(), { night: 0 });
    const expected = viewRuns(undisturbed.world.store, still);
    const tried = undisturbed.points.flatMap((point, index) =>
      /create_run|artifact|page|tags/.test(point) ? [index + 1] : [],
    );
    for (const point of tried) {
      const name = `${undisturbed.points[point - 1]} (${point})`;
      const { outcome, loss, writes } = await runUntilLoss(story(), point, hour);
      // A step that begins after the hour takes the lease anew, since nobody else has.
      const error = outcome.error ?? outcome.summary?.failed[0]?.error;
      if (error !== undefined) {
        expect(error, name).toMatchObject({ code: 'STATE_BUSY', exitCode: 75 });
        expect(error.message, name).toContain('ran out');
        expect(writes, name).toBe(loss.writes);
      }
      const next = await runNight(story(), outcome.world, { night: 0, attempt: 7 });
      expect(viewRuns(next.world.store, still), name).toEqual(expected);
    }
  });

  test('and a step that kept the timers waiting does not', async () => {
    const outcome = await runWorker(newWorld(), {
      file: story().file,
      project: toProject(story().traffic, 0),
      nowMs: nightMs(0),
      settings: story().settings,
      onEvent: (event, surroundings) => {
        if (event.kind === 'window_folded') surroundings.skipMs(3 * minuteMs);
      },
    });
    expect(outcome.error).toBeNull();
    expect(outcome.summary?.failed).toEqual([]);
  });
});
