import { parseDay } from '../config/parse-day.ts';
import { toVisibleLine } from '../report/visible-text.ts';
import { toCount } from '../runs/note.ts';
import { AppError, ExitCode, toAppError } from '../shared/errors.ts';
import { toIso } from '../shared/time.ts';
import { recoverState, type RecoverSummary } from '../verify/recover-state.ts';
import type { CliSurroundings } from './surroundings.ts';
import { withOpenProject } from './with-open-project.ts';
import { withSettings } from './with-settings.ts';

/** `langfuse-mlflow recover`: rebuilds the state file from what MLflow holds. */
export async function runRecoverCommand(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { since, ...settingFlags } = flags;
  await withSettings(around, { name: 'recover', flags: settingFlags }, async (command) => {
    const sinceMs = typeof since === 'string' ? parseSince(since) : null;
    return withOpenProject(command, { mustExist: false }, async (parts) => {
      const summary = await recoverState(parts, { sinceMs });
      return { exitCode: ExitCode.done, text: renderRecovery(summary), json: toJson(summary) };
    });
  });
}

/** A day: windows of every size begin at one. */
function parseSince(text: string): number {
  try {
    return parseDay(text);
  } catch (error) {
    throw new AppError('USAGE', `--since ${text}: ${toAppError(error).message}.`, { cause: error });
  }
}

function renderRecovery(summary: RecoverSummary): string {
  const { runs } = summary;
  const counts = [
    ['windows', runs.window],
    ['models', runs.model],
    ['sessions', runs.session],
    ['trends', runs.trend],
    ['requests', runs.request],
    ['dimension values', runs.dimension],
  ] as const;
  const known = counts
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${toCount(count)} of ${name}`);
  return [
    `Recovered runs ${known.join(', ')}, with ${toCount(summary.trendPoints)} trend points, from experiment ${summary.experimentName} in ${toCount(summary.requests)} calls; MLflow was not written to.`,
    `Windows   ${toCount(summary.windows)}, from ${toIso(summary.firstWindowMs)} to ${toIso(summary.lastWindowEndMs)}`,
    ...(summary.closed === null
      ? []
      : [
          `Closed    before ${toIso(summary.closed.beforeMs)}: ${toCount(summary.closed.windows)} windows and ${toCount(summary.closed.sessions)} sessions that began there, ${toCount(summary.closed.runs)} runs in all, stay in MLflow as they are`,
        ]),
    ...(summary.incomplete > 0
      ? [`Unfinished ${toCount(summary.incomplete)} runs; the next sync finishes them.`]
      : []),
    ...(summary.duplicates > 0
      ? [
          `Duplicate ${toCount(summary.duplicates)} runs; \`langfuse-mlflow verify --repair\` deletes them.`,
        ]
      : []),
    ...summary.notUnderstood.map(
      (run) =>
        `Left alone run ${run.runId} (${toVisibleLine(run.name)}): it lacks the tags to tell what it is.`,
    ),
    '',
    'Next: run `langfuse-mlflow sync`. It reads these windows again from Langfuse, since rows and texts are only there,',
    'and writes nothing to runs that come out as they are.',
    '',
  ].join('\n');
}

function toJson(summary: RecoverSummary): Record<string, unknown> {
  return {
    command: 'recover',
    project: { id: summary.projectId, name: summary.projectName },
    experiment: { id: summary.experimentId, name: summary.experimentName },
    runs: summary.runs,
    trend_points: summary.trendPoints,
    windows: {
      count: summary.windows,
      from: toIso(summary.firstWindowMs),
      to: toIso(summary.lastWindowEndMs),
    },
    incomplete: summary.incomplete,
    duplicates: summary.duplicates,
    not_understood: summary.notUnderstood.map((run) => ({ run_id: run.runId, name: run.name })),
    closed:
      summary.closed === null
        ? null
        : {
            before: toIso(summary.closed.beforeMs),
            windows: summary.closed.windows,
            sessions: summary.closed.sessions,
            runs: summary.closed.runs,
          },
    mlflow_requests: summary.requests,
  };
}
