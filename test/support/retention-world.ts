/** Nights with SYNC_FACTS_RETENTION over traffic made by hand, to be held against the same nights without it. */
import { readdirSync } from 'node:fs';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import { dayMs } from '../../src/shared/time.ts';
import type { SyncRequest } from '../../src/sync/run-sync.ts';
import { viewRuns, type RunView } from './crash-compare.ts';
import { oneRow, plainSettings, version } from './crash-stories.ts';
import { firstDayMs, toProject, type RowPlan, type TrafficPlan } from './crash-traffic.ts';
import {
  newWorld,
  nightMs,
  runWorker,
  type RunOutcome,
  type Trouble,
  type World,
  type WorldSettings,
} from './crash-world.ts';
import type { MemoryRun } from './memory-mlflow-store.ts';
import { openTempFolder } from './temp-folder.ts';

const lookbackDays = 1;
/** The shortest that the settings allow beside this lookback. */
const retentionDays = 10;
export const lastNight = 16;

/** A call on a day, of a trace and a session. */
export function call(
  day: number,
  trace: number,
  session: number | null,
  more: Partial<RowPlan> = {},
): RowPlan {
  return oneRow({ trace, minute: trace, first: version({ day, session }), ...more });
}

/** Two sessions that touch the same day, and one call without a session; all of the first days. */
const old: readonly RowPlan[] = [
  call(0, 0, 0),
  call(1, 1, 0),
  call(1, 2, 1),
  call(2, 3, 1),
  // The only one of its model.
  oneRow({ trace: 4, minute: 4, first: version({ day: 0, model: 1 }) }),
];
export const busy = (days: readonly number[]): RowPlan[] =>
  days.map((day) => call(day, 20 + day, null));
/** Every day has a call, so that days are told apart. */
export const quietTraffic: TrafficPlan = {
  rows: [...old, ...busy(Array.from({ length: lastNight + 1 }, (_, day) => day))],
  scores: [],
  unreadable: [],
};

/** Langfuse deletes the calls of one trace before the last night. */
export const withDeleted = (trace: number): TrafficPlan => ({
  ...quietTraffic,
  rows: quietTraffic.rows.map((row) =>
    row.trace === trace ? { ...row, deletedAt: lastNight } : row,
  ),
});

export const plain: WorldSettings = { ...plainSettings, lookbackDays };
export const pruning: WorldSettings = { ...plain, retentionDays };

interface Asked {
  readonly night: number;
  readonly attempt?: number;
  readonly settings?: WorldSettings;
  readonly request?: SyncRequest;
  readonly verify?: {
    readonly isRepair: boolean;
    readonly fromDay?: number;
    readonly toDay?: number;
  };
  readonly trouble?: Trouble;
}

export async function run(traffic: TrafficPlan, from: World, asked: Asked): Promise<RunOutcome> {
  using folder = openTempFolder();
  const { verify } = asked;
  const at = (day: number | undefined): number | null =>
    day === undefined ? null : firstDayMs + day * dayMs;
  const outcome = await runWorker(from, {
    file: `${folder.path}/state.db`,
    settings: asked.settings ?? pruning,
    project: toProject(traffic, asked.night),
    nowMs: nightMs(asked.night, asked.attempt),
    trouble: asked.trouble ?? null,
    ...(asked.request === undefined ? {} : { request: asked.request }),
    ...(verify === undefined
      ? {}
      : {
          verify: {
            isRepair: verify.isRepair,
            fromMs: at(verify.fromDay),
            toMs: at(verify.toDay),
          },
        }),
  });
  expect(readdirSync(folder.path)).toEqual([]);
  return outcome;
}

/** All nights up to one; the last outcome. */
export async function runNights(
  traffic: TrafficPlan,
  settings: WorldSettings,
  toNight: number = lastNight,
): Promise<RunOutcome> {
  let outcome: RunOutcome | null = null;
  for (let night = 0; night <= toNight; night += 1) {
    outcome = await run(traffic, outcome?.world ?? newWorld(), { night, settings });
    expect(outcome.error).toBeNull();
    expect(outcome.summary?.failed).toEqual([]);
  }
  if (outcome === null) throw new Error('no night');
  return outcome;
}

export const view = (world: World): Record<string, RunView> =>
  viewRuns(world.store, { comparesStarts: false });

export function count(world: World, sql: string): number {
  using db = openCopy(world);
  return Number(db.prepare(sql).pluck().get());
}

function openCopy(world: World): Database.Database & Disposable {
  const bytes = Buffer.from(world.state ?? []);
  // A file of SQLite's write-ahead log can't be opened in memory; all of it is in these bytes.
  bytes.fill(1, 18, 20);
  const db = new Database(bytes);
  return Object.assign(db, { [Symbol.dispose]: () => void db.close() });
}

export function runOf(world: World, name: string): MemoryRun {
  const found = [...world.store.runs.values()].find((one) => one.isActive && one.name === name);
  if (found === undefined) throw new Error(`no run named ${name}`);
  return found;
}

export const restored = (outcome: RunOutcome): number[] =>
  outcome.events.flatMap((event) =>
    event.kind === 'window_restored' ? [(event.window.fromMs - firstDayMs) / dayMs] : [],
  );

export const backfill = (fromDay: number, toDay: number): SyncRequest => ({
  kind: 'backfill',
  fromMs: firstDayMs + fromDay * dayMs,
  toMs: firstDayMs + toDay * dayMs,
});

export function keyOf(views: Record<string, RunView>, start: string): string {
  const found = Object.keys(views).find((key) => key.startsWith(start));
  if (found === undefined) throw new Error(`no run ${start}`);
  return found;
}
