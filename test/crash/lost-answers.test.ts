/** A call that was carried out and not answered: one run in the end, and the run of the worker goes on where it can. */
import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/shared/errors.ts';
import { viewRuns } from '../support/crash-compare.ts';
import { runNight } from '../support/crash-scenario.ts';
import { oneRow, plainSettings, useStory, version } from '../support/crash-stories.ts';
import { toProject } from '../support/crash-traffic.ts';
import { newWorld, nightMs, runWorker, type RunOutcome } from '../support/crash-world.ts';

const still = { comparesStarts: true };
const traffic = {
  rows: [
    oneRow({ first: version({ session: 0 }) }),
    oneRow({ minute: 1, first: version({ model: 1 }), deletedAt: 1 }),
  ],
  scores: [],
  unreadable: [],
};

const pointsOf = (outcome: RunOutcome, name: string): number[] =>
  outcome.points.flatMap((point, index) => (point === name ? [index + 1] : []));

describe('runs/create is carried out and its answer is lost', () => {
  const story = useStory(traffic, plainSettings);

  test('the run is found at once, and the run of the worker ends well', async () => {
    const undisturbed = await runNight(story(), newWorld(), { night: 0 });
    const creates = pointsOf(undisturbed, 'mlflow create_run after');
    expect(creates.length).toBeGreaterThan(5);
    for (const point of creates) {
      const trouble = { kind: 'lost', point } as const;
      const outcome = await runNight(story(), newWorld(), { night: 0, trouble });
      expect(outcome.summary?.failed).toEqual([]);
      expect(viewRuns(outcome.world.store, still)).toEqual(
        viewRuns(undisturbed.world.store, still),
      );
    }
  });

  test('with MLflow down from then on, the next run finds it', async () => {
    const undisturbed = await runNight(story(), newWorld(), { night: 0 });
    for (const point of pointsOf(undisturbed, 'mlflow create_run after')) {
      const down = { night: 0, trouble: { kind: 'down', point } } as const;
      const outcome = await runNight(story(), newWorld(), down);
      expect(outcome.summary?.failed[0]?.error).toMatchObject({
        code: 'MLFLOW_UNREACHABLE',
        exitCode: 75,
      });
      const next = await runNight(story(), outcome.world, { night: 0, attempt: 1 });
      expect(viewRuns(next.world.store, still)).toEqual(viewRuns(undisturbed.world.store, still));
    }
  });

  test('and its rows are gone by the next night: the run is deleted, none is left', async () => {
    const first = await runNight(story(), newWorld(), { night: 0 });
    const undisturbed = await runNight(story(), first.world, { night: 1 });
    for (const point of pointsOf(first, 'mlflow create_run after')) {
      const down = { night: 0, trouble: { kind: 'down', point } } as const;
      const outcome = await runNight(story(), newWorld(), down);
      const next = await runNight(story(), outcome.world, { night: 1 });
      expect(Object.keys(viewRuns(next.world.store, still))).toEqual(
        Object.keys(viewRuns(undisturbed.world.store, still)),
      );
    }
  });

  test('and it is carried out only after the worker looked: the surplus run is deleted', async () => {
    const undisturbed = await runNight(story(), newWorld(), { night: 0 });
    const [point = 0] = pointsOf(undisturbed, 'mlflow create_run before');
    const trouble = { kind: 'lost', point } as const;
    const outcome = await runNight(story(), newWorld(), { night: 0, trouble });
    expect(outcome.summary?.failed).toHaveLength(1);
    // The proxy delivers it twice, late.
    const key = Object.keys(viewRuns(undisturbed.world.store, still))
      .find((name) => name.startsWith('window'))
      ?.split(' ')
      .at(-1);
    for (let copy = 0; copy < 2; copy += 1) {
      outcome.world.store.createRun({
        experimentId: '1',
        name: '2026-03-02',
        startMs: Date.UTC(2026, 2, 2),
        tags: [...(undisturbed.world.store.runs.values().next().value?.tags ?? [])]
          .filter(([name]) => !['langfuse_mlflow.hash', 'langfuse_mlflow.complete'].includes(name))
          .map(([name, value]) => ({ key: name, value })),
      });
    }
    const keys = [...outcome.world.store.runs.values()].map((run) =>
      run.tags.get('langfuse_mlflow.key'),
    );
    expect(keys).toEqual([key, key]);
    const next = await runNight(story(), outcome.world, { night: 0, attempt: 1 });
    expect(viewRuns(next.world.store, still)).toEqual(viewRuns(undisturbed.world.store, still));
    expect(next.summary?.runs.deleted).toBe(1);
  });
});

describe('a log-batch half done', () => {
  const story = useStory(
    {
      ...traffic,
      rows: [
        oneRow({
          first: version({ cost: 9, session: 0 }),
          change: { night: 1, to: version({ cost: 2, session: 0, isError: true }) },
        }),
      ],
    },
    plainSettings,
  );

  test('a number that falls is shown as it is, whatever half of the batch was kept before', async () => {
    const first = await runNight(story(), newWorld(), { night: 0 });
    const second = await runNight(story(), first.world, { night: 1 });
    for (const part of ['params after', 'metrics after', 'tags before', 'tags after']) {
      for (const point of pointsOf(first, `mlflow ${part}`)) {
        const down = { night: 0, trouble: { kind: 'down', point } } as const;
        const left = await runNight(story(), newWorld(), down);
        const next = await runNight(story(), left.world, { night: 1 });
        expect(viewRuns(next.world.store, still), `${part} ${point}`).toEqual(
          viewRuns(second.world.store, still),
        );
      }
    }
  });
});

describe('a fault of one window alone', () => {
  const story = useStory(
    {
      ...traffic,
      rows: [0, 1].map((day) => oneRow({ minute: day, first: version({ day, session: 0 }) })),
    },
    plainSettings,
  );

  test('a session whose first window was refused nests under it when that is published at last', async () => {
    const undisturbed = await runNight(story(), newWorld(), { night: 0 });
    let refusals = 0;
    const outcome = await runWorker(newWorld(), {
      file: story().file,
      project: toProject(story().traffic, 0),
      nowMs: nightMs(0),
      settings: story().settings,
      onPoint: (point) => {
        if (point !== 'mlflow create_run before' || refusals > 0) return;
        refusals += 1;
        throw new AppError('MLFLOW_REJECTED', 'MLflow refuses this one.');
      },
    });
    expect(outcome.summary?.failed).toHaveLength(1);
    const session = [...outcome.world.store.runs.values()].find((run) =>
      run.name.startsWith('session'),
    );
    expect(session?.tags.has('mlflow.parentRunId')).toBe(false);
    const next = await runNight(story(), outcome.world, { night: 0, attempt: 1 });
    expect(viewRuns(next.world.store, { comparesStarts: false })).toEqual(
      viewRuns(undisturbed.world.store, { comparesStarts: false }),
    );
  });
});
