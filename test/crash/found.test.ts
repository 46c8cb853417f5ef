/** What the crash tests found, each with its smallest input. */
import { describe, expect, test } from 'vitest';
import { viewRuns, type RunView } from '../support/crash-compare.ts';
import {
  runCleanBackfill,
  runNight,
  wholeBackfill,
  type Story,
} from '../support/crash-scenario.ts';
import { oneRow, oneScore, plainSettings, useStory, version } from '../support/crash-stories.ts';
import { toProject, type TrafficPlan } from '../support/crash-traffic.ts';
import { newWorld, nightMs, runWorker, type World } from '../support/crash-world.ts';

const changed = { comparesStarts: false };
const nothing: TrafficPlan = { rows: [], scores: [], unreadable: [] };
const withRequests = { ...plainSettings, requestRuns: true };

const viewOf = (world: World): Record<string, RunView> => viewRuns(world.store, changed);
const named = (world: World, name: string): RunView | undefined =>
  Object.values(viewOf(world)).find((run) => run.name === name);

/** Crashes a night at every such point, sees the next night through, and gives what is left each time. */
async function crashNight(story: Story, night: number, at: string): Promise<World[]> {
  let before = newWorld();
  for (let quiet = 0; quiet < night; quiet += 1)
    before = (await runNight(story, before, { night: quiet })).world;
  const undisturbed = await runNight(story, before, { night });
  const worlds: World[] = [];
  for (const [index, name] of undisturbed.points.entries()) {
    if (name !== at) continue;
    const trouble = { kind: 'crash', point: index + 1 } as const;
    const left = await runNight(story, before, { night, trouble });
    worlds.push((await runNight(story, left.world, { night: night + 1 })).world);
  }
  expect(worlds).not.toEqual([]);
  return worlds;
}

describe('numbers', () => {
  const becomesUnknown = useStory(
    {
      ...nothing,
      rows: [
        oneRow({
          first: version({ cost: 3 }),
          change: { night: 1, to: version({ cost: 3, isError: true }) },
        }),
      ],
    },
    plainSettings,
  );

  const succeedsOnce = useStory(
    {
      ...nothing,
      rows: [
        oneRow({
          first: version({ cost: 3, isError: true }),
          change: { night: 1, to: version({ cost: 3 }) },
          changesBackAt: 2,
        }),
      ],
    },
    plainSettings,
  );

  test.each([
    ['the first', 0, becomesUnknown],
    ['a later', 1, succeedsOnce],
  ] as const)(
    'a metric of %s content that was never completed is retracted by the next one',
    async (_, night, story) => {
      for (const world of await crashNight(story(), night, 'mlflow metrics after')) {
        expect(named(world, '2026-03-02')?.metrics).not.toHaveProperty('prompt_tokens');
        expect(named(world, '2026-03-02 model-0')?.metrics).not.toHaveProperty('prompt_tokens');
        expect(named(world, 'trend model-0')?.steps).not.toHaveProperty('prompt_tokens');
      }
    },
  );

  const movedScore = useStory(
    {
      ...nothing,
      // With a session of their own, so that nothing else of the first row changes when the second one is read.
      rows: [0, 1].map((day) =>
        oneRow({ trace: 1, minute: day, first: version({ day, session: 0 }) }),
      ),
      scores: [oneScore({ of: 'observation', subject: 1 })],
    },
    plainSettings,
  );

  test('a score counts for its attempt alone once that is read, in whatever window it lies', async () => {
    const world = await runCleanBackfill(movedScore());
    expect(named(world, '2026-03-02')?.metrics).not.toHaveProperty('score/score 0/count');
    expect(named(world, '2026-03-03')?.metrics).toMatchObject({ 'score/score 0/count': 1 });
  });

  const deletedScore = useStory(
    { ...nothing, rows: [oneRow()], scores: [oneScore({ day: 1, deletedAt: 1 })] },
    plainSettings,
  );

  test('a score that was deleted while the worker died is taken off the window that it was for', async () => {
    const first = await runNight(deletedScore(), newWorld(), { night: 0 });
    expect(named(first.world, '2026-03-02')?.metrics).toHaveProperty('score/score 0/count');
    const second = await runNight(deletedScore(), first.world, { night: 1 });
    for (let point = 1; point <= second.points.length; point += 1) {
      const trouble = { kind: 'crash', point } as const;
      const left = await runNight(deletedScore(), first.world, { night: 1, trouble });
      const next = await runNight(deletedScore(), left.world, { night: 1, attempt: 1 });
      const metrics = named(next.world, '2026-03-02')?.metrics ?? {};
      const where = `${second.points[point - 1]} (${point})`;
      expect({
        where,
        scores: Object.keys(metrics).filter((name) => name.startsWith('score/')),
      }).toEqual({ where, scores: [] });
    }
  });
});

