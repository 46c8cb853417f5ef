/**
 * The same promise on one project that holds every case at once, with a crash at every single point of every night:
 * each commit of the state, each page, and each call to MLflow before and after it took effect.
 */
import { describe, expect, test } from 'vitest';
import { viewRuns } from '../support/crash-compare.ts';
import { runNight, runNights, type Story } from '../support/crash-scenario.ts';
import { lastNight, type RowVersion, type TrafficPlan } from '../support/crash-traffic.ts';
import { newWorld, type RunOutcome, type Trouble } from '../support/crash-world.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const plain: RowVersion = { day: 0, model: 0, session: null, cost: 1, isError: false, text: 0 };
const row = {
  trace: 0,
  minute: 0,
  first: plain,
  visibleFrom: 0,
  change: null,
  changesBackAt: null,
  missingAt: null,
  deletedAt: null,
} as const;

const traffic: TrafficPlan = {
  rows: [
    // A session over two days, with a failed attempt.
    { ...row, first: { ...plain, session: 0 } },
    { ...row, minute: 1, first: { ...plain, day: 1, session: 0, isError: true, cost: null } },
    // Late, changed, moved over a window's edge, deleted: the last model of its window.
    { ...row, trace: 1, first: { ...plain, model: 1 }, visibleFrom: 1, missingAt: 2 },
    {
      ...row,
      trace: 2,
      first: { ...plain, day: 1, session: 1 },
      change: { night: 1, to: { ...plain, day: 0, cost: 5, isError: true, session: 1 } },
    },
    { ...row, trace: 3, first: { ...plain, day: 1, model: 2, session: 1 }, deletedAt: 2 },
  ],
  scores: [
    {
      of: 'session',
      subject: 0,
      name: 0,
      day: 1,
      value: 3,
      visibleFrom: 1,
      change: null,
      deletedAt: 2,
    },
  ],
  unreadable: [{ day: 1, goneAt: 2 }],
};

const settings = {
  lookbackDays: 4,
  requestRuns: true,
  concurrency: 1,
  pageSize: 2,
  hasInlineText: false,
};

async function tryEveryPoint(
  story: Story,
  nights: readonly RunOutcome[],
  kind: Trouble['kind'],
): Promise<number> {
  let tried = 0;
  for (let night = 0; night <= lastNight; night += 1) {
    const undisturbed = nights[night];
    const before = nights[night - 1]?.world ?? newWorld();
    const expected = undisturbed && viewRuns(undisturbed.world.store, { comparesStarts: false });
    for (let point = 1; point <= (undisturbed?.points.length ?? 0); point += 1) {
      // An answer that is lost before anything happened leaves what a crash there leaves.
      const isTried =
        kind === 'crash' || /mlflow .* after/.test(undisturbed?.points[point - 1] ?? '');
      if (!isTried) continue;
      const left = await runNight(story, before, { night, trouble: { kind, point } });
      const resumed = await runNight(story, left.world, { night, attempt: 1 });
      const where = `${kind} at ${undisturbed?.points[point - 1]} (night ${night}, point ${point})`;
      const runs = viewRuns(resumed.world.store, { comparesStarts: false });
      expect({ where, runs }).toEqual({ where, runs: expected });
      tried += 1;
    }
  }
  return tried;
}

describe('at every point of three nights', () => {
  test.each(['crash', 'lost'] as const)(
    '%s, then resume',
    async (kind) => {
      using folder = openTempFolder();
      const story = { file: `${folder.path}/state.db`, traffic, settings };
      const nights = await runNights(story);
      const points = nights.flatMap((night) => night.points);
      // All that can be interrupted is: else the test would pass by doing nothing.
      expect(new Set(points)).toEqual(
        new Set(
          [
            'langfuse page',
            'state commit',
            ...['read', 'create_experiment', 'create_run', 'params', 'metrics', 'tags'].flatMap(
              (call) => [`mlflow ${call} before`, `mlflow ${call} after`],
            ),
            ...['experiment_tag', 'artifact', 'update_run', 'delete_run'].flatMap((call) => [
              `mlflow ${call} before`,
              `mlflow ${call} after`,
            ]),
          ].filter((point) => point !== 'mlflow read after'),
        ),
      );
      const tried = await tryEveryPoint(story, nights, kind);
      expect(tried).toBeGreaterThan(kind === 'crash' ? 400 : 100);
    },
    300_000,
  );
});
