/** How long calls took, by model: the shape, and the percentiles. */
import { groupRows, numberCells, table } from './cells.ts';
import type { ChartKit } from './chart.ts';
import type { LatencyBars, ReportFigures } from './figures.ts';
import { html, type Html } from './markup.ts';
import { toCount, toDuration } from '../../runs/note.ts';
import { toPercent } from './numbers.ts';
import { toColorScale, type Series } from './series.ts';

const columns: readonly (readonly [metric: string, head: string])[] = [
  ['latency_ms/p50', 'median'],
  ['latency_ms/p90', 'p90'],
  ['latency_ms/p95', 'p95'],
  ['latency_ms/p99', 'p99'],
  ['latency_ms/max', 'longest'],
  ['time_to_first_token_ms/p50', 'first token, median'],
  ['time_to_first_token_ms/p95', 'first token, p95'],
  ['output_tokens_per_second/p50', 'tokens/s, median'],
];

interface Bar {
  readonly model: string;
  readonly bar: number;
  readonly share: number;
  readonly attempts: number;
}

export function renderLatency(kit: ChartKit | null, figures: ReportFigures, series: Series): Html {
  const bars = toBars(figures.latency, series);
  const names = series.entries
    .map((entry) => entry.name)
    .filter((name) => bars.some((bar) => bar.model === name));
  const metrics = columns.map(([metric]) => metric);
  const rows = groupRows(figures.models, metrics);
  return html`<section>
    <h2>Latency</h2>
    ${bars.length === 0 ? html`<p class="unknown">No successful attempt with known times.</p>` : kit === null ? null : drawBars(kit, { bars, names, series, edges: figures.latencyEdgesMs })}
    ${table({
      caption: 'Successful attempts, from start to end; percentiles are exact.',
      heads: ['Model', ...columns.map(([, head]) => head)],
      rows,
      foot: html`<tr>
        <th scope="row">All</th>
        ${numberCells(metrics, figures.totals)}
      </tr>`,
    })}
  </section> `;
}

function drawBars(
  kit: ChartKit,
  shown: {
    readonly bars: readonly Bar[];
    readonly names: readonly string[];
    readonly series: Series;
    readonly edges: readonly number[];
  },
): Html {
  const labels = [
    ...shown.edges.map((edge) => `< ${toEdge(edge)}`),
    `≥ ${toEdge(shown.edges.at(-1) ?? 0)}`,
  ];
  return kit.draw({
    title: 'How long calls took: share of each model’s successful attempts',
    label:
      'One row of bars per model: the share of its successful attempts of each duration. Percentiles are in the table below.',
    legend: shown.series.entries.filter((entry) => shown.names.includes(entry.name)),
    options: {
      height: 40 + 52 * shown.names.length,
      marginLeft: 62,
      marginRight: 8,
      marginTop: 12,
      marginBottom: 28,
      x: { type: 'band', domain: labels, label: null, tickSize: 0, padding: 0.12 },
      y: { axis: null, zero: true },
      fy: { domain: shown.names, axis: null, padding: 0.18 },
      color: toColorScale(shown.series.entries),
      marks: [
        kit.plot.barY([...shown.bars], {
          x: (bar: Bar) => labels[bar.bar] ?? '',
          y: 'share',
          fy: 'model',
          fill: 'model',
          title: (bar: Bar) =>
            `${bar.model}, ${labels[bar.bar] ?? ''}: ${toPercent(bar.share)} (${toCount(bar.attempts)})`,
        }),
        kit.plot.ruleY([0], { strokeOpacity: 0.35 }),
      ],
    },
  });
}

function toBars(latency: readonly LatencyBars[], series: Series): Bar[] {
  const merged = new Map<string, number[]>();
  for (const { model, attempts } of latency) {
    const name = series.nameOf(model);
    const before = merged.get(name) ?? [];
    merged.set(
      name,
      attempts.map((count, bar) => count + (before[bar] ?? 0)),
    );
  }
  return [...merged].flatMap(([model, attempts]) => {
    const all = attempts.reduce((sum, count) => sum + count, 0);
    return attempts.flatMap((count, bar) =>
      count === 0 ? [] : [{ model, bar, share: count / all, attempts: count }],
    );
  });
}

function toEdge(ms: number): string {
  return ms < 1000 ? toDuration(ms) : `${ms / 1000} s`;
}
