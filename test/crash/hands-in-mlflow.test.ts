/** What people and other programs do to the runs in MLflow: deleted runs come back, and what is theirs is kept. */
import { describe, expect, test } from 'vitest';
import { viewRuns } from '../support/crash-compare.ts';
import { runNight, wholeBackfill, type Story } from '../support/crash-scenario.ts';
import { oneRow, plainSettings, useStory, version } from '../support/crash-stories.ts';
import { newWorld, type RunOutcome, type World } from '../support/crash-world.ts';
import type { MemoryRun } from '../support/memory-mlflow-store.ts';

const noteTag = 'mlflow.note.content';
const still = { comparesStarts: true };

/** A session over two models, whose cost changes on the second night. */
const traffic = {
  rows: [
    oneRow({
      first: version({ session: 0 }),
      change: { night: 1, to: version({ session: 0, cost: 7 }) },
    }),
    oneRow({ minute: 1, first: version({ session: 0, model: 1 }) }),
  ],
  scores: [],
  unreadable: [],
};

function runOf(world: World, name: string): MemoryRun {
  const found = [...world.store.runs.values()].filter((run) => run.isActive && run.name === name);
  if (found.length !== 1) throw new Error(`${found.length} runs named ${name}`);
  return found[0] as MemoryRun;
}

const made = (outcome: RunOutcome): string[] =>
  outcome.events.flatMap((event) => (event.kind === 'run_made_again' ? [event.name] : []));

async function nextNight(story: Story, world: World): Promise<RunOutcome> {
  return runNight(story, world, { night: 1 });
}

describe('a run that a person deleted', () => {
  const story = useStory(traffic, plainSettings);
  const names = [
    '2026-03-02',
    '2026-03-02 model-0',
    'session session-0',
    'trend model-0',
    'trend all models',
  ];

  test.each(names)('%s is made again when it changes, and said', async (name) => {
    const first = await runNight(story(), newWorld(), { night: 0 });
    const undisturbed = await nextNight(story(), first.world);
    runOf(first.world, name).isActive = false;
    const next = await nextNight(story(), first.world);
    expect(viewRuns(next.world.store, still)).toEqual(viewRuns(undisturbed.world.store, still));
    expect(made(next)).toEqual([name]);
    expect(next.summary?.runsMadeAgain).toBe(1);
  });

  test.each([...names, '2026-03-02 model-1', 'trend model-1'])(
    '%s is made again by a backfill though nothing changed, and said',
    async (name) => {
      const first = await runNight(story(), newWorld(), { night: 0 });
      const expected = viewRuns(first.world.store, still);
      runOf(first.world, name).isActive = false;
      const again = { night: 0, attempt: 1, request: wholeBackfill };
      const backfilled = await runNight(story(), first.world, again);
      expect(viewRuns(backfilled.world.store, still)).toEqual(expected);
      expect(made(backfilled)).toEqual([name]);
      const once = await runNight(story(), backfilled.world, { ...again, attempt: 2 });
      expect(once.writes).toBe(0);
      expect(made(once)).toEqual([]);
    },
  );

  test('a trend is made again with the points of all windows', async () => {
    const long: Story = {
      ...story(),
      traffic: {
        ...traffic,
        rows: [0, 1, 2, 3].map((day) => oneRow({ minute: day, first: version({ day }) })),
      },
    };
    const first = await runNight(long, newWorld(), { night: 2 });
    const expected = viewRuns(first.world.store, { comparesStarts: false });
    runOf(first.world, 'trend model-0').isActive = false;
    const again = await runNight(long, first.world, {
      night: 2,
      attempt: 1,
      request: { ...wholeBackfill, fromMs: Date.UTC(2026, 2, 3), toMs: Date.UTC(2026, 2, 4) },
    });
    expect(viewRuns(again.world.store, { comparesStarts: false })).toEqual(expected);
  });

  test('one that would vanish anyway is not made again', async () => {
    const gone: Story = {
      ...story(),
      traffic: {
        ...traffic,
        rows: [oneRow(), oneRow({ minute: 1, first: version({ model: 1 }), deletedAt: 1 })],
      },
    };
    const first = await runNight(gone, newWorld(), { night: 0 });
    const undisturbed = await nextNight(gone, first.world);
    runOf(first.world, '2026-03-02 model-1').isActive = false;
    runOf(first.world, 'trend model-1').isActive = false;
    const next = await nextNight(gone, first.world);
    expect(viewRuns(next.world.store, still)).toEqual(viewRuns(undisturbed.world.store, still));
    expect(made(next)).toEqual([]);
  });
});

describe('what a person wrote', () => {
  const story = useStory(traffic, plainSettings);
  const name = 'session session-0';

  test('a tag of their own, a metric of their own and a new name are kept when the run changes', async () => {
    const first = await runNight(story(), newWorld(), { night: 0 });
    const run = runOf(first.world, name);
    run.tags.set('reviewed', 'by Ada');
    run.tags.set('mlflow.runName', 'the long one');
    run.name = 'the long one';
    run.points.set('rating', new Map([['0', { value: 5, step: 0, timestampMs: 0 }]]));
    const next = await nextNight(story(), first.world);
    const after = runOf(next.world, 'the long one');
    expect(after.tags.get('reviewed')).toBe('by Ada');
    expect([...(after.points.get('rating')?.values() ?? [])].map(({ value }) => value)).toEqual([
      5,
    ]);
    expect(after.tags.get('langfuse_mlflow.revision')).toBe('1');
  });

  test('a note of theirs is kept, and the worker’s comes back when they empty it', async () => {
    const first = await runNight(story(), newWorld(), { night: 0 });
    const old = runOf(first.world, name).tags.get(noteTag);
    runOf(first.world, name).tags.set(noteTag, `${old}\n\nThis one is about the parser.`);
    const next = await nextNight(story(), first.world);
    expect(runOf(next.world, name).tags.get(noteTag)).toBe(
      `${old}\n\nThis one is about the parser.`,
    );
    // The note of a run that nobody touched follows its numbers.
    expect(runOf(next.world, '2026-03-02').tags.get(noteTag)).not.toBe(
      runOf(first.world, '2026-03-02').tags.get(noteTag),
    );

    runOf(first.world, name).tags.set(noteTag, '');
    const emptied = await nextNight(story(), first.world);
    expect(runOf(emptied.world, name).tags.get(noteTag)).toContain('0.008');
  });

  test('nothing of an unchanged run is touched, the worker’s own tags neither', async () => {
    const first = await runNight(story(), newWorld(), { night: 0 });
    runOf(first.world, name).tags.set('models', 'mine');
    const again = { night: 0, attempt: 1, request: wholeBackfill };
    const backfilled = await runNight(story(), first.world, again);
    expect(backfilled.writes).toBe(0);
    // With the next change of the run they say again what queries rely on.
    const next = await nextNight(story(), first.world);
    expect(runOf(next.world, name).tags.get('models')).toBe('model-0, model-1');
  });
});
