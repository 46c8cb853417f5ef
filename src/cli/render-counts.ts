/** What `verify --mode counts` prints: counts side by side, and how far they are to be trusted. */
import { toVisibleLine } from '../report/visible-text.ts';
import { toCount, toDuration, toUsd } from '../runs/note.ts';
import { toIso, toWindowLabel } from '../shared/time.ts';
import type { CountedTotals, CountsDifference, CountsVerdict } from '../verify/compare-counts.ts';
import type { CountsSummary } from '../verify/run-counts.ts';

const mostShown = 20;

/** Said with every answer, since agreement proves less than that of the full mode. */
const trust = [
  "How far this is to be trusted: Langfuse's metrics API counts rows, it does not name them.",
  '   It agrees where a late row stands beside a deleted one of the same model, or where a row changed in',
  '   anything but its model, its tokens and its cost. On some servers it counts versions of a row that are not',
  '   merged yet, and rows that it knows for some minutes only may be missing. MLflow was not compared.',
  '   `langfuse-mlflow verify` (--mode full) reads every row and every run.',
];

const labels: Readonly<Record<CountsVerdict, string>> = {
  fewer: 'DRIFT      ',
  more: 'LOOK       ',
  value: 'LOOK       ',
  explained: 'explained  ',
};

export function renderCounts(summary: CountsSummary): string {
  const { differences, unread } = summary;
  const shown = [
    ...differences.filter(({ verdict }) => verdict !== 'explained'),
    ...differences.filter(({ verdict }) => verdict === 'explained'),
  ];
  const gone = differences.filter(({ verdict }) => verdict === 'fewer').length + unread.length;
  const unsure = differences.filter(isUnsure);
  return `${[
    '',
    `Counted   ${toCount(summary.windows)} windows from ${toIso(summary.span.fromMs)} to ${toIso(summary.span.toMs)}, in ${toDuration(summary.elapsedMs)} and ${toCount(summary.requests)} request${summary.requests === 1 ? '' : 's'} to the metrics API`,
    `   Langfuse    ${toTotals(summary.langfuse)}`,
    `   state file  ${toTotals(summary.state)}`,
    ...unread.map((window) => `   DRIFT       window ${toWindowLabel(window)} was never read`),
    ...shown.slice(0, mostShown).flatMap(renderDifference),
    ...(shown.length > mostShown
      ? [`   and ${toCount(shown.length - mostShown)} more (--json has all)`]
      : []),
    '',
    ...trust,
    '',
    ...(gone > 0 ? [`DRIFT in ${toCount(gone)} places.`] : []),
    ...(unsure.length > 0
      ? [
          `TO LOOK AT ${toCount(unsure.length)} places: run \`langfuse-mlflow verify --from ${toDay(unsure, 'from')} --to ${toDay(unsure, 'to')}\` to know.`,
        ]
      : []),
    ...(summary.isClean ? ['No difference that is not explained.'] : []),
  ].join('\n')}\n`;
}

const isUnsure = ({ verdict }: CountsDifference): boolean =>
  verdict === 'more' || verdict === 'value';

function toDay(differences: readonly CountsDifference[], end: 'from' | 'to'): string {
  const ends = differences.map(({ window }) => (end === 'from' ? window.fromMs : window.toMs));
  const [first = 0, ...others] = ends;
  const pick = end === 'from' ? Math.min : Math.max;
  const outermost = others.reduce((a: number, b) => pick(a, b), first);
  return toIso(outermost).replace('T00:00:00.000Z', '');
}

function renderDifference(difference: CountsDifference): string[] {
  const { window, model, verdict, langfuse, state, reason } = difference;
  return [
    `   ${labels[verdict]} window ${toWindowLabel(window)}, ${model === null ? 'rows without a model' : `model ${toVisibleLine(model)}`}: Langfuse ${toTotals(langfuse)}; state file ${toTotals(state)}`,
    `                 ${isUnsure(difference) ? 'may be: ' : ''}${reason}`,
  ];
}

function toTotals(totals: CountedTotals): string {
  const tokens = totals.totalTokens === null ? 'unknown' : toCount(totals.totalTokens);
  const cost = totals.costUsd === null ? 'unknown' : toUsd(totals.costUsd);
  return `${toCount(totals.rows)} rows, ${tokens} tokens, cost ${cost}`;
}

/** The contract of `--json`, docs/formats.md. */
export function toCountsJson(summary: CountsSummary): Record<string, unknown> {
  return {
    command: 'verify',
    mode: 'counts',
    project: { id: summary.projectId, name: summary.projectName },
    from: toIso(summary.span.fromMs),
    to: toIso(summary.span.toMs),
    clean: summary.isClean,
    windows: summary.windows,
    langfuse_requests: summary.requests,
    totals: { langfuse: toTotalsJson(summary.langfuse), state: toTotalsJson(summary.state) },
    unread: summary.unread.map(toWindowLabel),
    differences: summary.differences.map((one) => ({
      window: toWindowLabel(one.window),
      model: one.model,
      verdict: one.verdict,
      langfuse: toTotalsJson(one.langfuse),
      state: toTotalsJson(one.state),
      reason: one.reason,
    })),
    elapsed_ms: summary.elapsedMs,
  };
}

function toTotalsJson(totals: CountedTotals): Record<string, number | null> {
  return { rows: totals.rows, total_tokens: totals.totalTokens, cost_usd: totals.costUsd };
}
