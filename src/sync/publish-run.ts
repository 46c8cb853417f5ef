/** Publishes one run: nothing when it is unchanged, else find or create, artifacts, numbers, completion last. */
import { volatileMetrics } from '../metrics/window-counters.ts';
import { completeTag, hashTag, parentTag } from '../runs/tags.ts';
import type { RunSpec } from '../runs/run-spec.ts';
import type { LedgerEntry } from '../store/ledger.ts';
import { createPublished } from './create-run.ts';
import type { RunRef, StoredRun } from './ports.ts';
import {
  findStored,
  isComplete,
  toEntry,
  toParentRunId,
  toStoredRevision,
  type Publishing,
  type PublishOutcome,
} from './publishing.ts';
import { toRunTags, toTagChanges } from './run-tags.ts';

/** Throws AppError (MLFLOW_*); the ledger then knows how far it came, and the next call goes on from there. */
export async function publishRun(publishing: Publishing, spec: RunSpec): Promise<PublishOutcome> {
  const known = publishing.ledger.get(spec.key);
  const isDone = known?.state === 'done' && known.hash === spec.hash;
  const isNested = known?.parentRunId === toParentRunId(publishing, spec);
  if (isDone && isNested && !publishing.looksAgain) return 'unchanged';

  const stored = await findStored(publishing, known, spec.key);
  if (stored === null) return publishNew(publishing, spec, known);
  if (isComplete(stored, spec.hash)) return confirm(publishing, spec, { known, stored });
  if (mustBeMadeAnew(publishing, spec, { known, stored })) {
    // As one that may have been created, it is found by its key again if this ends halfway.
    const planned = toEntry(spec, { run: null, revision: 0, parentRunId: null, tags: [] });
    const artifacts = { ...planned.artifacts, ...known?.artifacts };
    publishing.ledger.put({ ...planned, state: 'creating', artifacts }, publishing.clock.now());
    await publishing.target.deleteRun(stored.runId);
    await publishNew(publishing, spec, null);
    return 'updated';
  }
  const opened = await openExisting(publishing, spec, { known, stored });
  await write(publishing, spec, opened);
  // A run that was never complete is new to whoever looks at MLflow.
  return stored.tags[hashTag] === undefined ? 'created' : 'updated';
}

interface OpenedRun {
  readonly run: RunRef;
  readonly entry: LedgerEntry;
  /** Params that MLflow does not have yet. */
  readonly params: Readonly<Record<string, string>>;
  /** Metrics that MLflow shows and the spec does not have. */
  readonly vanished: readonly string[];
}

interface Existing {
  readonly known: LedgerEntry | null;
  readonly stored: StoredRun;
}

async function publishNew(
  publishing: Publishing,
  spec: RunSpec,
  known: LedgerEntry | null,
): Promise<PublishOutcome> {
  if (known !== null && known.runId !== null) {
    publishing.ledger.orphanChildren(known.runId);
    publishing.onMadeAgain({ name: spec.name, runId: known.runId });
  }
  const created = await createPublished(publishing, spec);
  await write(publishing, spec, { ...created, params: spec.params, vanished: [] });
  return 'created';
}

/** MLflow holds this content to its end already; only the ledger and the nesting may be behind. */
async function confirm(
  publishing: Publishing,
  spec: RunSpec,
  { known, stored }: Existing,
): Promise<PublishOutcome> {
  const parentRunId = toParentRunId(publishing, spec);
  const isNested = parentRunId === null || stored.tags[parentTag] === parentRunId;
  if (!isNested) {
    const tags = { [parentTag]: parentRunId };
    await publishing.target.logBatch({ runId: stored.runId, metrics: [], params: {}, tags });
  }
  const revision = Math.max(known?.revision ?? 0, toStoredRevision(stored));
  const tags = Object.keys(toRunTags(spec, { parentRunId, revision }));
  putDone(
    publishing,
    asShown(spec, stored),
    toEntry(spec, { run: stored, revision, parentRunId, tags }),
  );
  return isNested ? 'unchanged' : 'updated';
}

/** What tells of a reading alone is in no hash: MLflow goes on showing that of the reading it was written after. */
function asShown(spec: RunSpec, stored: StoredRun): RunSpec {
  const metrics = [...spec.metrics].map(
    ([name, value]) =>
      [name, volatileMetrics.has(name) ? (stored.metrics[name] ?? value) : value] as const,
  );
  return { ...spec, metrics: new Map(metrics) };
}

