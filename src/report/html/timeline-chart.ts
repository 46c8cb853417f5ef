import type { ChartKit } from './chart.ts';
import type { Timeline, TimelineCell } from './figures.ts';
import type { Html } from './markup.ts';
import { toColorScale, type Series } from './series.ts';
import { toTick } from './timeline-cells.ts';

/** Stacked bars over time, one colour per series. */
export function drawTimeline(
  kit: ChartKit,
  of: {
    readonly title: string;
    readonly label: string;
    readonly timeline: Timeline;
    /** One per bucket and series. */
    readonly cells: readonly TimelineCell[];
    readonly series: Series;
    readonly valueOf: (cell: TimelineCell) => number | null;
    readonly format: (value: number) => string;
  },
): Html {
  const { timeline, series } = of;
  const ticks = Array.from({ length: timeline.buckets }, (_none, bucket) =>
    toTick(timeline, bucket),
  );
  const shown = of.cells.filter((cell) => (of.valueOf(cell) ?? 0) > 0);
  return kit.draw({
    title: of.title,
    label: of.label,
    legend: series.entries.length > 1 ? series.entries : [],
    options: {
      height: 210,
      marginLeft: 62,
      marginBottom: 32,
      x: {
        type: 'band',
        domain: ticks.map((_tick, bucket) => bucket),
        label: null,
        tickSize: 0,
        tickFormat: (bucket: number) =>
          isTickShown(bucket, timeline.buckets) ? (ticks[bucket] ?? '') : '',
      },
      y: { grid: true, label: null, ticks: 5, tickFormat: of.format, zero: true },
      color: toColorScale(series.entries),
      marks: [
        kit.plot.barY(shown, {
          x: 'bucket',
          y: of.valueOf,
          fill: 'model',
          order: series.entries.map((entry) => entry.name),
          title: (cell: TimelineCell) =>
            `${ticks[cell.bucket] ?? ''} ${cell.model}: ${of.format(of.valueOf(cell) ?? 0)}`,
        }),
        kit.plot.ruleY([0]),
      ],
    },
  });
}

/** About a dozen of them, so that they do not run into each other. */
function isTickShown(bucket: number, buckets: number): boolean {
  return bucket % Math.max(1, Math.ceil(buckets / 12)) === 0;
}
