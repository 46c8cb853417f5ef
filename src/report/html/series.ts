/** Which models a chart shows by themselves, and in which colour: the same in every chart of a report. */
import { toCounted } from '../counted.ts';
import type { LegendEntry } from './chart.ts';
import type { Group } from './figures.ts';
import { otherColor, seriesColors } from './style.ts';

export interface Series {
  /** Name of the series that a model is shown in. */
  readonly nameOf: (model: string) => string;
  readonly entries: readonly LegendEntry[];
}

/** The costliest models by themselves, the rest as one. */
export function toSeries(models: readonly Group[]): Series {
  const shown = models.length <= seriesColors.length ? models.length : seriesColors.length - 1;
  const names = new Map(models.slice(0, shown).map((model) => [model.name, model.name]));
  const rest = models.length - shown;
  const restName = toCounted(rest, 'other model');
  return {
    nameOf: (model) => names.get(model) ?? restName,
    entries: [
      ...[...names.values()].map((name, index) => ({
        name,
        color: seriesColors[index] ?? otherColor,
      })),
      ...(rest > 0 ? [{ name: restName, color: otherColor }] : []),
    ],
  };
}

/** The colour scale of the entries. */
export function toColorScale(entries: readonly LegendEntry[]): {
  readonly domain: string[];
  readonly range: string[];
} {
  return {
    domain: entries.map((entry) => entry.name),
    range: entries.map((entry) => entry.color),
  };
}