describe('artifacts', () => {
  const backAgain = useStory({ ...nothing, rows: [oneRow()] }, plainSettings);

  test('one that a crash left in another version is put again when its content is back', async () => {
    const story = backAgain();
    const other: Story = {
      ...story,
      traffic: { ...nothing, rows: [oneRow({ first: version({ cost: 9 }) })] },
    };
    const first = await runNight(story, newWorld(), { night: 0 });
    const changedOnce = await runNight(other, first.world, { night: 0, attempt: 1 });
    const artifacts = changedOnce.points.flatMap((point, index) =>
      point === 'mlflow artifact after' ? [index + 1] : [],
    );
    for (const point of artifacts) {
      const trouble = { kind: 'crash', point } as const;
      const left = await runNight(other, first.world, { night: 0, attempt: 1, trouble });
      const back = await runNight(story, left.world, { night: 0, attempt: 2 });
      expect(viewOf(back.world)).toEqual(viewOf(first.world));
    }
  });

  const lostResponse = useStory(
    {
      ...nothing,
      rows: [oneRow({ change: { night: 1, to: version({ isError: true }) } })],
    },
    withRequests,
  );

  test('a file of a request that it no longer has goes with its run, which is made anew', async () => {
    const first = await runNight(lostResponse(), newWorld(), { night: 0 });
    expect(Object.keys(named(first.world, 'row-0')?.artifacts ?? {})).toContain('response.txt');
    for (const world of [
      (await runNight(lostResponse(), first.world, { night: 1 })).world,
      ...(await crashNight(lostResponse(), 0, 'mlflow artifact after')),
    ]) {
      expect(Object.keys(named(world, 'row-0')?.artifacts ?? {})).toEqual([
        'error.txt',
        'prompt.txt',
      ]);
    }
  });
});

describe('params and tags', () => {
  const otherModel = useStory(
    { ...nothing, rows: [oneRow({ change: { night: 1, to: version({ model: 1 }) } })] },
    withRequests,
  );

  test('a param that would change makes the run anew, also over one that a crash left half written', async () => {
    const first = await runNight(otherModel(), newWorld(), { night: 0 });
    for (const world of [
      (await runNight(otherModel(), first.world, { night: 1 })).world,
      ...(await crashNight(otherModel(), 0, 'mlflow params after')),
    ]) {
      expect(named(world, 'row-0')?.params).toMatchObject({ model: 'model-1' });
    }
  });

  const noSession = useStory(
    {
      ...nothing,
      rows: [
        oneRow({
          first: version({ session: 0 }),
          change: { night: 1, to: version({ session: null }) },
        }),
      ],
    },
    withRequests,
  );

  test('a tag that no longer applies is emptied', async () => {
    const first = await runNight(noSession(), newWorld(), { night: 0 });
    expect(named(first.world, 'row-0')?.tags).toHaveProperty('session_id');
    const second = await runNight(noSession(), first.world, { night: 1 });
    expect(named(second.world, 'row-0')?.tags).not.toHaveProperty('session_id');
  });
});

describe('nesting', () => {
  // The session of a trace is there while the trace has two requests: one goes from day 2, then comes to day 3.
  const cameBack = useStory(
    {
      ...nothing,
      rows: [
        oneRow({
          first: version({ day: 2, isError: true }),
          change: { night: 1, to: version({ day: 1, isError: true }) },
        }),
        oneRow({
          minute: 3,
          first: version({ day: 2 }),
          change: { night: 1, to: version({ day: 3 }) },
        }),
      ],
    },
    withRequests,
  );

  test('a request below a session that went and came back in one night hangs below the new run', async () => {
    const story = cameBack();
    const before = await runWorker(newWorld(), {
      file: story.file,
      project: toProject(story.traffic, 0),
      nowMs: nightMs(2),
      settings: story.settings,
    });
    expect(Object.values(viewOf(before.world)).map((run) => run.grain)).toContain('session');
    const after = await runNight(story, before.world, { night: 2, attempt: 1 });
    const parents = Object.values(viewOf(after.world)).map((run) => run.parent);
    expect(parents).not.toContain('a run that is gone');
  });
});

