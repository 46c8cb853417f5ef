/**
 * The chain LiteLLM, Langfuse, worker, MLflow as one check: a marked request goes in at one end and is looked for at
 * each hop, with the same tokens and cost.
 */
import type { UnderstandingRules } from '../litellm/generation.ts';
import { toGeneration } from '../litellm/to-generation.ts';
import { toRunKey } from '../runs/run-key.ts';
import { completeTag } from '../runs/tags.ts';
import type { Clock } from '../shared/clock.ts';
import { AppError, toAppError } from '../shared/errors.ts';
import type { Observation } from '../shared/observation.ts';
import { secondMs, toIso } from '../shared/time.ts';
import type { Source, StoredRun, Target } from '../sync/ports.ts';
import type { SyncSummary } from '../sync/run-sync.ts';
import { awaitRow } from './await-row.ts';
import {
  differences,
  renderSeen,
  seenByLangfuse,
  seenByLitellm,
  seenByMlflow,
  type Seen,
} from './compare.ts';
import { createHops, type Hop, type HopResult } from './hops.ts';
import { emptyScratch } from './scratch.ts';
import { sendRequest, type Gateway, type GatewayAnswer } from './send-request.ts';

export interface SmokeReport {
  readonly marker: string;
  readonly experimentName: string;
  /** The hops that were tried, in order; after a failed one only the cleanup follows. */
  readonly hops: readonly Hop[];
  /** Of the first hop that failed. */
  readonly failure: AppError | null;
}

export interface SmokeParts {
  readonly gateway: Gateway;
  /** Unique to this smoke: session and user of the request. */
  readonly marker: string;
  readonly experimentName: string;
  /** How long the row may take to reach Langfuse. */
  readonly waitMs: number;
  /** As sync has them. */
  readonly understanding: Omit<UnderstandingRules, 'nowMs'>;
  /** True also sends a request that fails, and looks for its error row in Langfuse. */
  readonly withError: boolean;
  /** True leaves the runs in MLflow. */
  readonly keeps: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly openSource: () => Promise<Source>;
  /** Whose calls end with `signal`. */
  readonly openTarget: (signal: AbortSignal) => Promise<Target>;
  /** Told what became of the runs of a smoke that was stopped. */
  readonly onStopped: (message: string) => void;
  /** Syncs this one window into the scratch experiment, with a state file of its own. */
  readonly syncWindow: (work: {
    readonly source: Source;
    readonly target: Target;
    readonly fromMs: number;
    readonly windowMs: number;
  }) => Promise<SyncSummary>;
}

/** Rows of one second: whoever else called the gateway in it is synced along, and deleted along. */
const windowMs = secondMs;

/** How long a smoke that was stopped may take to delete its runs. */
const stoppedCleanUpMs = 15 * secondMs;

/**
 * Never throws for a hop that fails: the report names it. Throws the reason of an aborted `signal`, after it has
 * deleted its runs.
 */
export async function runSmoke(parts: SmokeParts): Promise<SmokeReport> {
  const hops = createHops(parts);
  let target: Target | null = null;
  try {
    const answer = await hops.run('litellm', async () => {
      const value = await sendRequest(parts.gateway, parts);
      const version = value.version === null ? 'LiteLLM' : `LiteLLM ${value.version}`;
      return {
        value,
        detail: `${version} answered as ${parts.gateway.model}: ${renderSeen(seenByLitellm(value))}`,
      };
    });
    const found = answer && (await hops.run('langfuse', () => lookInLangfuse(parts, answer)));
    if (found) {
      const summary = await hops.run('sync', async () => {
        target = await parts.openTarget(parts.signal);
        return syncRow(parts, { ...found, target });
      });
      const opened = target as Target | null;
      if (summary && opened) {
        await hops.run('mlflow', () => lookInMlflow(parts, { ...found, target: opened, summary }));
      }
      if (parts.withError) await hops.run('failure', () => lookForFailure(parts, found.source));
    }
    const opened = target as Target | null;
    if (opened) await hops.run('cleanup', () => cleanUp(parts, opened));
  } finally {
    const opened = target as Target | null;
    if (opened) {
      await opened[Symbol.asyncDispose]();
      if (parts.signal.aborted) await cleanUpStopped(parts);
    }
  }
  return {
    marker: parts.marker,
    experimentName: parts.experimentName,
    hops: hops.done,
    failure: hops.failures[0] ?? null,
  };
}

/** What was opened ends with the signal that stopped the smoke, so MLflow is opened once more. */
async function cleanUpStopped(parts: SmokeParts): Promise<void> {
  try {
    await using target = await parts.openTarget(AbortSignal.timeout(stoppedCleanUpMs));
    const { detail } = await cleanUp(parts, target);
    parts.onStopped(`The smoke was stopped: ${detail}.`);
  } catch (caught) {
    parts.onStopped(
      `The smoke was stopped, and its runs stay in ${parts.experimentName} until the next one: ${toAppError(caught).message}`,
    );
  }
}

interface Found {
  readonly source: Source;
  readonly row: Observation;
  readonly seen: Seen;
}

