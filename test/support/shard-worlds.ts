/** Shards of a backfill run one after the other over one MLflow in memory, each with a state of its own; then merged. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { toInstant } from '../../src/shared/time.ts';
import { mergeShards, type MergedFile } from '../../src/sync/merge-shards.ts';
import { wholeBackfill } from './crash-scenario.ts';
import { lastNight, type Project } from './crash-traffic.ts';
import {
  nightMs,
  runWorker,
  toSettings,
  type RunOutcome,
  type Trouble,
  type World,
  type WorldSettings,
} from './crash-world.ts';
import { createMemoryMlflow } from './memory-mlflow.ts';
import { MemoryStore } from './memory-mlflow-store.ts';

export interface ShardedPlace {
  readonly folder: string;
  readonly settings: WorldSettings;
}

export interface Sharded {
  /** By number, as the shards left them; null: never run. */
  readonly states: readonly (Buffer | null)[];
  readonly store: MemoryStore;
}

export const noShards = (shards: number): Sharded => ({
  states: Array.from({ length: shards }, () => null),
  store: new MemoryStore(),
});

/** One run of one shard; what it left, also when it was in trouble. */
export async function runShard(
  place: ShardedPlace,
  before: Sharded,
  run: {
    readonly number: number;
    readonly project: Project;
    readonly attempt?: number;
    readonly trouble?: Trouble;
  },
): Promise<{ readonly outcome: RunOutcome; readonly after: Sharded }> {
  const shards = before.states.length;
  const outcome = await runWorker(
    { state: before.states[run.number - 1] ?? null, store: before.store },
    {
      file: `${place.folder}/shard.db`,
      settings: place.settings,
      project: run.project,
      nowMs: nightMs(lastNight, run.attempt),
      request: { ...wholeBackfill, shard: { number: run.number, shards } },
      trouble: run.trouble ?? null,
    },
  );
  const states = before.states.map((state, at) =>
    at === run.number - 1 ? outcome.world.state : state,
  );
  return { outcome, after: { states, store: outcome.world.store } };
}

/** Files of the shards, and the file that they are merged into. */
export function layOut(
  place: ShardedPlace,
  sharded: Sharded,
): { readonly files: readonly string[]; readonly out: string } {
  const files = sharded.states.flatMap((state, at) => {
    const file = `${place.folder}/shard-${at + 1}.db`;
    remove(file);
    if (state === null) return [];
    writeFileSync(file, state);
    return [file];
  });
  const out = `${place.folder}/merged.db`;
  remove(out);
  return { files, out };
}

export function merge(
  place: ShardedPlace,
  sharded: Sharded,
  files: { readonly files: readonly string[]; readonly out: string },
): Promise<MergedFile> {
  return mergeShards({
    ...files,
    target: createMemoryMlflow({ store: sharded.store }).target,
    settings: toSettings(place.settings),
    clock: { now: () => toInstant(nightMs(lastNight, 8)), sleep: () => Promise.resolve() },
    holder: 'the merge',
    report: () => undefined,
    signal: new AbortController().signal,
  });
}

/** Merges and publishes to the end. */
export async function mergeWhole(
  place: ShardedPlace,
  sharded: Sharded,
  options: { readonly project: Project; readonly trouble?: Trouble },
): Promise<RunOutcome> {
  const files = layOut(place, sharded);
  await merge(place, sharded, files);
  const world = { state: readFileSync(files.out), store: sharded.store };
  const first = await publishMerged(place, world, { ...options, attempt: 9 });
  if (options.trouble === undefined) return first;
  if (first.world.state !== null) writeFileSync(files.out, first.world.state);
  // As a second `merge` does: it finds that the file is there.
  await merge(place, { ...sharded, store: first.world.store }, files);
  const left = { state: readFileSync(files.out), store: first.world.store };
  return publishMerged(place, left, { project: options.project, attempt: 30 });
}

export function publishMerged(
  place: ShardedPlace,
  world: World,
  run: { readonly project: Project; readonly attempt: number; readonly trouble?: Trouble },
): Promise<RunOutcome> {
  return runWorker(world, {
    file: `${place.folder}/publishing.db`,
    settings: place.settings,
    project: run.project,
    nowMs: nightMs(lastNight, run.attempt),
    request: { kind: 'merge' },
    trouble: run.trouble ?? null,
  });
}

function remove(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(`${file}${suffix}`)) rmSync(`${file}${suffix}`);
  }
}
