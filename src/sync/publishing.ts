/** What publishing a run needs, and the small questions that every kind of run asks. */
import type { RunSpec } from '../runs/run-spec.ts';
import { completeTag, hashTag, revisionTag } from '../runs/tags.ts';
import type { Clock } from '../shared/clock.ts';
import type { Ledger, LedgerEntry } from '../store/ledger.ts';
import type { RunRef, StoredRun, Target } from './ports.ts';

export type PublishOutcome = 'created' | 'updated' | 'unchanged';

export interface Publishing {
  readonly target: Target;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly experimentId: string;
  /** Runs that MLflow was found to hold, by key. */
  readonly found: ReadonlyMap<string, StoredRun>;
  /** Looks at MLflow also where the ledger says that all is as it should be. */
  readonly looksAgain: boolean;
  /** Told of a run that someone deleted in MLflow and that is made again. */
  readonly onMadeAgain: (run: { readonly name: string; readonly runId: string }) => void;
}

/** The run of a ledger entry or a key as MLflow holds it now; null where there is none (any more). */
export async function findStored(
  publishing: Publishing,
  known: LedgerEntry | null,
  key: string,
): Promise<StoredRun | null> {
  const found = publishing.found.get(key) ?? null;
  const runId = known?.runId ?? null;
  if (runId === null || found?.runId === runId) return found;
  const { target, experimentId } = publishing;
  // Where the ledger's run is gone, another worker may have made it again.
  return (
    (await target.getRun(runId)) ?? (await target.findRunsByKey(experimentId, [key]))[0] ?? null
  );
}

/** The run that a spec nests under, or null while that is not published. */
export function toParentRunId(publishing: Publishing, spec: RunSpec): string | null {
  return spec.parentKey === null ? null : (publishing.ledger.get(spec.parentKey)?.runId ?? null);
}

export function toStoredRevision(stored: Pick<StoredRun, 'tags'>): number {
  const revision = Number(stored.tags[revisionTag] ?? 0);
  return Number.isSafeInteger(revision) && revision >= 0 ? revision : 0;
}

/** Whether MLflow says of itself that this content was written to its end. */
export function isComplete(stored: Pick<StoredRun, 'tags'>, hash: string): boolean {
  return stored.tags[completeTag] === 'true' && stored.tags[hashTag] === hash;
}

/** The ledger entry of a spec that is about to be written. */
export function toEntry(
  spec: RunSpec,
  place: {
    readonly run: RunRef | null;
    readonly revision: number;
    readonly parentRunId: string | null;
    readonly tags: readonly string[];
  },
): LedgerEntry {
  return {
    key: spec.key,
    source: spec.source,
    grain: spec.grain,
    windowFromMs: spec.windowFromMs,
    subject: spec.subject,
    state: 'writing',
    runId: place.run?.runId ?? null,
    artifactUri: place.run?.artifactUri ?? null,
    revision: place.revision,
    hash: spec.hash,
    parentRunId: place.parentRunId,
    metrics: Object.fromEntries(spec.metrics),
    artifacts: Object.fromEntries(spec.artifacts.map(({ path }) => [path, ''])),
    tags: place.tags,
  };
}