async function lookInLangfuse(parts: SmokeParts, answer: GatewayAnswer): Promise<HopResult<Found>> {
  const source = await parts.openSource();
  const row = await awaitRow(source, { ...parts, sentMs: answer.sentMs });
  const seen = understandRow(row, parts);
  assertSame(
    differences({ place: 'LiteLLM', seen: seenByLitellm(answer) }, { place: 'Langfuse', seen }),
  );
  return {
    value: { source, row, seen },
    detail: `generation ${row.id} of trace ${row.traceId}: ${renderSeen(seen)}`,
  };
}

/** Throws SMOKE_DIFFERS for a row that no number would count. */
export function understandRow(
  row: Observation,
  around: { readonly understanding: Omit<UnderstandingRules, 'nowMs'>; readonly clock: Clock },
): Seen {
  const rules = { ...around.understanding, nowMs: around.clock.now() };
  const understood = toGeneration(row, rules);
  if (understood.kind !== 'not_counted') return seenByLangfuse(understood.generation);
  throw new AppError(
    'SMOKE_DIFFERS',
    `Langfuse has the row ${row.id}, but sync does not count it: ${understood.reason}.`,
  );
}

async function syncRow(
  parts: SmokeParts,
  found: Found & { readonly target: Target },
): Promise<HopResult<SyncSummary>> {
  const { clock } = parts;
  const experiment = await found.target.findExperiment(parts.experimentName);
  const left = experiment === null ? 0 : await emptyScratch(found.target, experiment);
  const fromMs = Math.floor(found.row.startMs / windowMs) * windowMs;
  // A window may be read once it is over, by the slower of both clocks.
  const behindMs = Math.max(0, -(found.source.description.clockSkewMs ?? 0));
  const waitMs = fromMs + windowMs + behindMs + secondMs - clock.now();
  if (waitMs > 0) await clock.sleep(Math.min(waitMs, 15 * secondMs), parts.signal);
  const summary = await parts.syncWindow({ ...found, fromMs, windowMs });
  const failed = summary.failed[0];
  if (failed) throw failed.error;
  const cleared = left > 0 ? `; ${left} runs of an earlier smoke were deleted first` : '';
  return {
    value: summary,
    detail: `the second from ${toIso(fromMs)} gave ${summary.generations} generations and ${summary.runs.created} runs in ${parts.experimentName}${cleared}`,
  };
}

async function lookInMlflow(
  parts: SmokeParts,
  found: Found & { readonly target: Target; readonly summary: SyncSummary },
): Promise<HopResult<StoredRun>> {
  const key = toRunKey({
    source: found.summary.projectId,
    grain: 'session',
    subject: parts.marker,
  });
  const [run] = await found.target.findRunsByKey(found.summary.experimentId, [key]);
  if (run === undefined) {
    throw new AppError(
      'SMOKE_DIFFERS',
      `MLflow has no run of session ${parts.marker} in ${parts.experimentName} after the sync.`,
    );
  }
  return compareRun(run, found.seen);
}

/** Throws SMOKE_DIFFERS where the run is not complete or says something else than Langfuse. */
export function compareRun(run: StoredRun, ofLangfuse: Seen): HopResult<StoredRun> {
  if (run.tags[completeTag] !== 'true') {
    throw new AppError('SMOKE_DIFFERS', `The run ${run.runId} in MLflow is not complete.`);
  }
  const seen = seenByMlflow(run.metrics);
  assertSame(differences({ place: 'Langfuse', seen: ofLangfuse }, { place: 'MLflow', seen }));
  return { value: run, detail: `run ${run.runId}: ${renderSeen(seen)}` };
}

/** A model that nobody has: LiteLLM refuses it without asking a provider, and logs that where `failure_callback` says so. */
async function lookForFailure(parts: SmokeParts, source: Source): Promise<HopResult<Observation>> {
  const marker = `${parts.marker}-error`;
  const gateway = { ...parts.gateway, model: 'langfuse-mlflow-no-such-model' };
  const sentMs = parts.clock.now();
  const refusal = await sendRequest(gateway, { ...parts, marker }).then(
    () => null,
    (error: unknown) => toAppError(error),
  );
  if (refusal === null) {
    throw new AppError('SMOKE_DIFFERS', `LiteLLM answered for ${gateway.model}, which nobody has.`);
  }
  // A key for some models only is refused as such.
  if (refusal.code !== 'LITELLM_REJECTED' && refusal.code !== 'LITELLM_AUTH') throw refusal;
  const row = await awaitRow(source, { ...parts, marker, sentMs });
  if (row.level !== 'ERROR') {
    throw new AppError(
      'SMOKE_DIFFERS',
      `The failure is in Langfuse as ${row.level}, not as ERROR.`,
    );
  }
  return { value: row, detail: `generation ${row.id} has level ERROR: a failed call is seen` };
}

/** The experiment stays, empty: MLflow keeps the name of a deleted one, and the next smoke could not make it. */
async function cleanUp(parts: SmokeParts, target: Target): Promise<HopResult<number>> {
  if (parts.keeps) return { value: 0, detail: `runs stay in ${parts.experimentName} (--keep)` };
  const experiment = await target.findExperiment(parts.experimentName);
  const deleted = experiment === null ? 0 : await emptyScratch(target, experiment);
  return {
    value: deleted,
    detail: `${deleted} ${deleted === 1 ? 'run' : 'runs'} deleted; ${parts.experimentName} stays, empty`,
  };
}

function assertSame(problems: readonly string[]): void {
  if (problems.length > 0) throw new AppError('SMOKE_DIFFERS', `${problems.join('; ')}.`);
}
