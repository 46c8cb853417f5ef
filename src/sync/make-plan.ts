/** Makes the plan of a run from what the state holds. */
import type { Clock } from '../shared/clock.ts';
import { AppError } from '../shared/errors.ts';
import { toInstant, toIso } from '../shared/time.ts';
import type { State } from '../store/open-state.ts';
import { listQuarantine } from '../store/quarantine.ts';
import { listSources, listWindows } from '../store/windows.ts';
import { findSuspiciouslyEmpty } from './empty-windows.ts';
import { findMissedLookback } from './missed-lookback.ts';
import {
  planAgain,
  planBackfill,
  planShard,
  planSync,
  type PlannedWindow,
} from './plan-windows.ts';
import type { SourceDescription } from './ports.ts';
import type { SyncSettings } from './sync-settings.ts';
import { toRequestShard } from './request-shard.ts';
import type { ShardNumber } from './share-windows.ts';
import { alignDown } from './windows.ts';

export type SyncRequest =
  | { readonly kind: 'sync' }
  | {
      readonly kind: 'backfill';
      readonly fromMs: number;
      readonly toMs: number;
      /** One part of it, in a state file of its own; windows that this file has read are not read again. */
      readonly shard?: ShardNumber;
    }
  /** `merge`: reads nothing, publishes what is due. */
  | { readonly kind: 'merge' }
  /** `backfill --quarantined`: the windows that hold quarantined rows, wherever they lie. */
  | { readonly kind: 'quarantined' };

interface PlanParts {
  readonly state: State;
  readonly source: { readonly description: SourceDescription };
  readonly settings: SyncSettings;
  /** Never later than Langfuse's. */
  readonly clock: Clock;
}

/** Windows to read, oldest first. Throws USAGE for a range that can't be read. */
export function makePlan(
  parts: PlanParts,
  asked: { readonly request: SyncRequest; readonly startMs: number },
): PlannedWindow[] {
  const { settings, clock, state } = parts;
  const { projectId } = parts.source.description;
  const nowMs = clock.now();
  const times = { nowMs, windowMs: settings.windowMs, settleMs: settings.settleMs };
  if (asked.request.kind === 'merge') return [];
  if (asked.request.kind === 'backfill' && asked.request.shard === undefined) {
    return planBackfill({ ...times, fromMs: asked.request.fromMs, toMs: asked.request.toMs });
  }
  const windows = listWindows(state, projectId);
  const quarantined = listQuarantine(state, projectId).map((row) => row.window_from_ms);
  if (asked.request.kind === 'quarantined') {
    return planAgain({ windowMs: settings.windowMs, again: new Set(quarantined) });
  }
  if (asked.request.kind === 'backfill') {
    const isDone = new Set(windows.map((row) => row.from_ms));
    for (const fromMs of quarantined) isDone.delete(fromMs);
    return planShard({ ...times, ...asked.request }).filter(
      ({ interval }) => !isDone.has(interval.fromMs),
    );
  }
  return planSync({
    ...times,
    startMs: asked.startMs,
    lookbackMs: settings.lookbackMs,
    read: new Set(windows.map((row) => row.from_ms)),
    again: new Set([
      ...(settings.checksEmptiness
        ? findSuspiciouslyEmpty(windows, nowMs).map((row) => row.from_ms)
        : []),
      ...quarantined,
      ...findMissedLookback(windows, settings),
    ]),
  });
}

/**
 * First window that the state answers for: the stored one, or the settings' on an empty state. A backfill moves
 * it back only when it reaches the stored one: an older, separate range must not make the next sync read all
 * that lies between. Throws USAGE for a backfill that reaches into closed days.
 */
export function toStart(parts: PlanParts, request: SyncRequest): number {
  const { settings, state, source } = parts;
  const bound = listSources(state).find((one) => one.source === source.description.projectId);
  const stored = bound?.start_ms;
  if (request.kind === 'backfill') assertOpen(request, bound?.closed_before_ms ?? null);
  if (request.kind !== 'backfill') return stored ?? alignDown(settings.startMs, settings.windowMs);
  const fromMs = alignDown(request.fromMs, settings.windowMs);
  if (request.shard !== undefined) {
    return toRequestShard(request, settings.windowMs)?.windows[0]?.fromMs ?? fromMs;
  }
  return stored === undefined || request.toMs >= stored ? fromMs : stored;
}

function assertOpen(range: { readonly fromMs: number }, closedBeforeMs: number | null): void {
  if (closedBeforeMs === null || range.fromMs >= closedBeforeMs) return;
  throw new AppError(
    'USAGE',
    `Everything before ${toIso(toInstant(closedBeforeMs))} is closed (recover --since): it is kept in MLflow as it is and never read again.`,
    {
      hint: `Begin at ${toIso(toInstant(closedBeforeMs))}. To open days again, run \`langfuse-mlflow recover --since\` with an earlier day.`,
    },
  );
}
