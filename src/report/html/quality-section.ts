/** How far the figures can be trusted, in plain words. */
import { toCounted } from '../counted.ts';
import type { Metrics, Reading, ReportFigures } from './figures.ts';
import { html, type Html } from './markup.ts';
import { toPercent } from './numbers.ts';

export function renderQuality({ totals, reading, kind }: ReportFigures): Html {
  const sentences = [
    ...(reading === null ? [] : toReadingSentences(reading)),
    toCoverage(totals, {
      unknown: totals.get('cost_unknown_requests'),
      what: 'a known cost',
      others: 'The others are in no sum of costs.',
    }),
    toEstimates(totals),
    toCoverage(totals, {
      unknown: totals.get('usage_unknown_requests'),
      what: 'token counts (failures need none)',
      others: 'The others are in no token figure.',
    }),
    toPositive(
      totals.get('usage_rebuilt_requests'),
      (count) => `Of ${count} the total was missing and was rebuilt from its parts.`,
    ),
    toPositive(
      totals.get('usage_inconsistent_requests'),
      (count) =>
        `${count} tell token counts that contradict each other; they are counted as reported.`,
    ),
    toPositive(
      totals.get('timing_rejected_requests'),
      (count) => `${count} have broken times and are in no latency figure.`,
    ),
    kind === 'session' ? null : toSessions(totals),
    toPositive(
      totals.get('content_missing_requests'),
      (count) => `Of ${count} the text was not read.`,
    ),
  ];
  return html`<section>
    <h2>How complete this is</h2>
    <ul class="plain">
      ${sentences.map((sentence) => (sentence === null ? html`` : html`<li>${sentence}</li>`))}
    </ul>
  </section> `;
}

function toReadingSentences(reading: Reading): (string | null)[] {
  const { unread, quarantined, doubleLogged, repeated } = reading;
  return [
    unread.length === 0
      ? null
      : `Not read, and so in no figure: ${unread.slice(0, 31).join(', ')}${unread.length > 31 ? ` and ${unread.length - 31} more` : ''}.`,
    quarantined === 0
      ? 'Every row that Langfuse sent could be read.'
      : `Incomplete: ${toCounted(quarantined, 'row')} could not be read or understood and ${quarantined === 1 ? 'is' : 'are'} in no figure. langfuse-mlflow status names each.`,
    doubleLogged === 0
      ? 'LiteLLM logged no call twice.'
      : `LiteLLM logged ${toCounted(doubleLogged, 'call')} twice; each is counted once.`,
    repeated === null
      ? 'Rows that Langfuse sent more than once are counted once; how many there were is the metric duplicate_rows_dropped of the window’s run.'
      : `${toCounted(repeated, 'row')} that Langfuse sent more than once ${repeated === 1 ? 'was' : 'were'} dropped.`,
  ];
}

function toCoverage(
  totals: Metrics,
  gap: { readonly unknown: number | undefined; readonly what: string; readonly others: string },
): string | null {
  const attempts = totals.get('attempts') ?? 0;
  if (attempts === 0 || gap.unknown === undefined) return null;
  if (gap.unknown === 0) return `All ${toCounted(attempts, 'attempt')} have ${gap.what}.`;
  const known = attempts - gap.unknown;
  return `${toCounted(known, 'attempt')} of ${toCounted(attempts, 'attempt')} (${toPercent(known / attempts)}) have ${gap.what}; ${gap.unknown === 1 ? 'one has' : `${toCounted(gap.unknown, 'attempt')} have`} not. ${gap.others}`;
}

function toEstimates(totals: Metrics): string | null {
  const estimated = totals.get('cost_estimated_requests') ?? 0;
  return estimated === 0
    ? null
    : `The cost of ${toCounted(estimated, 'attempt')} is an estimate of Langfuse or by a price of the settings file; LiteLLM told none.`;
}

function toSessions(totals: Metrics): string | null {
  const requests = totals.get('requests') ?? 0;
  if (requests === 0) return null;
  const known = totals.get('requests_with_session') ?? 0;
  return known === requests
    ? 'The session of every request is known.'
    : `The session of ${toCounted(known, 'request')} of ${toCounted(requests, 'request')} (${toPercent(known / requests)}) is known; the others are in no session run.`;
}

function toPositive(count: number | undefined, say: (attempts: string) => string): string | null {
  return count === undefined || count === 0 ? null : say(toCounted(count, 'attempt'));
}
