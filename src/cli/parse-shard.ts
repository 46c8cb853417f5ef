import { AppError } from '../shared/errors.ts';
import type { ShardNumber } from '../sync/share-windows.ts';

/** More pods than a year has hours. */
const mostShards = 10_000;

/** Kubernetes gives each pod of an Indexed Job its number in this, from 0 on. */
const indexName = 'JOB_COMPLETION_INDEX';

/**
 * `--shard 3/16`: the third of sixteen. `--shards 16`: which of them, an Indexed Job says. Null for neither. Throws
 * USAGE.
 */
export function parseShard(
  flags: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): ShardNumber | null {
  const { shard, shards } = flags;
  if (shard === undefined && shards === undefined) return null;
  if (shard !== undefined && shards !== undefined) {
    throw new AppError('USAGE', '--shard and --shards: give one of them.');
  }
  return typeof shard === 'string' ? parseOne(shard) : parseShards(String(shards), env);
}

function parseOne(text: string): ShardNumber {
  const [, number = '', shards = ''] = /^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? [];
  const shard = { number: Number(number), shards: Number(shards) };
  if (number === '' || !isShard(shard)) {
    throw new AppError(
      'USAGE',
      `--shard ${text}: must be NUMBER/SHARDS, as 1/16 to 16/16, with at most ${mostShards} shards.`,
    );
  }
  return shard;
}

function parseShards(text: string, env: Readonly<Record<string, string | undefined>>): ShardNumber {
  const index = env[indexName] ?? '';
  if (index === '') {
    throw new AppError(
      'USAGE',
      `--shards ${text} without ${indexName}: only a pod of an Indexed Job knows which shard it is.`,
      { hint: `Give --shard NUMBER/${text} outside of Kubernetes.` },
    );
  }
  const shard = { number: Number(index) + 1, shards: Number(text) };
  if (!/^\d{1,5}$/.test(text) || !/^\d{1,5}$/.test(index) || !isShard(shard)) {
    throw new AppError(
      'USAGE',
      `--shards ${text} with ${indexName} ${index}: must be the number of completions of the Job (1 to ${mostShards}), above the index.`,
    );
  }
  return shard;
}

function isShard({ number, shards }: ShardNumber): boolean {
  return shards >= 1 && shards <= mostShards && number >= 1 && number <= shards;
}
