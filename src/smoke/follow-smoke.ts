/**
 * Looks a day later for the request of an earlier smoke in the experiment that `sync` writes to. A smoke itself never
 * writes there: the window of its request is not over, and a part of it would stand in MLflow as if it were whole.
 * Reads only.
 */
import type { UnderstandingRules } from '../litellm/generation.ts';
import { toRunKey } from '../runs/run-key.ts';
import type { Clock } from '../shared/clock.ts';
import { AppError } from '../shared/errors.ts';
import { toIso } from '../shared/time.ts';
import type { Source, Target } from '../sync/ports.ts';
import { awaitRow } from './await-row.ts';
import { renderSeen } from './compare.ts';
import { createHops } from './hops.ts';
import { compareRun, understandRow, type SmokeReport } from './run-smoke.ts';

export interface FollowParts {
  readonly marker: string;
  readonly sentMs: number;
  /** Where `sync` writes. */
  readonly experimentName: string;
  /** When the window that holds the request may be read. */
  readonly settledMs: number;
  /** How long the gateway may have taken to begin the call. */
  readonly timeoutMs: number;
  readonly understanding: Omit<UnderstandingRules, 'nowMs'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly openSource: () => Promise<Source>;
  readonly openTarget: (signal: AbortSignal) => Promise<Target>;
}

/** Never throws for a hop that fails: the report names it. Throws the reason of an aborted `signal`. */
export async function followSmoke(parts: FollowParts): Promise<SmokeReport> {
  const hops = createHops(parts);
  const found = await hops.run('langfuse', async () => {
    const source = await parts.openSource();
    const untilMs = parts.sentMs + parts.timeoutMs;
    const row = await awaitRow(source, { ...parts, waitMs: 0, untilMs });
    const seen = understandRow(row, parts);
    return {
      value: { projectId: source.description.projectId, seen },
      detail: `generation ${row.id} of trace ${row.traceId}: ${renderSeen(seen)}`,
    };
  });
  if (found) {
    await hops.run('mlflow', async () => {
      await using target = await parts.openTarget(parts.signal);
      const experiment = await target.findExperiment(parts.experimentName);
      const key = toRunKey({ source: found.projectId, grain: 'session', subject: parts.marker });
      const [run] =
        experiment === null ? [] : await target.findRunsByKey(experiment.experimentId, [key]);
      if (run !== undefined) return compareRun(run, found.seen);
      const isSettled = parts.clock.now() >= parts.settledMs;
      throw new AppError(
        'SMOKE_NOT_SYNCED',
        `${parts.experimentName} has no run of session ${parts.marker}${isSettled ? `, though its window could be synced since ${toIso(parts.settledMs)}` : ` yet: its window can be synced from ${toIso(parts.settledMs)} on`}.`,
      );
    });
  }
  return {
    marker: parts.marker,
    experimentName: parts.experimentName,
    hops: hops.done,
    failure: hops.failures[0] ?? null,
  };
}
