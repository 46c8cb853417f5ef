/** Writes the traces of a window to MLflow: nothing for those that are unchanged, and none is left behind. */
import pLimit from 'p-limit';
import type { TextMode } from '../redact/text-mode.ts';
import { toTraceId } from '../runs/to-trace.ts';
import type { Clock } from '../shared/clock.ts';
import type { TraceCounts } from '../shared/progress.ts';
import { toInstant, type Interval } from '../shared/time.ts';
import type { Trace } from '../shared/trace.ts';
import type { Ledger } from '../store/ledger.ts';
import type { State } from '../store/open-state.ts';
import { openTraceLedger, type TraceEntry, type TraceLedger } from '../store/trace-ledger.ts';
import { hasSpans, tracesOfWindow } from '../store/trace-spans.ts';
import type { DescribedSource } from './described-source.ts';
import { describeTrace, type DescribedTrace } from './describe-traces.ts';
import type { Experiment, TraceWriter } from './ports.ts';

export interface TracePublishing {
  readonly state: State;
  readonly writer: TraceWriter;
  readonly ledger: Pick<Ledger, 'get'>;
  readonly targetId: number;
  readonly experiment: Experiment;
  readonly source: DescribedSource;
  readonly traces: TextMode;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly assertHeld: () => void;
}

/** Written as one: the ledger ahead, what must go, then each trace. */
const batchSize = 50;

/**
 * Publishes every trace with a call in the window, whole, and deletes those that are gone. `looksAgain`: also compares
 * with MLflow what the ledger takes for done. Throws AppError (MLFLOW_*); the next call goes on from there.
 */
export async function publishTraces(
  parts: TracePublishing,
  interval: Interval,
  { looksAgain }: { readonly looksAgain: boolean },
): Promise<TraceCounts> {
  const { state, source } = parts;
  const window = { source: source.projectId, windowFromMs: interval.fromMs };
  const counts = { written: 0, unchanged: 0, deleted: 0 };
  if (!hasSpans(state, window)) return counts;
  const ledger = openTraceLedger(state, {
    targetId: parts.targetId,
    source: source.projectId,
    assertHeld: parts.assertHeld,
  });
  const stored = looksAgain ? await findStored(parts, interval) : null;
  const here = tracesOfWindow(state, window);
  const isHere = new Set(here);
  const gone = ledger.ofWindow(interval.fromMs).filter((entry) => !isHere.has(entry.traceId));
  let due: DescribedTrace[] = [];
  const flush = async (): Promise<void> => {
    await write(parts, ledger, due);
    counts.written += due.length;
    due = [];
  };
  for (const traceId of here) {
    parts.signal.throwIfAborted();
    const described = describeTrace(
      { ...parts, experimentId: parts.experiment.experimentId },
      traceId,
    );
    const entry = ledger.get(traceId);
    if (described === null) {
      if (entry !== null) gone.push(entry);
      continue;
    }
    const isLost =
      stored !== null &&
      described.windowFromMs === interval.fromMs &&
      stored.get(described.trace.id) !== described.trace.hash;
    if (isWritten(described, entry) && !isLost) {
      counts.unchanged += 1;
      continue;
    }
    due.push(described);
    if (due.length >= batchSize) await flush();
  }
  if (due.length > 0) await flush();
  await remove(parts, ledger, gone);
  counts.deleted = gone.length;
  return counts;
}

/**
 * Takes in what an earlier life of the worker wrote, where the ledger knows of no trace: what is unchanged is then not
 * written again.
 */
