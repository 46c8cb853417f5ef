import { openConfiguredStateToRead } from '../app.ts';
import { parseDayOrInstant } from '../config/parse-day.ts';
import { renderReport } from '../report/html/render-report.ts';
import { toCounted } from '../report/counted.ts';
import { toFigure } from '../report/html/numbers.ts';
import { AppError, ExitCode, toAppError } from '../shared/errors.ts';
import { toIso, toWindowLabel } from '../shared/time.ts';
import { writeWhole } from '../shared/write-whole.ts';
import { gatherRange, type RangeReport } from '../sync/range-report.ts';
import type { CliSurroundings } from './surroundings.ts';
import { withSettings } from './with-settings.ts';

/** `langfuse-mlflow report`: needs neither Langfuse nor MLflow. */
export async function runReportCommand(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { from, to, out, ...settingFlags } = flags;
  await withSettings(around, { name: 'report', flags: settingFlags }, async (command) => {
    const range = { fromMs: parseEnd('--from', from), toMs: parseEnd('--to', to) };
    if (range.toMs <= range.fromMs) {
      throw new AppError('USAGE', `--to ${String(to)} is not after --from ${String(from)}.`);
    }
    using state = openConfiguredStateToRead(command.settings);
    if (!state.isMigrated) {
      throw new AppError(
        'STATE_UNUSABLE',
        `The state file ${state.path} is that of an older version.`,
        { hint: 'Run `langfuse-mlflow sync` once; it brings the file to this version.' },
      );
    }
    const report = gatherRange(state, range);
    const file = String(out);
    const html = await renderReport(report.figures);
    writeReport(file, html);
    return { exitCode: ExitCode.done, text: renderText(report, file), json: toJson(report, file) };
  });
}

function parseEnd(flag: string, value: unknown): number {
  try {
    return parseDayOrInstant(String(value));
  } catch (error) {
    throw new AppError('USAGE', `${flag} ${String(value)}: ${toAppError(error).message}.`, {
      cause: error,
    });
  }
}

/** Throws USAGE, and then the file is as it was. */
function writeReport(file: string, text: string): void {
  try {
    writeWhole({ path: file, text });
  } catch (error) {
    throw new AppError('USAGE', `--out ${file} can't be written: ${toAppError(error).message}`, {
      cause: error,
      hint: 'Name a file in a folder that is there and that this user may write.',
    });
  }
}

function renderText({ figures, windows, unread }: RangeReport, file: string): string {
  const told = (name: string): string => toFigure(name, figures.totals.get(name));
  return [
    `Report    ${file}: ${figures.subject}, ${toCounted(windows, 'window')}`,
    `Traffic   ${told('requests')} requests, ${told('errors')} failed, known cost ${told('cost_usd')}, ${told('total_tokens')} tokens`,
    ...(unread.length === 0
      ? []
      : [`Not read  ${unread.map(toWindowLabel).join(', ')}: in no figure of the report`]),
    '',
  ].join('\n');
}

function toJson({ figures, windows, unread }: RangeReport, file: string): Record<string, unknown> {
  return {
    file,
    from: toIso(figures.fromMs),
    to: toIso(figures.toMs),
    windows,
    windows_not_read: unread.map(({ fromMs }) => toIso(fromMs)),
    metrics: Object.fromEntries(figures.totals),
  };
}
