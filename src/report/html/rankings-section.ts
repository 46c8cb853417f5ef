/** Where the money went: the costliest sessions, users, keys and client tools. */
import { toCounted } from '../counted.ts';
import { nameCell, numberCells, table } from './cells.ts';
import type { Group, Metrics, Ranking, ReportFigures } from './figures.ts';
import { html, type Html } from './markup.ts';
import { sumMetrics } from './sum-metrics.ts';

const mostRows = 10;

const columns: readonly (readonly [metric: string, head: string])[] = [
  ['cost_usd', 'known cost'],
  ['requests', 'requests'],
  ['errors', 'failed'],
  ['total_tokens', 'tokens'],
  ['cost_unknown_requests', 'attempts of unknown cost'],
];

/** Metrics that a ranking needs of each group. */
export const rankedMetrics: readonly string[] = columns.map(([metric]) => metric);

export function renderRankings({ rankings, totals }: ReportFigures): Html | null {
  if (rankings.length === 0) return null;
  return html`<section>
    <h2>Where the money went</h2>
    ${rankings.map((ranking) => renderRanking(ranking, totals))}
  </section> `;
}

function renderRanking(ranking: Ranking, totals: Metrics): Html {
  const shown = ranking.groups.slice(0, mostRows);
  const rest = ranking.groups.slice(mostRows);
  const rows = shown.map((group) => toRow(ranking, group));
  const foot = html`${
      rest.length === 0
        ? null
        : html`<tr data-rest="${ranking.of}">
            <th scope="row">and ${toCounted(rest.length, `more ${ranking.of}`)}</th>
            ${numberCells(rankedMetrics, sumMetrics(rest.map((group) => group.metrics)))}
          </tr>`
    }${
      ranking.unnamed === null
        ? null
        : html`<tr>
            <th scope="row">no known ${ranking.of}</th>
            ${numberCells(rankedMetrics, ranking.unnamed)}
          </tr>`
    }
    <tr>
      <th scope="row">All</th>
      ${numberCells(rankedMetrics, totals)}
    </tr>`;
  return html`${table({
    caption: `Costliest ${ranking.of}s${rest.length > 0 ? `: the first ${mostRows} of ${ranking.groups.length}` : ''}.`,
    heads: [capital(ranking.of), ...columns.map(([, head]) => head)],
    rows,
    foot,
  })}`;
}

function toRow(ranking: Ranking, group: Group): Html {
  return html`<tr data-ranked="${ranking.of}">
    ${nameCell(group.name, group.links)}${numberCells(rankedMetrics, group.metrics)}
  </tr>`;
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