export async function recoverTraces(parts: TracePublishing, windowMs: number): Promise<void> {
  const { source, experiment } = parts;
  const ledger = openTraceLedger(parts.state, {
    targetId: parts.targetId,
    source: source.projectId,
    assertHeld: parts.assertHeld,
  });
  if (!ledger.isEmpty()) return;
  const place = { experimentId: experiment.experimentId, source: source.projectId, interval: null };
  const found: TraceEntry[] = [];
  for await (const stored of parts.writer.list(place)) {
    const { experimentId } = experiment;
    const traceId = stored.externalId;
    if (stored.id !== toTraceId({ source: source.projectId, experimentId, traceId })) continue;
    found.push({
      traceId,
      windowFromMs: Math.floor(stored.startMs / windowMs) * windowMs,
      mlflowId: stored.id,
      state: stored.hash === null ? 'writing' : 'done',
      hash: stored.hash ?? '',
      parts: [unknownPart],
    });
  }
  ledger.put(found, parts.clock.now());
}

/** Of a trace that was found in MLflow: no trace has it, so that a change makes it anew. */
const unknownPart = '?';

/** Id to hash of the traces in MLflow that may be of the window: one may begin before its first call. */
async function findStored(
  parts: TracePublishing,
  { fromMs, toMs }: Interval,
): Promise<ReadonlyMap<string, string | null>> {
  const { experiment, source } = parts;
  const interval = { fromMs: toInstant(fromMs - (toMs - fromMs)), toMs };
  const place = { experimentId: experiment.experimentId, source: source.projectId, interval };
  const hashes = new Map<string, string | null>();
  for await (const stored of parts.writer.list(place)) hashes.set(stored.id, stored.hash);
  return hashes;
}

function isWritten({ trace }: DescribedTrace, entry: TraceEntry | null): boolean {
  return entry?.state === 'done' && entry.hash === trace.hash && entry.mlflowId === trace.id;
}

async function write(
  parts: TracePublishing,
  ledger: TraceLedger,
  due: readonly DescribedTrace[],
): Promise<void> {
  const canGrow = await parts.writer.canGrow();
  const replaced: string[] = [];
  const entries = due.map(({ trace, windowFromMs }): TraceEntry => {
    const known = ledger.get(trace.externalId);
    const names = toParts(trace);
    const grows =
      canGrow && known?.mlflowId === trace.id && known.parts.every((part) => names.has(part));
    if (!grows) replaced.push(trace.id);
    if (known !== null && known.mlflowId !== trace.id) replaced.push(known.mlflowId);
    return {
      traceId: trace.externalId,
      windowFromMs,
      mlflowId: trace.id,
      state: 'writing',
      hash: trace.hash,
      parts: [...names],
    };
  });
  // Until they are done, what was there before counts too: a crash in between must not forget it.
  ledger.put(
    entries.map((entry) => ({
      ...entry,
      parts: [...new Set([...entry.parts, ...(ledger.get(entry.traceId)?.parts ?? [])])],
    })),
    parts.clock.now(),
  );
  const { experiment } = parts;
  if (replaced.length > 0) await parts.writer.delete({ experiment, ids: replaced });
  const limit = pLimit(parts.concurrency);
  const results = await Promise.allSettled(
    due.map(({ trace }, at) =>
      limit(async () => {
        parts.signal.throwIfAborted();
        await parts.writer.put({ experiment, trace });
        const entry = entries[at];
        if (entry !== undefined) ledger.put([{ ...entry, state: 'done' }], parts.clock.now());
      }),
    ),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function remove(
  parts: TracePublishing,
  ledger: TraceLedger,
  gone: readonly TraceEntry[],
): Promise<void> {
  if (gone.length === 0) return;
  const ids = gone.map((entry) => entry.mlflowId);
  await parts.writer.delete({ experiment: parts.experiment, ids });
  ledger.remove(gone.map((entry) => entry.traceId));
}

/** Everything of a trace that has a name of its own in MLflow and stays when it is not written again. */
function toParts(trace: Trace): Set<string> {
  const fields = {
    session: trace.sessionId,
    user: trace.userId,
    run: trace.runId,
    tokens: trace.tokens,
    cost: trace.costUsd,
    duration: trace.durationMs,
  };
  return new Set([
    ...trace.spans.map(({ id }) => id),
    ...trace.assessments.map(({ id }) => id),
    ...Object.keys(trace.tags).map((key) => `tag ${key}`),
    ...Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [name])),
  ]);
}
