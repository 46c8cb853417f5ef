/** Trend runs: one run per model and one over all of them, for ever, one point per window. This is what MLflow charts over months. */
import { hashOf } from '../shared/hash.ts';
import type { Interval } from '../shared/time.ts';
import { toRunKey } from './run-key.ts';
import { toRunSpec, type RunSpec } from './run-spec.ts';
import { baseTags } from './tags.ts';

/** Stands for a model where a trend is over all of them: no model has an empty name. */
export const allModels = '';

export interface TrendPointSpec {
  /** Key of the trend run. */
  readonly key: string;
  /** Windows since 1970: the same for all models, so that their lines share one axis. */
  readonly step: number;
  /** Window start. */
  readonly timestampMs: number;
  readonly metrics: ReadonlyMap<string, number>;
  readonly hash: string;
}

/** The trend run itself; its numbers are points that are written apart. */
export function toTrendRun(trend: {
  readonly source: string;
  /** {@link allModels} for the one over all of them, which has no param `model`. */
  readonly model: string;
  /** Where the window that asks for it starts. A run's start can't be changed later, so it is the first one published. */
  readonly startMs: number;
}): RunSpec {
  const { source, model } = trend;
  const isOfAll = model === allModels;
  const name = isOfAll ? 'all models' : model;
  return toRunSpec({
    grain: 'trend',
    key: toTrendKey({ source, model }),
    parentKey: null,
    source,
    windowFromMs: null,
    subject: model,
    name: `trend ${name}`,
    startMs: trend.startMs,
    endMs: trend.startMs,
    params: isOfAll ? { source } : { model, source },
    tags: baseTags({
      grain: 'trend',
      source,
      window: null,
      note: `**${name}** over time: one point per window, at the window's start. Open the model metrics with the x-axis set to *Time (wall)*.`,
    }),
    metrics: new Map(),
    artifacts: [],
  });
}

/** Run key of the trend of a model, or of {@link allModels}. */
export function toTrendKey(trend: { readonly source: string; readonly model: string }): string {
  return toRunKey({ source: trend.source, grain: 'trend', subject: trend.model });
}

export function toTrendPoint(point: {
  readonly source: string;
  readonly model: string;
  readonly interval: Interval;
  readonly metrics: ReadonlyMap<string, number>;
}): TrendPointSpec {
  const { interval } = point;
  return {
    key: toTrendKey(point),
    step: toStep(interval),
    timestampMs: interval.fromMs,
    metrics: point.metrics,
    hash: hashOf([...point.metrics].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Window number: its start divided by its length. */
export function toStep(interval: Interval): number {
  return Math.floor(interval.fromMs / (interval.toMs - interval.fromMs));
}
