/** How far each project is, from the state file alone. */
import type { InstantMs, Interval } from '../shared/time.ts';
import type { State } from '../store/open-state.ts';
import { listQuarantine, type QuarantineRow } from '../store/quarantine.ts';
import { readStateSize, type StateSize } from '../store/state-size.ts';
import { listTargets, publishedHashes, type TargetRow } from '../store/targets.ts';
import { listSources, listWindows, toInterval, type SourceRow } from '../store/windows.ts';
import { settledEnd } from './plan-windows.ts';
import { toPublicationBasis } from './publication-hash.ts';
import { findHoles, toWatermark } from './windows.ts';

export interface TargetStatus {
  readonly target: TargetRow;
  readonly windowsFinished: number;
  readonly watermarkMs: InstantMs;
  /** Settled windows after the watermark, in milliseconds. */
  readonly behindMs: number;
  readonly lastPublishedMs: number | null;
  /** Published to after every other target: an MLflow that was left behind is not behind. */
  readonly isInUse: boolean;
}

export interface SourceStatus {
  readonly source: SourceRow;
  readonly windowsRead: number;
  readonly lastReadMs: number | null;
  /** Unread windows before the newest that was read. */
  readonly holes: readonly Interval[];
  readonly quarantine: readonly QuarantineRow[];
  readonly targets: readonly TargetStatus[];
}

export function readStatus(
  state: State,
  times: { readonly nowMs: InstantMs; readonly settleMs: number },
): SourceStatus[] {
  const inUse = listTargets(state).reduce<TargetRow | null>(
    (newest, target) =>
      newest === null || (target.last_published_ms ?? 0) >= (newest.last_published_ms ?? 0)
        ? target
        : newest,
    null,
  )?.target_id;
  return listSources(state).map((source) => {
    const windows = listWindows(state, source.source);
    const endMs = settledEnd({ ...times, windowMs: source.window_ms });
    return {
      source,
      windowsRead: windows.length,
      lastReadMs: windows.reduce<number | null>(
        (last, row) => Math.max(last ?? 0, row.read_ms),
        null,
      ),
      holes: findHoles({
        startMs: source.start_ms,
        windowMs: source.window_ms,
        finished: windows.filter((row) => row.from_ms >= source.start_ms).map(toInterval),
      }),
      quarantine: listQuarantine(state, source.source),
      targets: listTargets(state).map((target) => {
        const hashes = publishedHashes(state, target.target_id, source.source);
        const finished = windows.filter((row) =>
          hashes.get(row.from_ms)?.startsWith(toPublicationBasis(state, row)),
        );
        const watermarkMs = toWatermark(source.start_ms, finished.map(toInterval));
        return {
          target,
          windowsFinished: finished.length,
          watermarkMs,
          behindMs: Math.max(0, endMs - watermarkMs),
          lastPublishedMs: target.last_published_ms,
          isInUse: target.target_id === inUse,
        };
      }),
    };
  });
}

/** True when something that has settled is not finished in the MLflow that is in use. */
export function isBehind(status: readonly SourceStatus[]): boolean {
  return status.some(({ targets }) => {
    const used = targets.find((target) => target.isInUse);
    return used === undefined || used.behindMs > 0;
  });
}

/** What the state file holds and takes on disk. */
export function readSize(state: State): StateSize {
  return readStateSize(state);
}
