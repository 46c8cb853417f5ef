import { groupRows, numberCells, table } from './cells.ts';
import type { Group, ReportFigures } from './figures.ts';
import { html, type Html } from './markup.ts';

const columns: readonly (readonly [metric: string, head: string])[] = [
  ['requests', 'requests'],
  ['errors', 'failed'],
  ['error_rate', 'failed, share'],
  ['cost_usd', 'known cost'],
  ['cost_per_request_usd', 'per request'],
  ['cost_unknown_requests', 'attempts of unknown cost'],
  ['total_tokens', 'tokens'],
  ['latency_ms/p50', 'median latency'],
];

/** The models side by side, costliest first. */
export function renderModels(figures: ReportFigures): Html {
  return renderGroups(figures, {
    title: 'Models',
    caption: 'Costliest first.',
    head: 'Model',
    groups: figures.models,
  });
}

/** The windows of a range, oldest first; nothing where the report is of one window. */
export function renderWindows(figures: ReportFigures): Html | null {
  if (figures.windows.length === 0) return null;
  return renderGroups(figures, {
    title: 'Windows',
    caption: 'Each window of the range, in order of time (UTC).',
    head: 'Window',
    groups: figures.windows,
  });
}

function renderGroups(
  figures: ReportFigures,
  shown: {
    readonly title: string;
    readonly caption: string;
    readonly head: string;
    readonly groups: readonly Group[];
  },
): Html {
  const metrics = columns.map(([metric]) => metric);
  const rows = groupRows(shown.groups, metrics);
  return html`<section>
    <h2>${shown.title}</h2>
    ${table({
      caption: shown.caption,
      heads: [shown.head, ...columns.map(([, head]) => head)],
      rows,
      foot: html`<tr>
        <th scope="row">All</th>
        ${numberCells(metrics, figures.totals)}
      </tr>`,
    })}
  </section> `;
}
