/** Cells of tables. The exact value stands beside the readable one, for programs and for the curious. */
import { html, join, type Html } from './markup.ts';
import type { Group, Links, Metrics } from './figures.ts';
import { toFigure } from './numbers.ts';

/** A number as a cell: readable, with the exact value in `data-value` and as the tooltip. */
export function numberCell(name: string, value: number | undefined): Html {
  return value === undefined
    ? html`<td class="n u" data-metric="${name}">${toFigure(name, value)}</td>`
    : html`<td class="n" data-metric="${name}" data-value="${value}" title="${value}">
        ${toFigure(name, value)}
      </td>`;
}

export function numberCells(names: readonly string[], metrics: Metrics): Html {
  return join(names.map((name) => numberCell(name, metrics.get(name))));
}

/** A name with where to look further. Links open beside the report, which may stand in a frame. */
export function nameCell(name: string, links: Links): Html {
  return html`<th scope="row">
    <span class="name">${name}</span
    >${link(links.mlflow, 'MLflow')}${link(links.langfuse, 'Langfuse')}
  </th>`;
}

/** A row for each group: its name, then its metrics. */
export function groupRows(groups: readonly Group[], metrics: readonly string[]): Html[] {
  return groups.map(
    (group) =>
      html`<tr>
        ${nameCell(group.name, group.links)}${numberCells(metrics, group.metrics)}
      </tr>`,
  );
}

export function link(address: string | null, text: string): Html | null {
  return address === null
    ? null
    : html` <a href="${address}" target="_blank" rel="noopener noreferrer">${text}</a>`;
}

/** A table that scrolls by itself where it is wider than the page. */
export function table(parts: {
  readonly caption: string;
  readonly heads: readonly string[];
  readonly rows: readonly Html[];
  readonly foot?: Html | null;
}): Html {
  const [first = '', ...others] = parts.heads;
  return html`<div class="scroll">
    <table>
      <caption>
        ${parts.caption}
      </caption>
      <thead>
        <tr>
          <th scope="col">${first}</th>
          ${others.map((head) => html`<th scope="col" class="n">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${parts.rows}
      </tbody>
      ${parts.foot ?? null}
    </table>
  </div>`;
}
