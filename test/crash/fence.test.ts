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
    const { points } = undisturbed;
    // At its last points it has nothing left to write, and ends well.
    const lastWrite = points.lastIndexOf('mlflow tags after');
    // The first point is the taking of the lease itself.
    for (let point = 2; point <= points.length; point += 1) {
      const { outcome, loss, writes, end } = await runUntilLoss(story(), point, takeOver);
      const error = outcome.error ?? outcome.summary?.failed[0]?.error ?? null;
      const told = {
        where: `${points[point - 1]} (${point})`,
        writes: writes - loss.writes,
        isStateTouched: end !== loss.state,
        code: error?.code,
        exitCode: error?.exitCode,
      };
      expect(told).toEqual({
        ...told,
        // To make sure of the experiment is one call of two requests, which anybody may repeat.
        writes: point === points.indexOf('mlflow create_experiment before') ? 1 : 0,
        // Between two commits of one turn nobody else comes: what the turn began it may end.
        isStateTouched: points[point - 1] === 'state commit' && told.isStateTouched,
        ...(point - 1 <= lastWrite ? { code: 'STATE_BUSY', exitCode: 75 } : {}),
      });
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
    let lost = 0;
    for (const point of tried) {
      const { outcome, loss, writes } = await runUntilLoss(story(), point, hour);
      const error = outcome.error ?? outcome.summary?.failed[0]?.error ?? null;
      // A step that begins after the hour takes the lease anew, since nobody else has.
      if (error !== null) lost += 1;
      const where = `${undisturbed.points[point - 1]} (${point})`;
      expect({ where, code: error?.code ?? 'STATE_BUSY' }).toEqual({ where, code: 'STATE_BUSY' });
      expect({ where, more: error === null ? 0 : writes - loss.writes }).toEqual({
        where,
        more: 0,
      });
      const next = await runNight(story(), outcome.world, { night: 0, attempt: 7 });
      expect({ where, runs: viewRuns(next.world.store, still) }).toEqual({ where, runs: expected });
    }
    expect(lost).toBeGreaterThan(tried.length / 2);
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
