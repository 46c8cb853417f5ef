/** How the windows of a backfill are shared out among workers. Pure. */

export interface ShardNumber {
  /** 1 to `shards`. */
  readonly number: number;
  readonly shards: number;
}

/**
 * One block of windows that follow each other, as long as every other block or one longer; empty when there are more
 * shards than windows. Blocks, not every n-th window: a trace over midnight then spans two shards only at their edges.
 */
export function shareWindows<T>(windows: readonly T[], { number, shards }: ShardNumber): T[] {
  const edge = (count: number): number => Math.floor((count * windows.length) / shards);
  return windows.slice(edge(number - 1), edge(number));
}
