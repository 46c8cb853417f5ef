/** Publishes one run: nothing when it is unchanged, else find or create, artifacts, numbers, completion last. */
import type { Clock } from '../shared/clock.ts';
import { completeTag, hashTag, revisionTag } from '../runs/tags.ts';
import type { RunSpec } from '../runs/run-spec.ts';
import type { Ledger, LedgerEntry } from '../store/ledger.ts';
import type { RunRef, StoredRun, Target } from './ports.ts';
import { toRunTags } from './run-tags.ts';

export type PublishOutcome = 'created' | 'updated' | 'unchanged';

export interface Publishing {
  readonly target: Target;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly experimentId: string;
  /** Runs that MLflow holds under keys which the ledger does not know to be done. */
  readonly found: ReadonlyMap<string, StoredRun>;
}

/** Throws AppError (MLFLOW_*); the ledger then knows how far it came, and the next call goes on from there. */
export async function publishRun(publishing: Publishing, spec: RunSpec): Promise<PublishOutcome> {
  const known = publishing.ledger.get(spec.key);
  if (known?.state === 'done' && known.hash === spec.hash) return 'unchanged';
  const entry = known ?? adopt(publishing, spec);
  if (entry?.state === 'done' && entry.hash === spec.hash) {
    publishing.ledger.put(entry, publishing.clock.now());
    return 'unchanged';
  }
  const opened = await openRun(publishing, spec, entry);
  await putArtifacts(publishing, spec, opened);
  await publishing.target.updateRun({
    runId: opened.run.runId,
    status: 'FINISHED',
    endMs: spec.endMs,
    ...(opened.isNew ? {} : { name: spec.name }),
  });
  await logNumbers(publishing, spec, opened);
  publishing.ledger.put(
    {
      ...opened.entry,
      state: 'done',
      metrics: Object.fromEntries(spec.metrics),
      artifacts: toArtifactHashes(spec),
    },
    publishing.clock.now(),
  );
  return opened.isNew ? 'created' : 'updated';
}

interface OpenedRun {
  readonly run: RunRef;
  readonly entry: LedgerEntry;
  /** What was published before. */
  readonly before: LedgerEntry | null;
  readonly isNew: boolean;
}

/** What MLflow already holds under the key when the ledger knows nothing of it. */
function adopt(publishing: Publishing, spec: RunSpec): LedgerEntry | null {
  const stored = publishing.found.get(spec.key);
  if (!stored) return null;
  const isComplete = stored.tags[completeTag] === 'true';
  return {
    ...toEntry(spec, { run: stored, revision: Number(stored.tags[revisionTag] ?? 0) }),
    state: isComplete ? 'done' : 'writing',
    hash: stored.tags[hashTag] ?? '',
    metrics: stored.metrics,
    artifacts: {},
  };
}

/** The run to write to, with the ledger written ahead and the revision decided. */
async function openRun(
  publishing: Publishing,
  spec: RunSpec,
  entry: LedgerEntry | null,
): Promise<OpenedRun> {
  const { target, ledger, clock } = publishing;
  const stored = publishing.found.get(spec.key);
  const runId = entry?.runId ?? stored?.runId ?? null;
  const artifactUri = entry?.artifactUri ?? stored?.artifactUri ?? null;
  if (entry !== null && runId !== null && artifactUri !== null) {
    const revision = toRevision(entry, spec);
    const run = { runId, artifactUri };
    const next = {
      ...toEntry(spec, { run, revision }),
      metrics: entry.metrics,
      artifacts: entry.artifacts,
    };
    ledger.put(next, clock.now());
    // The revision is claimed in MLflow first: numbers of two contents never share a step.
    await target.logBatch({
      runId,
      metrics: [],
      params: {},
      tags: { ...ownTags(publishing, spec, revision), [completeTag]: 'false' },
    });
    return { run, entry: next, before: entry, isNew: false };
  }
  const planned = toEntry(spec, { run: null, revision: 0 });
  ledger.put({ ...planned, state: 'creating' }, clock.now());
  const run = await target.createRun({
    experimentId: publishing.experimentId,
    name: spec.name,
    startMs: spec.startMs,
    tags: { ...ownTags(publishing, spec, 0), [completeTag]: 'false' },
  });
  const created = { ...planned, runId: run.runId, artifactUri: run.artifactUri };
  ledger.put(created, clock.now());
  return { run, entry: created, before: null, isNew: true };
}

/** A content that was begun before goes on under its revision; any other content takes the next one. */
function toRevision(entry: LedgerEntry, spec: RunSpec): number {
  const goesOn = entry.state !== 'done' && (entry.hash === spec.hash || entry.hash === '');
  return goesOn ? entry.revision : entry.revision + 1;
}

async function putArtifacts(
  publishing: Publishing,
  spec: RunSpec,
  opened: OpenedRun,
): Promise<void> {
  for (const artifact of spec.artifacts) {
    if (opened.before?.artifacts[artifact.path] === artifact.sourceHash) continue;
    await publishing.target.putArtifact({
      run: opened.run,
      path: artifact.path,
      body: artifact.render(),
      contentType: artifact.contentType,
    });
  }
}

async function logNumbers(publishing: Publishing, spec: RunSpec, opened: OpenedRun): Promise<void> {
  const { revision } = opened.entry;
  const vanished = Object.keys(opened.before?.metrics ?? {}).filter(
    (name) => !spec.metrics.has(name),
  );
  await publishing.target.logBatch({
    runId: opened.run.runId,
    metrics: [...spec.metrics, ...vanished.map((name) => [name, Number.NaN] as const)].map(
      ([key, value]) => ({ key, value, step: revision, timestampMs: spec.startMs }),
    ),
    params: opened.before === null || opened.before.state !== 'done' ? spec.params : {},
    tags: { [hashTag]: spec.hash, [completeTag]: 'true' },
  });
}

function ownTags(publishing: Publishing, spec: RunSpec, revision: number): Record<string, string> {
  const parent = spec.parentKey === null ? null : publishing.ledger.get(spec.parentKey);
  return toRunTags(spec, { parentRunId: parent?.runId ?? null, revision });
}

function toEntry(
  spec: RunSpec,
  place: { readonly run: RunRef | null; readonly revision: number },
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
    metrics: {},
    artifacts: {},
  };
}

function toArtifactHashes(spec: RunSpec): Record<string, string> {
  return Object.fromEntries(spec.artifacts.map((artifact) => [artifact.path, artifact.sourceHash]));
}
