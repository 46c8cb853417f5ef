/**
 * What SYNC_FACTS_RETENTION promises, case by case: whatever is pruned, no number in MLflow ever comes from a part of
 * its rows. Each case is held against the same nights without retention.
 */
import { describe, expect, test, vi } from 'vitest';
import { dayMs } from '../../src/shared/time.ts';
import { oneScore, version } from '../support/crash-stories.ts';
import { firstDayMs, type TrafficPlan } from '../support/crash-traffic.ts';
import { newWorld } from '../support/crash-world.ts';
import {
  backfill,
  busy,
  call,
  count,
  keyOf,
  lastNight,
  plain,
  pruning,
  quietTraffic,
  restored,
  run,
  runNights,
  view,
  withDeleted,
} from '../support/retention-world.ts';

// Many whole nights each.
vi.setConfig({ testTimeout: 180_000 });

describe('what is pruned', () => {
  test('calls, texts and scores of ended sessions, and nothing of what still goes on', async () => {
    const goesOn = [call(0, 10, 5), ...[2, 5, 9, 13].map((day) => call(day, 40 + day, 5))];
    const traffic = {
      ...quietTraffic,
      rows: [...quietTraffic.rows, ...goesOn],
      scores: [oneScore({ subject: 0 })],
    };
    const kept = await runNights(traffic, plain);
    const outcome = await runNights(traffic, pruning);
    expect(view(outcome.world)).toEqual(view(kept.world));
    expect(count(outcome.world, "SELECT COUNT(*) FROM facts WHERE session_id = 'session-5'")).toBe(
      5,
    );
    // The watermark is day 18: windows that end by day 8 are old enough.
    expect(
      count(
        outcome.world,
        `SELECT COUNT(*) FROM facts WHERE session_id IS NOT 'session-5' AND window_from_ms < ${firstDayMs + 8 * dayMs}`,
      ),
    ).toBe(0);
    for (const table of ['scores', 'released_calls', 'released_texts', 'session_changes'])
      expect(count(outcome.world, `SELECT COUNT(*) FROM ${table}`)).toBe(0);
    expect(count(outcome.world, 'SELECT COUNT(*) FROM contents')).toBe(
      count(outcome.world, 'SELECT COUNT(*) FROM facts'),
    );
    const calls = count(outcome.world, 'SELECT SUM(calls) FROM pruned_rows');
    expect(calls + count(outcome.world, 'SELECT COUNT(*) FROM facts')).toBe(traffic.rows.length);
  });

  test('the next night reads and writes no more than without, and the watermark stays', async () => {
    const kept = await runNights(quietTraffic, plain);
    const outcome = await runNights(quietTraffic, pruning);
    const again = { night: lastNight, attempt: 1 };
    const next = await run(quietTraffic, outcome.world, again);
    const nextKept = await run(quietTraffic, kept.world, { ...again, settings: plain });
    expect(next.writes).toBe(0);
    expect(next.summary?.windowsRead).toBe(nextKept.summary?.windowsRead);
    expect(next.summary?.watermarkMs).toBe(nextKept.summary?.watermarkMs);
    expect(restored(next)).toEqual([]);
  });

  test('the file becomes shorter', async () => {
    const rows = Array.from({ length: 400 }, (_, at) => call(0, 100 + at, null));
    const traffic = {
      ...quietTraffic,
      rows: [...rows, ...busy(Array.from({ length: 13 }, (_, day) => day))],
    };
    const full = await runNights(traffic, plain, 12);
    const outcome = await runNights(traffic, pruning, 12);
    expect(outcome.world.state?.length).toBeLessThan((full.world.state?.length ?? 0) / 2);
  });
});

