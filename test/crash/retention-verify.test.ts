/** `verify` over windows whose facts were pruned: they are read again, and compared like any other. */
import { describe, expect, test, vi } from 'vitest';
import {
  count,
  lastNight,
  plain,
  pruning,
  quietTraffic,
  run,
  runNights,
  runOf,
  view,
  withDeleted,
} from '../support/retention-world.ts';

// Many whole nights each.
vi.setConfig({ testTimeout: 180_000 });

describe('verify', () => {
  test('compares pruned windows by reading them again, and leaves the state file as it is', async () => {
    const outcome = await runNights(quietTraffic, pruning);
    const facts = count(outcome.world, 'SELECT COUNT(*) FROM facts');
    const seen = await run(quietTraffic, outcome.world, {
      night: lastNight,
      attempt: 1,
      verify: { isRepair: false },
    });
    expect(seen.error).toBeNull();
    expect(seen.verification?.isClean).toBe(true);
    expect(seen.verification?.pruned.windowsRestored).toBe(8);
    expect(seen.verification?.langfuse.state.attempts).toBe(quietTraffic.rows.length);
    expect(seen.verification?.mlflow.runsNotChecked).toBe(0);
    expect(count(seen.world, 'SELECT COUNT(*) FROM facts')).toBe(facts);
    expect(seen.writes).toBe(0);
  });

  test('of a few windows judges no session or trend by what was pruned', async () => {
    const outcome = await runNights(quietTraffic, pruning);
    for (const [fromDay, toDay] of [
      [14, 18],
      [1, 2],
    ] as const) {
      const seen = await run(quietTraffic, outcome.world, {
        night: lastNight,
        attempt: 1,
        verify: { isRepair: false, fromDay, toDay },
      });
      expect(seen.verification?.mlflow.findings.map(({ drift }) => drift)).toEqual([]);
      expect(seen.verification?.isClean).toBe(true);
    }
  });

  test('finds and mends what was changed and deleted in the runs of pruned windows', async () => {
    const kept = await runNights(quietTraffic, plain);
    const { world } = await runNights(quietTraffic, pruning);
    runOf(world, '2026-03-02 model-0').isActive = false;
    runOf(world, 'session session-1').isActive = false;
    const edited = runOf(world, '2026-03-03');
    edited.points
      .get('cost_usd')
      ?.set('edited', { value: 99, step: 40, timestampMs: edited.startMs });
    const mended = await run(quietTraffic, world, {
      night: lastNight,
      attempt: 1,
      verify: { isRepair: true },
    });
    const found = mended.verification?.mlflow.findings.map(({ drift }) => [
      drift.kind,
      drift.grain,
    ]);
    expect(found?.toSorted()).toEqual([
      ['changed', 'window'],
      ['missing', 'model'],
      ['missing', 'session'],
    ]);
    expect(mended.verification?.isClean).toBe(true);
    expect(view(mended.world)).toEqual(view(kept.world));
    const quiet = await run(quietTraffic, mended.world, { night: lastNight, attempt: 2 });
    expect(quiet.writes).toBe(0);
    expect(quiet.summary?.callsPruned).toBeGreaterThan(0);
  });

  test('names windows that Langfuse no longer shows whole, and leaves them', async () => {
    const { world } = await runNights(withDeleted(21), pruning);
    const seen = await run(withDeleted(21), world, {
      night: lastNight,
      attempt: 1,
      verify: { isRepair: true },
    });
    // Not those whose reports stand beside it: what its run was told is known.
    expect(seen.verification?.pruned.left.map(({ code, message }) => [code, message])).toEqual([
      ['FACTS_PRUNED', expect.stringContaining('Facts of 2026-03-03T00:00:00.000Z were pruned')],
    ]);
    expect(seen.verification?.isClean).toBe(false);
    expect(view(seen.world)).toEqual(view(world));
  });
});
