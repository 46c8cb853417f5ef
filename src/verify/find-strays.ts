/** Runs that should not exist: second runs of one key, runs whose rows are gone, and runs that nobody described. */
import { sessionSpan } from '../store/aggregates.ts';
import { countPruned, isPrunedKey } from '../store/pruned-groups.ts';
import { allModels } from '../runs/trend.ts';
import type { WindowRow } from '../store/windows.ts';
import type { StoredRun } from '../sync/ports.ts';
import type { RunDrift } from './drift.ts';
import { chooseRun, type MlflowPlace } from './mlflow-place.ts';
import { toStoredGrain, toStoredSubject, toStoredWindow } from './stored-window.ts';

export interface Stray {
  readonly of: 'stray';
  readonly drift: RunDrift;
  readonly found: StoredRun;
}

export function findStrays(
  place: MlflowPlace,
  what: {
    /** Windows that are checked. */
    readonly rows: readonly WindowRow[];
    readonly stored: ReadonlyMap<string, readonly StoredRun[]>;
    readonly describedKeys: ReadonlySet<string>;
  },
): { readonly strays: readonly Stray[]; readonly notChecked: number } {
  const windows = new Set(what.rows.map((row) => row.from_ms));
  const strays: Stray[] = [];
  let notChecked = 0;
  for (const [key, runs] of what.stored) {
    const entry = place.ledger.get(key);
    const kept = chooseRun(runs, entry?.runId ?? null);
    for (const run of runs) {
      if (run !== kept) {
        strays.push(toStray(run, { key, kind: 'duplicate' }));
        continue;
      }
      if (what.describedKeys.has(key)) continue;
      if (!isJudged(place, run, windows)) {
        notChecked += 1;
        continue;
      }
      strays.push(toStray(run, { key, kind: entry === null ? 'unknown' : 'vanished' }));
    }
  }
  return { strays, notChecked };
}

/** Whether the state file holds what it takes to say that a run which was not described should not exist. */
function isJudged(place: MlflowPlace, run: StoredRun, windows: ReadonlySet<number>): boolean {
  const windowFromMs = toStoredWindow(run);
  const source = place.source.projectId;
  switch (toStoredGrain(run)) {
    case 'window':
    case 'model':
    case 'dimension':
      return windowFromMs !== null && windows.has(windowFromMs);
    case 'request':
      return place.requestRuns && windowFromMs !== null && windows.has(windowFromMs);
    case 'session': {
      // Its rows may lie in other windows than the one it once began in.
      const subject = toStoredSubject(run);
      return (
        windowFromMs !== null &&
        windows.has(windowFromMs) &&
        (subject === null ||
          (sessionSpan(place.state, source, subject) === null &&
            !isPrunedKey(place.state, source, { kind: 'session', id: subject })))
      );
    }
    case 'trend': {
      const model = toStoredSubject(run);
      // Where no window is checked, nothing tells whether there should be one over all models.
      // Calls of a model may be among those that were pruned.
      if (model === allModels) return false;
      return model === null || (!hasModel(place, model) && countPruned(place.state).calls === 0);
    }
    case null:
      return true;
  }
}

function hasModel(place: MlflowPlace, model: string): boolean {
  return (
    place.state.db
      .prepare('SELECT 1 FROM counted_facts WHERE source = ? AND model = ? LIMIT 1')
      .get(place.source.projectId, model) !== undefined
  );
}

function toStray(
  run: StoredRun,
  drift: { readonly key: string; readonly kind: 'duplicate' | 'unknown' | 'vanished' },
): Stray {
  return {
    of: 'stray',
    found: run,
    drift: {
      ...drift,
      grain: toStoredGrain(run) ?? 'unknown',
      windowFromMs: toStoredWindow(run),
      subject: toStoredSubject(run) ?? '',
      runId: run.runId,
      differences: [],
    },
  };
}