describe('what comes after it was pruned', () => {
  const day = 15;

  async function expectSameAs(
    traffic: TrafficPlan,
    restoredDays: readonly number[],
  ): Promise<void> {
    const kept = await runNights(traffic, plain);
    const before = await runNights(traffic, pruning, day - 2);
    const first = await run(traffic, before.world, { night: day - 1 });
    expect(restored(first)).toEqual(restoredDays);
    const second = await run(traffic, first.world, { night: day });
    expect(restored(second)).toEqual([]);
    const outcome = await run(traffic, second.world, { night: day + 1 });
    expect(first.summary?.left).toEqual([]);
    expect(view(outcome.world)).toEqual(view(kept.world));
  }

  test('a session that goes on is published from all its calls', async () => {
    await expectSameAs({ ...quietTraffic, rows: [...quietTraffic.rows, call(day, 60, 0)] }, [0, 1]);
  });

  test('a call of an old trace changes the windows of the others, too', async () => {
    // The session that it tells is that of its siblings; their windows are whole again for it, with all that they share.
    const late = call(day, 4, 3);
    await expectSameAs({ ...quietTraffic, rows: [...quietTraffic.rows, late] }, [0, 0, 1, 1, 2]);
  });

  test('a late score reaches its calls', async () => {
    const scores = [oneScore({ subject: 4, day, visibleFrom: day - 1 })];
    await expectSameAs({ ...quietTraffic, scores }, [0, 0, 1, 1, 2]);
  });

  test('a call whose start moved here is counted once', async () => {
    const moving = call(0, 9, 2, {
      change: { night: day - 1, to: version({ day, session: 2 }) },
    });
    const traffic = { ...quietTraffic, rows: [...quietTraffic.rows, moving] };
    const before = await runNights(traffic, pruning, day - 2);
    const first = await run(traffic, before.world, { night: day - 1 });
    // Its old window does not show it any more: that it moved is all that can be told.
    expect(first.summary?.left).toHaveLength(1);
    expect(first.summary?.left[0]?.code).toBe('FACTS_PRUNED');
    const accepted = await run(traffic, first.world, {
      night: day - 1,
      attempt: 1,
      request: backfill(0, day + 1),
    });
    const clean = await run(traffic, newWorld(), {
      night: day - 1,
      attempt: 1,
      settings: plain,
      request: backfill(0, day + 1),
    });
    expect(accepted.summary?.left).toEqual([]);
    expect(view(accepted.world)).toEqual(view(clean.world));
  });
});

test('a late call of a day beside a pruned one that Langfuse no longer has restores nothing, and the reports stay whole', async () => {
  const gone = withDeleted(27);
  const late = call(8, 60, null, { visibleFrom: lastNight });
  const traffic = { ...gone, rows: [...gone.rows, late] };
  const again = { night: lastNight, attempt: 1, request: backfill(8, 9) };
  const kept = await runNights(traffic, plain);
  const outcome = await runNights(traffic, pruning);
  const corrected = await run(traffic, outcome.world, again);
  expect(corrected.summary?.failed).toEqual([]);
  expect(corrected.summary?.windowsPublished).toBeGreaterThan(1);
  expect(restored(corrected)).toEqual([]);
  const correctedKept = await run(traffic, kept.world, { ...again, settings: plain });
  expect(view(corrected.world)).toEqual(view(correctedKept.world));
});

