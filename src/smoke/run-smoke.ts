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
import { emptyScratch } from './scratch.ts';
import { sendRequest, type Gateway, type GatewayAnswer } from './send-request.ts';

export type HopName = 'litellm' | 'langfuse' | 'sync' | 'mlflow' | 'failure' | 'cleanup';

export interface Hop {
  readonly name: HopName;
  readonly ok: boolean;
  readonly elapsedMs: number;
  /** What was seen, or what failed. */
  readonly detail: string;
}

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
  readonly openTarget: () => Promise<Target>;
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

/** Never throws for a hop that fails: the report names it. Throws the reason of an aborted `signal`. */
export async function runSmoke(parts: SmokeParts): Promise<SmokeReport> {
  const { clock } = parts;
  const hops: Hop[] = [];
  const failures: AppError[] = [];

  /** Runs one hop; null after a failure. */
  const hop = async <T>(
    name: HopName,
    work: () => Promise<{ readonly value: T; readonly detail: string }>,
  ): Promise<T | null> => {
    const startedMs = clock.now();
    try {
      const { value, detail } = await work();
      hops.push({ name, ok: true, elapsedMs: clock.now() - startedMs, detail });
      return value;
    } catch (caught) {
      if (parts.signal.aborted && name !== 'cleanup') throw parts.signal.reason;
      const failure = toAppError(caught);
      failures.push(failure);
      const elapsedMs = clock.now() - startedMs;
      hops.push({ name: whereOf(failure, name), ok: false, elapsedMs, detail: failure.message });
      return null;
    }
  };

  let target: Target | null = null;
  try {
    const answer = await hop('litellm', async () => {
      const value = await sendRequest(parts.gateway, parts);
      const version = value.version === null ? 'LiteLLM' : `LiteLLM ${value.version}`;
      return {
        value,
        detail: `${version} answered as ${parts.gateway.model}: ${renderSeen(seenByLitellm(value))}`,
      };
    });
    const found = answer && (await hop('langfuse', () => lookInLangfuse(parts, answer)));
    if (found) {
      const summary = await hop('sync', async () => {
        target = await parts.openTarget();
        return syncRow(parts, { ...found, target });
      });
      const opened = target as Target | null;
      if (summary && opened) {
        await hop('mlflow', () => lookInMlflow(parts, { ...found, target: opened, summary }));
      }
      if (parts.withError) await hop('failure', () => lookForFailure(parts, found.source));
    }
  } finally {
    const opened = target as Target | null;
    if (opened) {
      await hop('cleanup', () => cleanUp(parts, opened));
      await opened[Symbol.asyncDispose]();
    }
  }
  return {
    marker: parts.marker,
    experimentName: parts.experimentName,
    hops,
    failure: failures[0] ?? null,
  };
}

/** The place that failed: a sync that can't reach Langfuse or MLflow is not what must be mended. */
function whereOf(failure: AppError, doing: HopName): HopName {
  if (doing === 'cleanup') return doing;
  if (failure.code.startsWith('MLFLOW_')) return 'mlflow';
  return failure.code.startsWith('LANGFUSE_') ? 'langfuse' : doing;
}

interface Found {
  readonly source: Source;
  readonly row: Observation;
  readonly seen: Seen;
}

async function lookInLangfuse(
  parts: SmokeParts,
  answer: GatewayAnswer,
): Promise<{ readonly value: Found; readonly detail: string }> {
  const source = await parts.openSource();
  const row = await awaitRow(source, { ...parts, sentMs: answer.sentMs });
  const rules = { ...parts.understanding, nowMs: parts.clock.now() };
  const understood = toGeneration(row, rules);
  if (understood.kind === 'not_counted') {
    throw new AppError(
      'SMOKE_DIFFERS',
      `Langfuse has the row ${row.id}, but sync does not count it: ${understood.reason}.`,
    );
  }
  const seen = seenByLangfuse(understood.generation);
  assertSame(
    differences({ place: 'LiteLLM', seen: seenByLitellm(answer) }, { place: 'Langfuse', seen }),
  );
  return {
    value: { source, row, seen },
    detail: `generation ${row.id} of trace ${row.traceId}: ${renderSeen(seen)}`,
  };
}

async function syncRow(
  parts: SmokeParts,
  found: Found & { readonly target: Target },
): Promise<{ readonly value: SyncSummary; readonly detail: string }> {
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
): Promise<{ readonly value: StoredRun; readonly detail: string }> {
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
  if (run.tags[completeTag] !== 'true') {
    throw new AppError('SMOKE_DIFFERS', `The run ${run.runId} in MLflow is not complete.`);
  }
  const seen = seenByMlflow(run.metrics);
  assertSame(differences({ place: 'Langfuse', seen: found.seen }, { place: 'MLflow', seen }));
  return { value: run, detail: `run ${run.runId}: ${renderSeen(seen)}` };
}

/** A model that nobody has: LiteLLM refuses it without asking a provider, and logs that where `failure_callback` says so. */
async function lookForFailure(
  parts: SmokeParts,
  source: Source,
): Promise<{ readonly value: Observation; readonly detail: string }> {
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
async function cleanUp(
  parts: SmokeParts,
  target: Target,
): Promise<{ readonly value: number; readonly detail: string }> {
  if (parts.keeps) return { value: 0, detail: `runs stay in ${parts.experimentName} (--keep)` };
  const experiment = await target.findExperiment(parts.experimentName);
  const deleted = experiment === null ? 0 : await emptyScratch(target, experiment);
  return { value: deleted, detail: `${deleted} runs deleted; the experiment stays, empty` };
}

function assertSame(problems: readonly string[]): void {
  if (problems.length > 0) throw new AppError('SMOKE_DIFFERS', `${problems.join('; ')}.`);
}
