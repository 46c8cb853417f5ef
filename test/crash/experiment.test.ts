/** The experiment itself may be made by someone else, be deleted, or be gone with all that was in it. */
import { describe, expect, test } from 'vitest';
import { viewRuns } from '../support/crash-compare.ts';
import { runNight, type Story } from '../support/crash-scenario.ts';
import { toProject } from '../support/crash-traffic.ts';
import { crashExperiment, newWorld, nightMs, runWorker } from '../support/crash-world.ts';
import { MemoryStore } from '../support/memory-mlflow-store.ts';
import { oneRow, plainSettings, useStory } from '../support/crash-stories.ts';

const still = { comparesStarts: true };

async function runOn(story: Story, world: Parameters<typeof runWorker>[0], attempt: number) {
  return runWorker(world, {
    file: story.file,
    project: toProject(story.traffic, 0),
    nowMs: nightMs(0, attempt),
    settings: story.settings,
  });
}

describe('an experiment', () => {
  const story = useStory({ rows: [oneRow()], scores: [], unreadable: [] }, plainSettings);

  test('made by someone else at the same moment is used', async () => {
    const store = new MemoryStore();
    const outcome = await runWorker(
      { state: null, store },
      {
        file: story().file,
        project: toProject(story().traffic, 0),
        nowMs: nightMs(0),
        settings: story().settings,
        onPoint: (point, { store: mlflow }) => {
          if (point === 'mlflow create_experiment before') mlflow.createExperiment(crashExperiment);
        },
      },
    );
    expect(outcome.error).toBeNull();
    expect(outcome.world.store.experiments.size).toBe(1);
    expect(Object.keys(viewRuns(outcome.world.store, still))).not.toEqual([]);
  });

  test('deleted by a person ends the run with its name and exit code 2; restored, nothing is written', async () => {
    const first = await runNight(story(), newWorld(), { night: 0 });
    const setActive = (isActive: boolean): void => {
      for (const experiment of first.world.store.experiments.values())
        experiment.isActive = isActive;
    };
    setActive(false);
    const refused = await runOn(story(), first.world, 1);
    expect(refused.error).toMatchObject({
      code: 'MLFLOW_EXPERIMENT_DELETED',
      exitCode: 2,
      message: expect.stringContaining(crashExperiment),
    });
    expect(refused.writes).toBe(0);

    for (const experiment of refused.world.store.experiments.values()) experiment.isActive = true;
    const restored = await runNight(story(), refused.world, { night: 0, attempt: 2 });
    expect(restored.writes).toBe(0);
    expect(restored.summary?.isStartedOver).toBe(false);
  });

  test('gone with its server is filled again, whatever point the first run on the new one died at', async () => {
    const before = await runNight(story(), newWorld(), { night: 0 });
    const clean = viewRuns(before.world.store, still);
    const onNewServer = { state: before.world.state, store: new MemoryStore() };
    const undisturbed = await runNight(story(), onNewServer, { night: 0, attempt: 1 });
    expect(viewRuns(undisturbed.world.store, still)).toEqual(clean);
    expect(undisturbed.summary?.isStartedOver).toBe(true);
    for (let point = 1; point <= undisturbed.points.length; point += 1) {
      const left = await runNight(story(), onNewServer, {
        night: 0,
        attempt: 1,
        trouble: { kind: 'crash', point },
      });
      const resumed = await runNight(story(), left.world, { night: 0, attempt: 2 });
      const where = `${undisturbed.points[point - 1]} (${point})`;
      const runs = viewRuns(resumed.world.store, still);
      expect({ where, runs }).toEqual({ where, runs: clean });
    }
  });
});
