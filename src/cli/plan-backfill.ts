import { countConfiguredSlices, openConfiguredSource } from '../app.ts';
import { toCount } from '../runs/note.ts';
import { AppError, ExitCode } from '../shared/errors.ts';
import { dayMs, toIso, type Interval } from '../shared/time.ts';
import { estimateBackfill, type BackfillEstimate } from '../sync/estimate-backfill.ts';
import type { ObservationCounts, Source } from '../sync/ports.ts';
import type { CommandResult, CommandRun } from './with-settings.ts';

/** `backfill --plan`: asks Langfuse for its counts, opens neither MLflow nor the state file, and writes nothing. */
export async function tellBackfillPlan(
  command: CommandRun,
  windows: readonly Interval[],
): Promise<CommandResult> {
  const { settings } = command;
  const source = await openConfiguredSource(command);
  const counted = await findCounts(source, command, windows);
  const estimate = estimateBackfill({
    windows,
    reader: source.description.reader,
    pageSize: settings.langfuse.pageSize,
    slices: await countConfiguredSlices(settings),
    readsText: settings.content.text.kind !== 'off',
    counts: counted.counts,
  });
  const plan = { estimate, windows, from: counted.from, reader: source.description.reader };
  return { exitCode: ExitCode.done, text: renderPlan(plan), json: toPlanJson(plan) };
}

interface Plan {
  readonly estimate: BackfillEstimate;
  readonly windows: readonly Interval[];
  /** Where the numbers come from. */
  readonly from: string;
  readonly reader: string;
}

async function findCounts(
  source: Source,
  command: CommandRun,
  windows: readonly Interval[],
): Promise<{ readonly counts: readonly ObservationCounts[] | null; readonly from: string }> {
  const [first, last] = [windows[0], windows.at(-1)];
  if (first === undefined || last === undefined) return { counts: [], from: 'there is no window' };
  const bucket = first.toMs - first.fromMs === dayMs ? 'day' : 'hour';
  const span = { fromMs: first.fromMs, toMs: last.toMs };
  try {
    const counts = await source.readCounts(span, { bucket, signal: command.signal });
    return { counts, from: "Langfuse's metrics API" };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'LANGFUSE_UNSUPPORTED') throw error;
    return {
      counts: null,
      from: 'nothing but the number of windows: this Langfuse does not count',
    };
  }
}

function renderPlan({ estimate, windows, from, reader }: Plan): string {
  const [first, last] = [windows[0], windows.at(-1)];
  const least = estimate.rows === null ? 'at least ' : 'about ';
  return [
    '',
    `Windows   ${estimate.windows}${first && last ? `, ${toIso(first.fromMs)} to ${toIso(last.toMs)}` : ''}`,
    `Rows      ${estimate.rows === null ? 'unknown' : `${toCount(estimate.rows)}, ${toCount(estimate.generations ?? 0)} of them calls`}`,
    `Langfuse  ${least}${toCount(estimate.langfuseRequests)} requests (${reader} API), by rate limit: ${estimate.durations
      .map(({ requestsPerMinute, minutes }) => `${minutes} min at ${requestsPerMinute}/min`)
      .join(', ')}`,
    `MLflow    ${estimate.mlflowCalls === null ? 'unknown' : `about ${toCount(estimate.mlflowCalls)} calls for windows, models and trends; sessions and request runs come on top`}`,
    `From      ${from}; nothing was read, written or created`,
    '',
  ].join('\n');
}

function toPlanJson({ estimate, windows, from, reader }: Plan): Record<string, unknown> {
  const [first, last] = [windows[0], windows.at(-1)];
  return {
    command: 'backfill',
    plan: true,
    windows: estimate.windows,
    from: first ? toIso(first.fromMs) : null,
    to: last ? toIso(last.toMs) : null,
    reader,
    rows: estimate.rows,
    generations: estimate.generations,
    langfuse_requests: estimate.langfuseRequests,
    langfuse_minutes: estimate.durations.map(({ requestsPerMinute, minutes }) => ({
      requests_per_minute: requestsPerMinute,
      minutes,
    })),
    mlflow_calls: estimate.mlflowCalls,
    estimated_from: from,
  };
}