describe('a session whose old calls Langfuse has deleted', () => {
  const day = 15;
  const traffic: TrafficPlan = {
    ...quietTraffic,
    rows: [
      ...quietTraffic.rows.filter((row) => row.trace > 1 || row.first.session !== 0),
      call(0, 0, 0, { deletedAt: 13 }),
      call(1, 1, 0, { deletedAt: 13 }),
      call(day, 60, 0),
    ],
  };

  test('is left as it is in MLflow, and named; the window is published', async () => {
    const before = await runNights(traffic, pruning, day - 2);
    const session = view(before.world)[keyOf(view(before.world), 'session session session-0')];
    const outcome = await run(traffic, before.world, { night: day - 1 });
    expect(outcome.summary?.failed).toEqual([]);
    expect(outcome.summary?.left.map((error) => [error.code, error.hint])).toEqual([
      [
        'FACTS_PRUNED',
        expect.stringContaining(
          'backfill --from 2026-03-02T00:00:00.000Z --to 2026-03-04T00:00:00.000Z',
        ),
      ],
    ]);
    expect(outcome.summary?.left[0]?.message).toContain('session session-0');
    const after = view(outcome.world);
    expect(after[keyOf(after, 'session session session-0')]).toEqual(session);
    expect(outcome.summary?.watermarkMs).toBe(firstDayMs + (day + 1) * dayMs);
    expect(after[keyOf(after, 'window 2026-03-17')]?.metrics['attempts']).toBe(2);
    // Nothing of what was tried is left.
    expect(count(outcome.world, "SELECT COUNT(*) FROM facts WHERE session_id = 'session-0'")).toBe(
      1,
    );
  });

  test('is published from what is left when a backfill asks for its windows', async () => {
    const before = await runNights(traffic, pruning, day - 1);
    const refused = await run(traffic, before.world, {
      night: day - 1,
      attempt: 1,
      request: backfill(0, 1),
    });
    expect(refused.summary?.failed.map(({ error }) => error.code)).toEqual(['FACTS_PRUNED']);
    expect(view(refused.world)).toEqual(view(before.world));
    const again = { night: day - 1, attempt: 2, request: backfill(0, day + 1) };
    const accepted = await run(traffic, refused.world, again);
    const clean = await run(traffic, newWorld(), { ...again, settings: plain });
    expect(accepted.summary?.failed).toEqual([]);
    expect(view(accepted.world)).toEqual(view(clean.world));
  });
});

describe('a session of whose old calls Langfuse has deleted one', () => {
  const day = 15;
  const traffic: TrafficPlan = {
    ...quietTraffic,
    rows: [
      ...quietTraffic.rows.filter((row) => row.trace !== 0),
      call(0, 0, 0, { deletedAt: 13 }),
      call(day, 60, 0),
    ],
    scores: [oneScore({ subject: 1 })],
  };
  const ofSession = "SELECT COUNT(*) FROM facts WHERE session_id = 'session-0'";

  test.each([
    ['with a retention', pruning],
    // Then nothing looks for leftovers at the end of the run.
    ['without one since', plain],
  ])(
    'does not come back in part (%s): its runs stay, and nothing of it here',
    async (_case, settings) => {
      const before = await runNights(traffic, pruning, day - 2);
      expect(count(before.world, ofSession)).toBe(0);
      const old = view(before.world);
      const stay = ['session session session-0', 'window 2026-03-02', 'window 2026-03-03'].map(
        (start) => keyOf(old, start),
      );
      let { world } = before;
      for (const [at, night] of [day - 1, day, day + 1].entries()) {
        const outcome = await run(traffic, world, { night, settings });
        world = outcome.world;
        expect(outcome.summary?.failed).toEqual([]);
        // Only the night that reads the new call has a reason to read the others again.
        expect(outcome.summary?.left).toHaveLength(at === 0 ? 1 : 0);
        for (const { message } of outcome.summary?.left ?? [])
          expect(message).toContain('no longer shows 1 of its calls and scores');
        const now = view(world);
        for (const key of stay) expect(now[key]).toEqual(old[key]);
        // The new call alone: the old one that came back was taken out again, with its score and its trace.
        expect(count(world, ofSession)).toBe(1);
        expect(count(world, 'SELECT COUNT(*) FROM scores')).toBe(0);
        expect(count(world, "SELECT COUNT(*) FROM traces WHERE trace_id = 'trace-1'")).toBe(0);
      }
    },
  );
});

describe('a backfill', () => {
  test('prunes at its end too, also what it read again', async () => {
    const kept = await runNights(quietTraffic, plain);
    const outcome = await runNights(quietTraffic, pruning);
    const facts = count(outcome.world, 'SELECT COUNT(*) FROM facts');
    const whole = { night: lastNight, attempt: 1, request: backfill(0, lastNight + 1) };
    const again = await run(quietTraffic, outcome.world, whole);
    expect(restored(again).length).toBeGreaterThan(0);
    expect(again.summary?.callsPruned).toBeGreaterThan(0);
    expect(count(again.world, 'SELECT COUNT(*) FROM facts')).toBe(facts);
    expect(view(again.world)).toEqual(view(kept.world));
    // All at once, as the first thing that is ever run; the nights have read the day after the last call, too.
    const toTheEnd = { ...whole, request: backfill(0, lastNight + 2) };
    const first = await run(quietTraffic, newWorld(), toTheEnd);
    expect(count(first.world, 'SELECT COUNT(*) FROM facts')).toBe(facts);
    expect(view(first.world)).toEqual(view(kept.world));
  });
});

