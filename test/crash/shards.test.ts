/** A backfill in shards, merged, leaves in MLflow what one backfill leaves, wherever shards and merge are stopped. */
import { rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openState } from '../../src/store/open-state.ts';
import { viewRuns } from '../support/crash-compare.ts';
import { wholeBackfill, worldSettings } from '../support/crash-scenario.ts';
import { lastNight, toProject, trafficPlans, type Project } from '../support/crash-traffic.ts';
import {
  newWorld,
  nightMs,
  runWorker,
  type RunOutcome,
  type World,
} from '../support/crash-world.ts';
import { edgePlans, toEdgeProject } from '../support/shard-traffic.ts';
import {
  mergeWhole,
  noShards,
  runShard,
  type Sharded,
  type ShardedPlace,
} from '../support/shard-worlds.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const runs = Number(process.env['SHARD_STORIES'] ?? 24);
const seed = Number(process.env['SHARD_SEED'] ?? 7);

const troubles = fc.array(
  fc.record({
    number: fc.integer({ min: 1, max: 5 }),
    kind: fc.constantFrom('crash' as const, 'lost' as const),
    point: fc.integer({ min: 1, max: 40 }),
  }),
  { maxLength: 2 },
);

function endedWell(outcome: RunOutcome): RunOutcome {
  if (outcome.error !== null) throw outcome.error;
  const [failed] = outcome.summary?.failed ?? [];
  if (failed !== undefined) throw failed.error;
  return outcome;
}

async function backfill(
  place: ShardedPlace,
  project: Project,
  world: World = newWorld(),
): Promise<RunOutcome> {
  return endedWell(
    await runWorker(world, {
      file: `${place.folder}/whole.db`,
      settings: place.settings,
      project,
      nowMs: nightMs(lastNight, 60),
      request: wholeBackfill,
    }),
  );
}

/** Rows of the facts, which say what was understood: trace, attempts and doubles included. */
function facts(folder: string, world: World): unknown[] {
  const file = `${folder}/facts.db`;
  const state = openFile(file, world);
  try {
    return state.db
      .prepare(
        'SELECT trace_id, id, window_from_ms, row_hash, not_counted FROM facts ORDER BY 1, 2',
      )
      .all();
  } finally {
    state[Symbol.dispose]();
  }
}

function openFile(file: string, world: World): ReturnType<typeof openState> {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  if (world.state !== null) writeFileSync(file, world.state);
  return openState(file);
}

test('of one project, with calls at the edges of windows', async () => {
  using folder = openTempFolder();
  await fc.assert(
    fc.asyncProperty(
      edgePlans,
      worldSettings,
      fc.integer({ min: 1, max: 5 }),
      troubles,
      fc.option(
        fc.record({
          kind: fc.constantFrom('crash' as const, 'lost' as const),
          point: fc.integer({ min: 1, max: 60 }),
        }),
        { nil: null },
      ),
      async (plan, settings, shards, planned, mergeTrouble) => {
        const project = toEdgeProject(plan);
        const place = { folder: folder.path, settings };
        const clean = await backfill(place, project);
        let sharded: Sharded = noShards(shards);
        for (let number = 1; number <= shards; number += 1) {
          for (const [attempt, trouble] of planned.entries()) {
            if (trouble.number !== number) continue;
            sharded = (await runShard(place, sharded, { number, project, attempt, trouble })).after;
          }
          const run = await runShard(place, sharded, { number, project, attempt: 5 });
          endedWell(run.outcome);
          sharded = run.after;
        }
        const merged = endedWell(
          await mergeWhole(place, sharded, {
            project,
            ...(mergeTrouble === null ? {} : { trouble: mergeTrouble }),
          }),
        );
        const starts = { comparesStarts: true };
        expect(facts(folder.path, merged.world)).toEqual(facts(folder.path, clean.world));
        expect(viewRuns(merged.world.store, starts)).toEqual(viewRuns(clean.world.store, starts));
        const again = await backfill(place, project, merged.world);
        expect(again.writes).toBe(0);
      },
    ),
    { seed, numRuns: runs, endOnFailure: process.env['CRASH_SHRINK'] === undefined },
  );
}, 600_000);

test('of a project that changed while the shards read it, once all is read again', async () => {
  using folder = openTempFolder();
  await fc.assert(
    fc.asyncProperty(
      trafficPlans,
      worldSettings,
      fc.array(fc.integer({ min: 0, max: lastNight }), { minLength: 1, maxLength: 4 }),
      async (traffic, settings, nights) => {
        const place = { folder: folder.path, settings };
        const project = toProject(traffic, lastNight);
        const clean = await backfill(place, project);
        let sharded: Sharded = noShards(nights.length);
        for (const [at, night] of nights.entries()) {
          const seen = toProject(traffic, night);
          const run = await runShard(place, sharded, { number: at + 1, project: seen });
          endedWell(run.outcome);
          sharded = run.after;
        }
        const merged = endedWell(await mergeWhole(place, sharded, { project }));
        // Whatever they read, no run is there twice.
        viewRuns(merged.world.store, { comparesStarts: false });
        const whole = await backfill(place, project, merged.world);
        const starts = { comparesStarts: false };
        expect(viewRuns(whole.world.store, starts)).toEqual(viewRuns(clean.world.store, starts));
      },
    ),
    { seed, numRuns: runs, endOnFailure: process.env['CRASH_SHRINK'] === undefined },
  );
}, 600_000);
