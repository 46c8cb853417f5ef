/** Whether state files are the shards of one backfill, each finished, and none missing. */
import { AppError } from '../shared/errors.ts';
import { hashOf } from '../shared/hash.ts';
import { toIso, toWindowLabel, type Interval } from '../shared/time.ts';
import type { State } from '../store/open-state.ts';
import { readShard, renderShard, type Shard } from '../store/shard.ts';
import { listTargets, publishedHashes, type TargetRow } from '../store/targets.ts';
import { getWindow, listSources, listWindows, type SourceRow } from '../store/windows.ts';
import { toPublicationBasis } from './publication-hash.ts';
import { shareWindows } from './share-windows.ts';
import { splitIntoWindows } from './windows.ts';

export interface CheckedShards {
  /** By number. */
  readonly shards: readonly State[];
  readonly source: SourceRow;
  /** Where the shards have written. */
  readonly target: TargetRow;
  readonly range: { readonly fromMs: number; readonly toMs: number };
  readonly windows: number;
  /** Over what all windows hold: equal for the same shards. */
  readonly digest: string;
}

interface ShardFile {
  readonly state: State;
  readonly shard: Shard;
  readonly source: SourceRow;
  readonly target: TargetRow;
}

/**
 * Throws MERGE_REFUSED for files that do not belong together (projects, window sizes, ranges, places, one shard twice),
 * and MERGE_INCOMPLETE, naming every hole, when a shard is missing or has not finished its windows.
 */
export function checkShards(states: readonly State[]): CheckedShards {
  const files = states.map(toShardFile).toSorted((a, b) => a.shard.number - b.shard.number);
  const [first] = files;
  if (first === undefined) throw new AppError('MERGE_REFUSED', 'No state file is named.');
  for (const file of files.slice(1)) assertTogether(first, file);
  for (const [at, file] of files.entries()) {
    const before = files[at - 1];
    if (before?.shard.number !== file.shard.number) continue;
    throw new AppError(
      'MERGE_REFUSED',
      `${before.state.path} and ${file.state.path} both hold ${renderShard(file.shard)}.`,
    );
  }
  const windows = splitIntoWindows({ ...toRange(first), windowMs: first.source.window_ms });
  const holes = findMissing(files, windows);
  for (const file of files) holes.push(...findUnfinished(file, windows));
  if (holes.length > 0) {
    throw new AppError('MERGE_INCOMPLETE', `The shards are not complete: ${holes.join('; ')}.`, {
      details: { holes },
    });
  }
  return {
    shards: files.map(({ state }) => state),
    source: first.source,
    target: first.target,
    range: toRange(first),
    windows: windows.length,
    digest: hashOf([
      first.source.source,
      first.shard.shards,
      files.flatMap(({ state, source }) =>
        listWindows(state, source.source).map((row) => [row.from_ms, row.input_hash]),
      ),
    ]),
  };
}

function toShardFile(state: State): ShardFile {
  const shard = readShard(state);
  const [source] = listSources(state);
  if (shard === null || source === undefined) {
    throw new AppError('MERGE_REFUSED', `${state.path} is not the state file of a shard.`);
  }
  const targets = listTargets(state);
  const [target] = targets;
  if (target === undefined || targets.length > 1) {
    throw new AppError(
      'MERGE_REFUSED',
      targets.length > 1
        ? `${renderShard(shard)} (${state.path}) has written to ${targets.length} experiments: ${targets.map(renderTarget).join(', ')}.`
        : `${renderShard(shard)} (${state.path}) has not written to any experiment yet.`,
    );
  }
  return { state, shard, source, target };
}

function assertTogether(a: ShardFile, b: ShardFile): void {
  const facts: readonly (readonly [string, string, string])[] = [
    ['Langfuse project', a.source.source, b.source.source],
    ['window', `${a.source.window_ms / 3_600_000} h`, `${b.source.window_ms / 3_600_000} h`],
    ['range', renderRange(a.shard), renderRange(b.shard)],
    ['number of shards', String(a.shard.shards), String(b.shard.shards)],
    ['experiment', renderTarget(a.target), renderTarget(b.target)],
  ];
  const differing = facts.find(([, one, other]) => one !== other);
  if (differing === undefined) return;
  const [what, one, other] = differing;
  throw new AppError(
    'MERGE_REFUSED',
    `${a.state.path} and ${b.state.path} are not of one backfill: their ${what} differs (${one}, ${other}).`,
  );
}

function findMissing(files: readonly ShardFile[], windows: readonly Interval[]): string[] {
  const shards = files[0]?.shard.shards ?? 0;
  const there = new Set(files.map(({ shard }) => shard.number));
  return Array.from({ length: shards }, (_, at) => at + 1)
    .filter((number) => !there.has(number))
    .map((number) => {
      const own = shareWindows(windows, { number, shards });
      return `no file of shard ${number}/${shards} (${own.length === 0 ? 'without windows' : renderSpan(own)})`;
    });
}

function findUnfinished(file: ShardFile, windows: readonly Interval[]): string[] {
  const { state, shard, source, target } = file;
  const hashes = publishedHashes(state, target.target_id, source.source);
  const unfinished = shareWindows(windows, shard).filter(({ fromMs }) => {
    const row = getWindow(state, source.source, fromMs);
    // Whatever settings it was published with: the merge publishes with its own.
    return row === null || hashes.get(fromMs)?.startsWith(toPublicationBasis(state, row)) !== true;
  });
  if (unfinished.length === 0) return [];
  return [
    `shard ${shard.number}/${shard.shards} (${state.path}) has not finished ${unfinished.map(toWindowLabel).join(', ')}`,
  ];
}

function toRange({ shard }: ShardFile): { readonly fromMs: number; readonly toMs: number } {
  return { fromMs: shard.fromMs, toMs: shard.toMs };
}

function renderRange(shard: Shard): string {
  return `${toIso(shard.fromMs)} to ${toIso(shard.toMs)}`;
}

function renderTarget(target: TargetRow): string {
  return `${target.experiment_name} (id ${target.experiment_id}) at ${target.uri}`;
}

function renderSpan(windows: readonly Interval[]): string {
  const first = windows[0];
  const last = windows.at(-1);
  return first && last ? `${toIso(first.fromMs)} to ${toIso(last.toMs)}` : '';
}
