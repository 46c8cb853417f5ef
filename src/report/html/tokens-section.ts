/** What the tokens were, by model, and what the caches did. */
import { toVisibleLine } from '../visible-text.ts';
import { groupRows, numberCells, table } from './cells.ts';
import type { ChartKit } from './chart.ts';
import type { Metrics, ReportFigures } from './figures.ts';
import { html, type Html } from './markup.ts';
import { toCompact, toFigure, toPercent } from './numbers.ts';
import type { Series } from './series.ts';
import { seriesColors } from './style.ts';

/** The parts of all tokens; together they are the input and the output of a call. */
const parts: readonly (readonly [name: string, of: (metrics: Metrics) => number | undefined])[] = [
  ['Input, not cached', (metrics) => metrics.get('uncached_prompt_tokens')],
  ['Input, read from cache', (metrics) => metrics.get('cache_read_tokens')],
  ['Input, written to cache', (metrics) => metrics.get('cache_write_tokens')],
  ['Output', toPlainOutput],
  ['Reasoning', (metrics) => metrics.get('reasoning_tokens')],
];

const columns: readonly (readonly [metric: string, head: string])[] = [
  ['uncached_prompt_tokens', 'input, not cached'],
  ['cache_read_tokens', 'read from cache'],
  ['cache_write_tokens', 'written to cache'],
  ['completion_tokens', 'output'],
  ['reasoning_tokens', 'of it reasoning'],
  ['total_tokens', 'total'],
  ['prompt_cache_hit_ratio', 'input from cache'],
];

interface Piece {
  readonly model: string;
  readonly part: string;
  readonly tokens: number;
}

export function renderTokens(kit: ChartKit | null, figures: ReportFigures, series: Series): Html {
  const pieces = toPieces(figures, series);
  const names = series.entries
    .map((entry) => entry.name)
    .filter((name) => pieces.some((piece) => piece.model === name));
  const metrics = columns.map(([metric]) => metric);
  const rows = groupRows(figures.models, metrics);
  return html`<section>
    <h2>Tokens and caches</h2>
    ${pieces.length === 0 ? html`<p class="unknown">No attempt tells its tokens.</p>` : kit === null ? null : drawPieces(kit, { pieces, names })}
    ${table({
      caption:
        'Tokens by model. The input is what was not cached, read from and written to the cache together; reasoning is part of the output.',
      heads: ['Model', ...columns.map(([, head]) => head)],
      rows,
      foot: html`<tr>
        <th scope="row">All</th>
        ${numberCells(metrics, figures.totals)}
      </tr>`,
    })}
    ${renderSavings(figures.totals)}
  </section> `;
}

function renderSavings(totals: Metrics): Html {
  const read = totals.get('cache_read_tokens');
  const ratio = totals.get('prompt_cache_hit_ratio');
  const saved = totals.get('gateway_cache_saved_usd');
  const hits = totals.get('gateway_cache_hits') ?? 0;
  const promptCache =
    read === undefined
      ? 'Prompt cache of the providers: how much was read from it is unknown.'
      : `Prompt cache of the providers: ${toCompact(read)} input tokens${ratio === undefined ? '' : ` (${toPercent(ratio)} of the input)`} were read from it.`;
  return html`<h3>What caches saved</h3>
    <ul class="plain">
      <li>
        ${promptCache} What that saved is <span class="unknown">unknown</span>: Langfuse tells the
        cost of a call, not the price of its tokens, and no price is invented here.
      </li>
      <li>
        Response cache of LiteLLM: ${toFigure('count', hits)} attempts were answered from it; by
        LiteLLM’s own figure they saved
        ${
          saved === undefined
            ? html`an <span class="unknown">unknown</span> amount.`
            : html`<strong data-metric="gateway_cache_saved_usd" data-value="${saved}"
                  >${toFigure('saved_usd', saved)}</strong
                >.`
        }
      </li>
    </ul>`;
}

function drawPieces(
  kit: ChartKit,
  shown: { readonly pieces: readonly Piece[]; readonly names: readonly string[] },
): Html {
  const legend = parts.map(([name], index) => ({ name, color: seriesColors[index] ?? '' }));
  const most = Math.max(...shown.names.map((name) => tokensOf(shown.pieces, name)));
  return kit.draw({
    title: 'Tokens by model and kind',
    label: 'One stacked bar per model: tokens by kind. The numbers are in the table below.',
    legend,
    options: {
      height: 44 + 30 * shown.names.length,
      marginLeft: 220,
      marginRight: 16,
      marginBottom: 30,
      x: { grid: true, label: null, ticks: 6, tickFormat: (value: number) => toAxis(value, most) },
      y: { domain: shown.names, label: null, tickSize: 0, padding: 0.25, tickFormat: toShort },
      color: { domain: legend.map((one) => one.name), range: legend.map((one) => one.color) },
      marks: [
        kit.plot.barX([...shown.pieces], {
          y: 'model',
          x: 'tokens',
          fill: 'part',
          order: legend.map((one) => one.name),
          title: (piece: Piece) => `${piece.model}, ${piece.part}: ${toCompact(piece.tokens)}`,
        }),
        kit.plot.ruleX([0]),
      ],
    },
  });
}

function toPieces(figures: ReportFigures, series: Series): Piece[] {
  const merged = new Map<string, Piece>();
  for (const { name, metrics } of figures.models) {
    const model = series.nameOf(name);
    for (const [part, of] of parts) {
      const tokens = of(metrics) ?? 0;
      if (tokens <= 0) continue;
      const key = JSON.stringify([model, part]);
      merged.set(key, { model, part, tokens: tokens + (merged.get(key)?.tokens ?? 0) });
    }
  }
  return [...merged.values()];
}

function toPlainOutput(metrics: Metrics): number | undefined {
  const output = metrics.get('completion_tokens');
  return output === undefined ? undefined : output - (metrics.get('reasoning_tokens') ?? 0);
}

function tokensOf(pieces: readonly Piece[], model: string): number {
  return pieces.reduce((sum, piece) => sum + (piece.model === model ? piece.tokens : 0), 0);
}

function toAxis(value: number, most: number): string {
  if (value === 0) return '0';
  if (most >= 2e6) return `${Number((value / 1e6).toFixed(2))} M`;
  return most >= 2000 ? `${Number((value / 1000).toFixed(2))} k` : toCompact(value);
}

/** The table below has it in full. */
/** One line: Plot would make an element of each line of a label. */
function toShort(name: string): string {
  const line = toVisibleLine(name);
  return line.length <= 30 ? line : `${line.slice(0, 29).toWellFormed()}…`;
}
