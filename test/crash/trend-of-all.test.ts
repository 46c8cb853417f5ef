/** The trend over all models together: a point for each window, those of windows from before there was one included. */
import { readFileSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { dayMs } from '../../src/shared/time.ts';
import { viewRuns } from '../support/crash-compare.ts';
import { runNight, wholeBackfill, type Story } from '../support/crash-scenario.ts';
import { oneRow, plainSettings, useStory, version } from '../support/crash-stories.ts';
import { toProject } from '../support/crash-traffic.ts';
import { newWorld, nightMs, runWorker, type World } from '../support/crash-world.ts';

const comparesStarts = { comparesStarts: true };
const name = 'trend all models';

/** Two models on the first day, none on the second, one on the third, whose cost changes on the last night. */
const traffic = {
  rows: [
    oneRow(),
    oneRow({ trace: 1, minute: 1, first: version({ model: 1, cost: 2 }) }),
    oneRow({
      trace: 2,
      minute: 2,
      first: version({ day: 2, cost: 4 }),
      change: { night: 2, to: version({ day: 2, cost: 7 }) },
    }),
  ],
  scores: [],
  unreadable: [],
};

/** The cost of the first day changes on the last night, and nothing else does. */
const changedFirst = {
  ...traffic,
  rows: [
    oneRow({ change: { night: 2, to: version({ cost: 7 }) } }),
    oneRow({ trace: 2, minute: 2, first: version({ day: 2, cost: 4 }) }),
  ],
};

describe('the trend of all models', () => {
  const story = useStory(traffic, plainSettings);
  const changedFirstStory = useStory(changedFirst, plainSettings);

  test('sums the models of each window, and is zero on a quiet one', async () => {
    const { world } = await runNight(story(), newWorld(), { night: 1 });
    const all = stepsOf(world);
    const [first = '', quiet = '', third = ''] = Object.keys(all['requests'] ?? {});
    expect(all['requests']).toEqual({ [first]: 2, [quiet]: 0, [third]: 1 });
    expect(all['errors']).toEqual({ [first]: 0, [quiet]: 0, [third]: 0 });
    expect(all['cost_usd']).toEqual({ [first]: 0.003, [third]: 0.004 });
    expect(Number(third) - Number(first)).toBe(2);
  });

  test('begins with what was published before there was one, whatever point its first night dies at', async () => {
    const expected = viewRuns((await runBoth(story(), (world) => world)).store, comparesStarts);
    const olderNight = await runNight(story(), newWorld(), { night: 1 });
    const older = withoutTrendOfAll(story(), olderNight.world);
    expect(names(older)).not.toContain(name);

    const undisturbed = await runNight(story(), older, { night: 2 });
    expect(viewRuns(undisturbed.world.store, comparesStarts)).toEqual(expected);
    const calls = undisturbed.points.flatMap((what, at) =>
      /^mlflow .* after$/.test(what) ? [at] : [],
    );
    expect(calls.length).toBeGreaterThan(10);
    for (const at of calls) {
      const point = at + 1;
      const trouble = { kind: 'crash', point } as const;
      const left = await runNight(story(), older, { night: 2, trouble });
      const resumed = await runNight(story(), left.world, { night: 2, attempt: 1 });
      const where = `${undisturbed.points[point - 1]} (${point})`;
      const runs = viewRuns(resumed.world.store, comparesStarts);
      expect({ where, runs }).toEqual({ where, runs: expected });
    }
  }, 120_000);

  test('is over when its newest window is, also where only an older one is published', async () => {
    const ends: unknown[] = [];
    for (const between of [
      (world: World) => world,
      (world: World) => withoutTrendOfAll(changedFirstStory(), world),
    ]) {
      const first = await runNight(changedFirstStory(), newWorld(), { night: 1 });
      const { world } = await runNight(changedFirstStory(), between(first.world), {
        night: 2,
        request: { ...wholeBackfill, toMs: wholeBackfill.fromMs + dayMs },
      });
      const run = [...world.store.runs.values()].find((one) => one.name === name);
      ends.push({ status: run?.status, endMs: run?.endMs, steps: stepsOf(world) });
    }
    expect(ends[0]).toMatchObject({ status: 'FINISHED' });
    expect(ends[1]).toEqual(ends[0]);
  });

  test('is as if it had always been after that: no drift, and a backfill writes nothing', async () => {
    const upgraded = await runBoth(story(), (world) => withoutTrendOfAll(story(), world));
    const verified = await runWorker(upgraded, {
      file: story().file,
      project: toProject(story().traffic, 2),
      nowMs: nightMs(2, 1),
      settings: story().settings,
      verify: { fromMs: null, toMs: null, isRepair: false },
    });
    expect(verified.verification?.mlflow.findings).toEqual([]);
    const again = await runNight(story(), upgraded, {
      night: 2,
      attempt: 1,
      request: { ...wholeBackfill, toMs: wholeBackfill.fromMs + 4 * dayMs },
    });
    expect(again.writes).toBe(0);
  });
});

/** Two nights, and what happens to the world between them. */
async function runBoth(story: Story, between: (world: World) => World): Promise<World> {
  const first = await runNight(story, newWorld(), { night: 1 });
  return (await runNight(story, between(first.world), { night: 2 })).world;
}

/** As a version that kept none would have left it, in MLflow and in the state file. */
function withoutTrendOfAll(story: Story, world: World): World {
  const store = world.store.clone();
  const run = [...store.runs.values()].find((one) => one.name === name);
  const key = run?.tags.get('langfuse_mlflow.key');
  if (run === undefined || key === undefined || world.state === null)
    throw new Error(`there is no ${name} to take away`);
  store.runs.delete(run.runId);
  writeFileSync(story.file, world.state);
  const db = new Database(story.file);
  const changed = ['ledger', 'trend_points'].map(
    (table) => db.prepare(`DELETE FROM ${table} WHERE key = ?`).run(key).changes,
  );
  db.pragma('journal_mode = DELETE');
  db.close();
  expect(changed[0]).toBe(1);
  expect(changed[1]).toBeGreaterThan(2);
  return { state: readFileSync(story.file), store };
}

function stepsOf(world: World): Record<string, Record<string, number>> {
  const views = Object.values(viewRuns(world.store, comparesStarts));
  return views.find((run) => run.name === name)?.steps ?? {};
}

function names(world: World): string[] {
  return [...world.store.runs.values()].map((run) => run.name);
}