describe('when MLflow must be written anew', () => {
  test('a lost experiment comes back whole, from Langfuse', async () => {
    const kept = await runNights(quietTraffic, plain);
    const outcome = await runNights(quietTraffic, pruning);
    const empty = { state: outcome.world.state, store: newWorld().store };
    const anew = await run(quietTraffic, empty, { night: lastNight, attempt: 1 });
    expect(anew.summary?.isStartedOver).toBe(true);
    expect(anew.summary?.failed).toEqual([]);
    expect(anew.summary?.callsPruned).toBeGreaterThan(0);
    expect(view(anew.world)).toEqual(view(kept.world));
  });

  test('a window that Langfuse no longer shows whole then fails by name, and holds the watermark', async () => {
    const gone = withDeleted(20);
    const outcome = await runNights(gone, pruning);
    const empty = { state: outcome.world.state, store: newWorld().store };
    const anew = await run(gone, empty, { night: lastNight, attempt: 1 });
    // Itself, and the two whose reports stand beside it.
    expect(anew.summary?.failed.map(({ window, error }) => [window.fromMs, error.code])).toEqual(
      [0, 1, 7].map((at) => [firstDayMs + at * dayMs, 'FACTS_PRUNED']),
    );
    expect(anew.summary?.watermarkMs).toBe(firstDayMs);
  });

  test('request runs that are switched on are made of the pruned windows, too', async () => {
    const on = { requestRuns: true };
    const kept = await runNights(quietTraffic, plain);
    const outcome = await runNights(quietTraffic, pruning);
    const again = { night: lastNight, attempt: 1 };
    const all = await run(quietTraffic, outcome.world, {
      ...again,
      settings: { ...pruning, ...on },
    });
    const allKept = await run(quietTraffic, kept.world, {
      ...again,
      settings: { ...plain, ...on },
    });
    expect(view(all.world)).toEqual(view(allKept.world));
  });
});

test('a worker that dies anywhere while it prunes or restores leaves nothing wrong', async () => {
  const traffic = {
    ...quietTraffic,
    rows: [...quietTraffic.rows, call(15, 4, 0)],
    scores: [oneScore({ subject: 2, day: 15, visibleFrom: 14 })],
  };
  const kept = await runNights(traffic, plain, 14);
  const before = await runNights(traffic, pruning, 13);
  const undisturbed = await run(traffic, before.world, { night: 14 });
  expect(restored(undisturbed).length).toBeGreaterThan(0);
  expect(undisturbed.summary?.callsPruned).toBeGreaterThan(0);
  expect(view(undisturbed.world)).toEqual(view(kept.world));
  const facts = 'SELECT COUNT(*) FROM facts';
  for (const point of pointsToDieAt(undisturbed.points)) {
    const died = await run(traffic, before.world, { night: 14, trouble: { kind: 'crash', point } });
    const resumed = await run(traffic, died.world, { night: 14, attempt: 1 });
    expect(resumed.summary?.failed).toEqual([]);
    expect(resumed.summary?.left).toEqual([]);
    expect(view(resumed.world)).toEqual(view(kept.world));
    expect(count(resumed.world, facts)).toBe(count(undisturbed.world, facts));
  }
});

/** All before MLflow is first written to and after it was last written to, and some between. */
function pointsToDieAt(points: readonly string[]): number[] {
  const isMlflow = (point: string): boolean => point.startsWith('mlflow');
  const first = points.findIndex(isMlflow);
  const last = points.findLastIndex(isMlflow);
  return points
    .map((_, at) => at + 1)
    .filter((point) => point <= first || point > last || point % 11 === 0);
}