describe('what vanishes', () => {
  const vanishes = useStory(
    {
      ...nothing,
      rows: [oneRow(), oneRow({ minute: 1, first: version({ model: 1 }), deletedAt: 1 })],
    },
    plainSettings,
  );

  test('a model without any row left has neither run nor trend', async () => {
    const first = await runNight(vanishes(), newWorld(), { night: 0 });
    expect(named(first.world, 'trend model-1')).toBeDefined();
    const second = await runNight(vanishes(), first.world, { night: 1 });
    expect(Object.values(viewOf(second.world)).map((run) => run.name)).toEqual([
      '2026-03-02 model-0',
      'trend all models',
      'trend model-0',
      '2026-03-02',
      '2026-03-03',
      '2026-03-04',
    ]);
  });

  test('a model that vanished before its trend was made gets no empty one', async () => {
    for (const world of await crashNight(vanishes(), 0, 'mlflow create_run after')) {
      expect(named(world, 'trend model-1')).toBeUndefined();
      expect(named(world, '2026-03-02 model-1')).toBeUndefined();
    }
  });
});

describe('late rows', () => {
  const late = useStory(
    { ...nothing, rows: [oneRow(), oneRow({ minute: 1, visibleFrom: 1 })] },
    { ...plainSettings, lookbackDays: 3 },
  );

  test('are found though the worker was down on the last night of the lookback', async () => {
    const first = await runNight(late(), newWorld(), { night: 0 });
    expect(named(first.world, '2026-03-02')?.metrics).toMatchObject({ requests: 1 });
    // Night 1 was the last one to look back at the first day.
    const later = await runNight(late(), first.world, { night: 9 });
    expect(named(later.world, '2026-03-02')?.metrics).toMatchObject({ requests: 2 });
  });
});

describe('one worker after the other', () => {
  const two = useStory(
    { ...nothing, rows: [0, 1].map((minute) => oneRow({ minute })) },
    { ...plainSettings, pageSize: 1 },
  );

  test('one that lost its lease does not throw away what the other has staged', async () => {
    const story = two();
    const staged: number[] = [];
    await runWorker(newWorld(), {
      file: story.file,
      project: toProject(story.traffic, 0),
      nowMs: nightMs(0),
      settings: story.settings,
      onPoint: (point, { state }) => {
        const count = state.db.prepare('SELECT COUNT(*) FROM staged_generations').pluck().get();
        const isLost = staged.length > 0;
        if (!isLost && point === 'langfuse page' && count === 1)
          state.db.exec('UPDATE lease SET fence = fence + 1, expires_ms = 1e15');
        else if (!isLost) return;
        staged.push(Number(count));
      },
    });
    // At the loss, and at whatever it still came to.
    expect(staged.length).toBeGreaterThan(0);
    expect(new Set(staged)).toEqual(new Set([1]));
  });
});

describe('what tells of the reading alone', () => {
  const steady = useStory({ ...nothing, rows: [oneRow(), oneRow()] }, plainSettings);

  test('is no drift when a backfill reads the same content in other pages', async () => {
    const story = steady();
    const night = (from: World, pageSize: number, more: Partial<Parameters<typeof runWorker>[1]>) =>
      runWorker(from, {
        file: story.file,
        settings: { ...story.settings, pageSize },
        project: toProject(story.traffic, 0),
        nowMs: nightMs(0),
        ...more,
      });
    const first = await night(newWorld(), 4, {});
    const again = await night(first.world, 1, { request: wholeBackfill });
    expect([first.summary?.rows, again.summary?.rows]).toEqual([2, 3]);
    const verified = await night(again.world, 1, {
      verify: { fromMs: null, toMs: null, isRepair: false },
    });
    expect(verified.verification?.mlflow.findings).toEqual([]);
  });
});
