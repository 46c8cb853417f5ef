/** Waits until Langfuse has the row of a call: LiteLLM sends in batches and Langfuse takes them in by a queue. */
import type { Clock } from '../shared/clock.ts';
import { AppError } from '../shared/errors.ts';
import type { Observation } from '../shared/observation.ts';
import { minuteMs, toInstant, toIso } from '../shared/time.ts';
import type { Source } from '../sync/ports.ts';

/** How far the gateway's clock may be from this machine's. Every look reads all rows of that time, so it is short. */
const slackMs = 2 * minuteMs;
const firstPauseMs = 500;
const longestPauseMs = 10_000;

/** Throws SMOKE_NOT_IN_LANGFUSE when it is not there in time, and what the reader throws. */
export async function awaitRow(
  source: Source,
  wanted: {
    readonly marker: string;
    readonly sentMs: number;
    readonly waitMs: number;
    /** The row began before this instant; now, where it is not given. */
    readonly untilMs?: number;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<Observation> {
  const { clock } = wanted;
  const giveUpAt = clock.now() + wanted.waitMs;
  let pauseMs = firstPauseMs;
  for (;;) {
    const row = await findRow(source, wanted);
    if (row !== null) return row;
    if (clock.now() >= giveUpAt) break;
    await clock.sleep(Math.min(pauseMs, Math.max(0, giveUpAt - clock.now())), wanted.signal);
    pauseMs = Math.min(pauseMs * 1.5, longestPauseMs);
  }
  throw new AppError(
    'SMOKE_NOT_IN_LANGFUSE',
    `Langfuse project ${source.description.projectName ?? source.description.projectId} has no generation of session ${wanted.marker} after ${wanted.waitMs / 1000} s (sent at ${toIso(wanted.sentMs)}).`,
  );
}

/** The generation of the marked session. Where only the trace names the session, by its trace. */
async function findRow(
  source: Source,
  wanted: {
    readonly marker: string;
    readonly sentMs: number;
    readonly untilMs?: number;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<Observation | null> {
  const interval = {
    fromMs: toInstant(wanted.sentMs - slackMs),
    toMs: toInstant((wanted.untilMs ?? wanted.clock.now()) + slackMs),
  };
  const rows: Observation[] = [];
  const traces = new Set<string>();
  for await (const page of source.readWindow(interval, { signal: wanted.signal })) {
    rows.push(...page.observations.filter((row) => row.type === 'GENERATION'));
    for (const trace of page.traces) {
      if (trace.sessionId === wanted.marker) traces.add(trace.traceId);
    }
  }
  return (
    rows.find((row) => row.sessionId === wanted.marker) ??
    rows.find((row) => traces.has(row.traceId)) ??
    null
  );
}
