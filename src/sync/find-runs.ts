/** Finds the runs that MLflow has and the ledger is not sure of, before a window is published. */
import type { RunSpec } from '../runs/run-spec.ts';
import { completeTag, hashTag, keyTag } from '../runs/tags.ts';
import type { Ledger, LedgerEntry } from '../store/ledger.ts';
import type { StoredRun, Target } from './ports.ts';
import { toStoredRevision } from './publishing.ts';

export interface FoundRuns {
  readonly byKey: ReadonlyMap<string, StoredRun>;
  /** Further runs of a key: of a create that was carried out late, or of two workers at once. */
  readonly surplus: readonly StoredRun[];
}

/**
 * Those whose create was not answered; and all that the ledger does not know when the window is looked at again,
 * was begun and not ended, or MLflow is ahead of the ledger (state lost, restored from a copy, or another worker's).
 */
export async function findRuns(
  place: { readonly target: Target; readonly ledger: Ledger; readonly experimentId: string },
  wanted: {
    readonly window: RunSpec;
    /** Of every run of the window, its own and its trends' included. */
    readonly keys: readonly string[];
    readonly looksAgain: boolean;
    /** Whether the window was published to its end once. */
    readonly isPublished: boolean;
  },
): Promise<FoundRuns> {
  const { target, ledger, experimentId } = place;
  const find = async (keys: readonly string[]): Promise<StoredRun[]> =>
    keys.length === 0 ? [] : target.findRunsByKey(experimentId, keys);
  const entries = new Map(wanted.keys.map((key) => [key, ledger.get(key)]));
  const unknown = wanted.keys.filter((key) => (entries.get(key) ?? null) === null);
  const unsure = wanted.keys.filter((key) => entries.get(key)?.state === 'creating');
  // Those that the ledger knows are read by their ids, one by one, when their turn comes.
  if (wanted.looksAgain) return toFound(await find([...unsure, ...unknown]), entries);

  const windowKey = wanted.window.key;
  const known = entries.get(windowKey) ?? null;
  const found = await find(known === null ? [...unsure, windowKey] : unsure);
  if (known !== null && known.runId !== null && known.hash !== wanted.window.hash) {
    const stored = await target.getRun(known.runId);
    if (stored !== null) found.push(stored);
  }
  const window = found.find((run) => run.tags[keyTag] === windowKey);
  // A window that is due though its own run is as it should be was being published when something stopped it.
  const isBegun =
    known !== null &&
    (!wanted.isPublished || known.state !== 'done' || known.hash === wanted.window.hash);
  if (isBegun || (window !== undefined && isAhead(window, known))) {
    found.push(...(await find(unknown.filter((key) => key !== windowKey))));
  }
  return toFound(found, entries);
}

/** Whether MLflow was written to by someone who knew more than this ledger does. */
function isAhead(stored: StoredRun, known: LedgerEntry | null): boolean {
  if (known === null || toStoredRevision(stored) > known.revision) return true;
  return stored.tags[completeTag] === 'true' && stored.tags[hashTag] !== known.hash;
}

/** One run per key: that of the ledger, else a complete one, else the same one for every worker that looks. */
function toFound(
  runs: readonly StoredRun[],
  entries: ReadonlyMap<string, LedgerEntry | null>,
): FoundRuns {
  const rank = (run: StoredRun): number => {
    const entry = entries.get(run.tags[keyTag] ?? '');
    if (entry?.runId === run.runId) return 0;
    return run.tags[completeTag] === 'true' ? 1 : 2;
  };
  const byKey = new Map<string, StoredRun>();
  const surplus: StoredRun[] = [];
  for (const run of runs.toSorted((a, b) => rank(a) - rank(b) || (a.runId < b.runId ? -1 : 1))) {
    const key = run.tags[keyTag] ?? '';
    if (!byKey.has(key)) byKey.set(key, run);
    else if (byKey.get(key)?.runId !== run.runId) surplus.push(run);
  }
  return { byKey, surplus };
}
