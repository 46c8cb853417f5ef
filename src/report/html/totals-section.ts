/** The figures that a person looks for first, and how they stand against other days. */
import { numberCell, table } from './cells.ts';
import type { Comparison, Metrics, ReportFigures } from './figures.ts';
import { html, join, type Html } from './markup.ts';
import { toChange, toFigure, toPercent } from './numbers.ts';

/** Metrics of the catalogue with the words for them. */
export const totalRows: readonly (readonly [metric: string, label: string])[] = [
  ['requests', 'Requests'],
  ['attempts', 'Attempts (retries and fallbacks included)'],
  ['errors', 'Requests that failed'],
  ['error_rate', 'Share of requests that failed'],
  ['cost_usd', 'Known cost'],
  ['cost_per_request_usd', 'Known cost per request'],
  ['cost_unknown_requests', 'Attempts of unknown cost'],
  ['total_tokens', 'Tokens'],
  ['prompt_tokens', 'Input tokens, cached ones included'],
  ['completion_tokens', 'Output tokens, reasoning included'],
  ['prompt_cache_hit_ratio', 'Share of the input read from the prompt cache'],
  ['latency_ms/p50', 'Latency, median'],
  ['latency_ms/p95', 'Latency, 95th percentile'],
  ['time_to_first_token_ms/p50', 'Time to first token, median'],
  ['active_sessions', 'Sessions'],
  ['active_users', 'Users'],
  ['active_models', 'Models'],
];

/** Every metric that a report compares with another span. */
export const comparedMetrics: readonly string[] = totalRows.map(([metric]) => metric);

export function renderTiles(figures: ReportFigures): Html {
  const { totals } = figures;
  const errorRate = totals.get('error_rate');
  const tiles: readonly Tile[] = [
    { metric: 'requests', label: 'Requests' },
    {
      metric: 'errors',
      label: 'Failed requests',
      more: errorRate === undefined ? null : `${toPercent(errorRate)} of all`,
    },
    { metric: 'cost_usd', label: 'Known cost', more: toUnknownCost(totals) },
    { metric: 'total_tokens', label: 'Tokens' },
    { metric: 'latency_ms/p50', label: 'Median latency', more: toP95(totals) },
    figures.kind === 'session'
      ? { metric: 'session_span_ms', label: 'From first to last' }
      : { metric: 'active_sessions', label: 'Sessions', more: toUsers(totals) },
  ];
  return html`<ul class="tiles">
    ${tiles.map((tile) => renderTile(tile, figures))}
  </ul> `;
}

interface Tile {
  readonly metric: string;
  readonly label: string;
  readonly more?: string | null;
}

function renderTile({ metric, label, more = null }: Tile, figures: ReportFigures): Html {
  const value = figures.totals.get(metric);
  const beside = figures.comparisons.flatMap(({ label: span, metrics }) => {
    const change = toChange(metrics?.get(metric), value);
    return change === null ? [] : [html`<div class="beside">${`${change} against ${span}`}</div>`];
  });
  return html`<li>
    <div class="label">${label}</div>
    <div class="value${value === undefined ? ' unknown' : ''}">${toFigure(metric, value)}</div>
    ${more === null ? null : html`<div class="beside">${more}</div>`}${beside}
  </li>`;
}

function toUnknownCost(totals: Metrics): string | null {
  const unknown = totals.get('cost_unknown_requests') ?? 0;
  return unknown > 0 ? `${toFigure('count', unknown)} attempts of unknown cost not in it` : null;
}

function toP95(totals: Metrics): string | null {
  const p95 = totals.get('latency_ms/p95');
  return p95 === undefined ? null : `95 % within ${toFigure('latency_ms/p95', p95)}`;
}

function toUsers(totals: Metrics): string | null {
  const users = totals.get('active_users');
  return users === undefined ? null : `of ${toFigure('count', users)} known users`;
}

/** All totals with the exact values, one column per compared span. */
export function renderTotals(figures: ReportFigures): Html {
  const { totals, comparisons } = figures;
  const rows = totalRows
    .filter(([metric]) => metric !== 'active_sessions' || figures.kind !== 'session')
    .map(
      ([metric, label]) =>
        html`<tr data-total="${metric}">
          <th scope="row">${label}</th>
          ${numberCell(metric, totals.get(metric))}${join(
            comparisons.map((one) => comparisonCells(metric, { one, now: totals.get(metric) })),
          )}
        </tr>`,
    );
  const missing = comparisons.filter((one) => one.metrics === null).map((one) => one.label);
  return html`<section>
    <h2>Totals</h2>
    ${table({
      caption: 'Every total of this report; the tooltip of a number is its exact value.',
      heads: ['', 'Here', ...comparisons.flatMap((one) => [capital(one.label), 'Change'])],
      rows,
    })}
    ${missing.length === 0 ? null : html`<p class="soft">${capital(missing.join(' and '))}: unknown, since it was not read whole.</p>`}
  </section> `;
}

function comparisonCells(
  metric: string,
  compared: { readonly one: Comparison; readonly now: number | undefined },
): Html {
  const { one, now } = compared;
  const before = one.metrics?.get(metric);
  return html`<td class="n${before === undefined ? ' u' : ''}">${toFigure(metric, before)}</td>
    <td class="n soft">${toChange(before, now) ?? ''}</td>`;
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
