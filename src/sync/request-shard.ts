/** What a sharded backfill asks of its state file. */
import type { Interval } from '../shared/time.ts';
import type { Shard } from '../store/shard.ts';
import type { SyncRequest } from './make-plan.ts';
import { shareWindows } from './share-windows.ts';
import { alignDown, alignUp, splitIntoWindows } from './windows.ts';

export interface RequestShard {
  readonly shard: Shard;
  /** Those that this shard alone reads and publishes. */
  readonly windows: readonly Interval[];
}

/** Null for a request that is not sharded. */
export function toRequestShard(request: SyncRequest, windowMs: number): RequestShard | null {
  if (request.kind !== 'backfill' || request.shard === undefined) return null;
  const range = {
    fromMs: alignDown(request.fromMs, windowMs),
    toMs: alignUp(request.toMs, windowMs),
  };
  return {
    shard: { ...range, ...request.shard },
    windows: shareWindows(splitIntoWindows({ ...range, windowMs }), request.shard),
  };
}
