/** Prunes facts at the end of a sync or backfill (SYNC_FACTS_RETENTION): which windows are old enough, and that nothing needs them. */
import type { GroupSearch } from '../store/find-closed-group.ts';
import type { State } from '../store/open-state.ts';
import { listLeftovers, pruneWindow, takeBackGroup } from '../store/prune-window.ts';
import { listQuarantine } from '../store/quarantine.ts';
import { countUnrecovered } from '../store/recoveries.ts';
import { listWindows, type WindowRow } from '../store/windows.ts';
import { findMissedLookback } from './missed-lookback.ts';
import type { SyncSettings } from './sync-settings.ts';

export interface PruneParts {
  readonly state: State;
  readonly source: string;
  readonly targetId: number;
  readonly settings: SyncSettings;
  /** Windows that are published as they are, and the end of their unbroken run. */
  readonly finished: readonly WindowRow[];
  readonly watermarkMs: number;
  readonly signal: AbortSignal;
  /** Throws when another worker has taken over. */
  readonly assertHeld: () => void;
}

/**
 * Returns how many calls were pruned. Each window is one transaction; a run that is stopped in between leaves the rest
 * to the next one. Throws STATE_*.
 */
export function pruneFacts(parts: PruneParts): number {
  const { state, source, settings } = parts;
  if (settings.factsRetentionMs === null) return 0;
  if (countUnrecovered(state, { targetId: parts.targetId, source }) > 0) return 0;
  const place = { source, windowMs: settings.windowMs };
  dropLeftovers(parts, place);
  const search: GroupSearch = {
    state,
    ...place,
    prunable: listPrunable(parts, settings.factsRetentionMs),
    open: { traces: new Set(), sessions: new Set() },
  };
  const hasFacts = state.db.prepare(
    'SELECT 1 FROM facts WHERE source = ? AND window_from_ms = ? LIMIT 1',
  );
  let calls = 0;
  for (const fromMs of [...search.prunable].toSorted((a, b) => a - b)) {
    if (parts.signal.aborted) break;
    if (hasFacts.get(source, fromMs) === undefined) continue;
    calls += pruneWindow(search, fromMs, parts.assertHeld);
  }
  return calls;
}

/** What a worker that died while it restored groups left behind. */
function dropLeftovers(
  parts: PruneParts,
  place: { readonly source: string; readonly windowMs: number },
): void {
  for (const groupId of listLeftovers(parts.state, place.source)) {
    parts.state.db
      .transaction(() => {
        parts.assertHeld();
        takeBackGroup(parts.state, place, groupId);
      })
      .immediate();
  }
}

/** Finished windows before the horizon, without those that a later run reads again for a reason of their own. */
function listPrunable(parts: PruneParts, retentionMs: number): Set<number> {
  const horizonMs = parts.watermarkMs - retentionMs;
  const readAgain = new Set([
    ...listQuarantine(parts.state, parts.source).map((row) => row.window_from_ms),
    ...findMissedLookback(listWindows(parts.state, parts.source), parts.settings),
  ]);
  return new Set(
    parts.finished
      .filter((row) => row.to_ms <= horizonMs && !readAgain.has(row.from_ms))
      .map((row) => row.from_ms),
  );
}
