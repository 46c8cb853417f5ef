/**
 * Charts as inline SVG. Observable Plot needs a document to build in, which linkedom gives; both are loaded when the
 * first chart is drawn. What a chart says in text and titles is escaped by linkedom; no text from outside is put
 * into an attribute.
 */
import type * as PlotLibrary from '@observablehq/plot';
import { toVisibleText } from '../visible-text.ts';
import { fromLibrary, html, type Html } from './markup.ts';

export interface ChartKit {
  readonly plot: typeof PlotLibrary;
  /** A chart with its title above it. `label` tells those who can't see it what it shows, in fixed words. */
  draw(chart: {
    readonly title: string;
    readonly label: string;
    readonly options: PlotLibrary.PlotOptions;
    readonly legend?: readonly LegendEntry[];
  }): Html;
}

/** The part of an SVG element that is used: this project has no DOM of its own to name its types from. */
interface DrawnSvg {
  readonly outerHTML: string;
  setAttribute(name: string, value: string): void;
}

export interface LegendEntry {
  readonly name: string;
  readonly color: string;
}

let loaded: Promise<ChartKit> | null = null;

/** The same kit for every report: nothing that it draws stays in its document. */
export function loadChartKit(): Promise<ChartKit> {
  return (loaded ??= load());
}

async function load(): Promise<ChartKit> {
  const [plot, { parseHTML }] = await Promise.all([
    import('@observablehq/plot'),
    import('linkedom'),
  ]);
  const { document } = parseHTML('<!doctype html><html><body></body></html>') as {
    readonly document: unknown;
  };
  const plotIn = plot.plot as unknown as (
    options: PlotLibrary.PlotOptions & { readonly document: unknown },
  ) => DrawnSvg;
  return {
    plot,
    draw: ({ title, label, options, legend = [] }) => {
      const svg = plotIn({
        width: 1020,
        style: { background: 'none', fontSize: '12px', fontFamily: 'inherit' },
        ...options,
        document,
        ariaLabel: label,
      });
      svg.setAttribute('role', 'img');
      return html`<figure>
        <figcaption>${title}</figcaption>
        ${renderLegend(legend)} ${fromLibrary(toVisibleText(svg.outerHTML))}
      </figure> `;
    },
  };
}

function renderLegend(entries: readonly LegendEntry[]): Html | null {
  if (entries.length === 0) return null;
  const items = entries.map(
    ({ name, color }) => html`<li><i style="background:${color}"></i><span>${name}</span></li>`,
  );
  return html`<ul class="legend">
    ${items}
  </ul>`;
}
