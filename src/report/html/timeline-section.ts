/** Requests and cost by model over the hours (or days) of the report. */
import { toCount, toUsd } from '../../runs/note.ts';
import { numberCell, table } from './cells.ts';
import type { ChartKit } from './chart.ts';
import type { ReportFigures, TimelineCell } from './figures.ts';
import { html, type Html } from './markup.ts';
import type { Series } from './series.ts';
import { mergeCells, toBucketName, toTick } from './timeline-cells.ts';
import { drawTimeline } from './timeline-chart.ts';

/** Without a kit the numbers alone. */
export function renderTimeline(kit: ChartKit | null, figures: ReportFigures, series: Series): Html {
  const { timeline } = figures;
  const span = toBucketName(timeline.bucketMs);
  const cells = mergeCells(timeline.cells, series);
  const charts =
    kit === null
      ? []
      : [
          drawTimeline(kit, {
            title: `Known cost per ${span}, by model (US dollars)`,
            label: `Stacked bars: known cost of each ${span} by model. The numbers are in the table below.`,
            timeline,
            cells,
            series,
            valueOf: (cell) => cell.costUsd,
            format: toUsd,
          }),
          drawTimeline(kit, {
            title: `Requests per ${span}, by model`,
            label: `Stacked bars: requests of each ${span} by model. The numbers are in the table below.`,
            timeline,
            cells,
            series,
            valueOf: (cell) => cell.requests,
            format: toCount,
          }),
        ];
  const numbers = renderNumbers(figures, { cells, series, span });
  return html`<section>
    <h2>Over time</h2>
    ${charts}${
      kit === null
        ? numbers
        : html`<details>
            <summary>The numbers of both charts</summary>
            ${numbers}
          </details>`
    }
  </section> `;
}

function renderNumbers(
  figures: ReportFigures,
  shown: {
    readonly cells: readonly TimelineCell[];
    readonly series: Series;
    readonly span: string;
  },
): Html {
  const { timeline } = figures;
  const names = shown.series.entries.map((entry) => entry.name);
  const byPlace = new Map(shown.cells.map((cell) => [`${cell.bucket} ${cell.model}`, cell]));
  const rows = Array.from({ length: timeline.buckets }, (_none, bucket) => {
    const cells = names.map((name) => byPlace.get(`${bucket} ${name}`));
    if (cells.every((cell) => cell === undefined)) return [];
    const pairs = cells.map((cell) =>
      cell === undefined
        ? html`<td class="n"></td>
            <td class="n"></td>`
        : html`${numberCell('requests', cell.requests)}${numberCell('cost_usd', cell.costUsd ?? undefined)}`,
    );
    return [
      html`<tr>
        <th scope="row">${toTick(timeline, bucket)}</th>
        ${pairs}
      </tr>`,
    ];
  }).flat();
  return table({
    caption: `Requests and known cost of each ${shown.span} (UTC) that has any.`,
    heads: ['', ...names.flatMap((name) => [name, 'cost'])],
    rows,
  });
}