/** Writes the ledger ahead, then claims the revision in MLflow: numbers of two contents never share a step. */
async function openExisting(
  publishing: Publishing,
  spec: RunSpec,
  { known, stored }: Existing,
): Promise<OpenedRun> {
  const { target, ledger, clock } = publishing;
  const parentRunId = toParentRunId(publishing, spec);
  const revision = toRevision(spec, { known, stored });
  const wanted = toRunTags(spec, { parentRunId, revision });
  const written = known?.tags ?? [];
  // What is in MLflow under a key that the ledger does not know was written by an earlier life of this worker.
  const before: Readonly<Record<string, number>> = known?.metrics ?? stored.metrics;
  const entry: LedgerEntry = {
    ...toEntry(spec, {
      run: stored,
      revision,
      parentRunId,
      tags: [...new Set([...written, ...Object.keys(wanted)])],
    }),
    metrics: { ...before, ...Object.fromEntries(spec.metrics) },
    artifacts: Object.fromEntries(
      Object.entries(toArtifactHashes(spec)).map(([path, hash]) => [
        path,
        known?.artifacts[path] === hash ? hash : '',
      ]),
    ),
  };
  ledger.put(entry, clock.now());
  await target.logBatch({
    runId: stored.runId,
    metrics: [],
    params: {},
    tags: {
      ...toTagChanges(target, { wanted, stored: stored.tags, written }),
      [completeTag]: 'false',
    },
  });
  const isShown = (name: string): boolean =>
    Object.keys(
      target.toStoredForm({ name: '', params: {}, tags: {}, metrics: { [name]: 0 } }).metrics,
    )
      .map((key) => stored.metrics[key])
      .some((value) => value !== undefined && !Number.isNaN(value));
  return {
    run: stored,
    entry,
    params: Object.fromEntries(
      Object.entries(spec.params).filter(
        ([name, value]) => toStoredParams(publishing, { [name]: value }, stored).length > 0,
      ),
    ),
    vanished: Object.keys(before).filter((name) => !spec.metrics.has(name) && isShown(name)),
  };
}

/**
 * The same content that was begun before goes on under its revision; any other takes the next one, also after
 * revisions that MLflow has and a ledger restored from a copy does not.
 */
function toRevision(spec: RunSpec, { known, stored }: Existing): number {
  const storedRevision = toStoredRevision(stored);
  // Nothing but the create itself can have been sent.
  const isUntouched =
    known?.state === 'creating' && storedRevision === 0 && stored.tags[hashTag] === undefined;
  if (isUntouched) return 0;
  const goesOn =
    known?.state === 'writing' &&
    known.hash === spec.hash &&
    known.revision >= storedRevision &&
    // Metrics outside of the hash may differ.
    [...spec.metrics].every(([name, value]) => known.metrics[name] === value);
  return goesOn ? known.revision : Math.max(known?.revision ?? 0, storedRevision) + 1;
}

async function write(publishing: Publishing, spec: RunSpec, opened: OpenedRun): Promise<void> {
  const { target } = publishing;
  const { run, entry } = opened;
  for (const artifact of spec.artifacts) {
    if (entry.artifacts[artifact.path] === artifact.sourceHash) continue;
    await target.putArtifact({
      run,
      path: artifact.path,
      body: await artifact.render(),
      contentType: artifact.contentType,
    });
  }
  await target.updateRun({ runId: run.runId, status: 'FINISHED', endMs: spec.endMs });
  const retracted = opened.vanished.map((name) => [name, Number.NaN] as const);
  await target.logBatch({
    runId: run.runId,
    metrics: [...spec.metrics, ...retracted].map(([key, value]) => ({
      key,
      value,
      step: entry.revision,
      timestampMs: spec.startMs,
    })),
    params: opened.params,
    tags: { [hashTag]: spec.hash, [completeTag]: 'true' },
  });
  putDone(publishing, spec, {
    ...entry,
    tags: Object.keys(toRunTags(spec, { parentRunId: entry.parentRunId, revision: 0 })),
  });
}

function putDone(publishing: Publishing, spec: RunSpec, entry: LedgerEntry): void {
  publishing.ledger.put(
    {
      ...entry,
      state: 'done',
      metrics: Object.fromEntries(spec.metrics),
      artifacts: toArtifactHashes(spec),
    },
    publishing.clock.now(),
  );
}

/** A param can't be changed in MLflow, and an artifact can't be taken away: only a request's run ever has to. */
function mustBeMadeAnew(
  publishing: Publishing,
  spec: RunSpec,
  { known, stored }: Existing,
): boolean {
  const paths = new Set(spec.artifacts.map(({ path }) => path));
  return (
    Object.keys(known?.artifacts ?? {}).some((path) => !paths.has(path)) ||
    toStoredParams(publishing, spec.params, stored).some(
      ([name]) => stored.params[name] !== undefined,
    )
  );
}

/** Params, as MLflow would keep them, that it does not have so. */
function toStoredParams(
  publishing: Publishing,
  params: Readonly<Record<string, string>>,
  stored: StoredRun,
): [string, string][] {
  const form = publishing.target.toStoredForm({ name: '', tags: {}, metrics: {}, params });
  return Object.entries(form.params).filter(([name, value]) => stored.params[name] !== value);
}

function toArtifactHashes(spec: RunSpec): Record<string, string> {
  return Object.fromEntries(spec.artifacts.map((artifact) => [artifact.path, artifact.sourceHash]));
}
