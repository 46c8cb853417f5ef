import { otherValuesMetric } from '../metrics/other-values.ts';
import { toIso, toWindowLabel, type Interval } from '../shared/time.ts';
import { renderNote, toCount } from './note.ts';
import { toRunKey } from './run-key.ts';
import { toRunSpec, type RunSpec } from './run-spec.ts';
import { baseTags } from './tags.ts';

/** What of a dimension a run stands for: one value, the facts without one, or all values that have no run of their own. */
export type DimensionGroup =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'other'; readonly values: number };

/** `["team","a"]`, `["team",null]` for facts without a value, `["team"]` for the rest: no value is taken for another. */
export function toDimensionSubject(
  dimension: string,
  group: { readonly kind: DimensionGroup['kind']; readonly value?: string },
): string {
  if (group.kind === 'other') return JSON.stringify([dimension]);
  return JSON.stringify([dimension, group.kind === 'none' ? null : (group.value ?? null)]);
}

/** The run of one value of a dimension in one window, nested under the window's run. */
export function toDimensionRun(run: {
  readonly source: string;
  readonly interval: Interval;
  readonly dimension: string;
  /** A fact may have several values: then the runs overlap and do not add up to the window. */
  readonly isOverlapping: boolean;
  readonly group: DimensionGroup;
  readonly metrics: ReadonlyMap<string, number>;
}): RunSpec {
  const { source, interval, dimension, group } = run;
  const label = toWindowLabel(interval);
  const shown = toShownValue(group);
  const subject = toDimensionSubject(dimension, group);
  const metrics = new Map(run.metrics);
  if (group.kind === 'other') metrics.set(otherValuesMetric, group.values);
  return toRunSpec({
    grain: 'dimension',
    key: toRunKey({ source, grain: 'dimension', window: interval, subject }),
    parentKey: toRunKey({ source, grain: 'window', window: interval }),
    source,
    windowFromMs: interval.fromMs,
    subject,
    name: `${label} ${dimension}=${shown}`,
    startMs: interval.fromMs,
    endMs: interval.toMs,
    params: {
      dimension,
      dimension_value: shown,
      dimension_group: group.kind,
      window_from: toIso(interval.fromMs),
      window_to: toIso(interval.toMs),
      source,
    },
    tags: baseTags({
      grain: 'dimension',
      source,
      window: interval,
      note: renderNote({
        title: `**${dimension}** \`${shown.replaceAll(/[`\s]+/g, ' ')}\` on **${label}** (UTC).`,
        metrics,
        lines: toLines(run),
      }),
    }),
    metrics,
    artifacts: [],
  });
}

function toShownValue(group: DimensionGroup): string {
  return group.kind === 'value' ? group.value : `(${group.kind})`;
}

function toLines(run: Parameters<typeof toDimensionRun>[0]): string[] {
  const { dimension, group } = run;
  const lines: string[] = [];
  if (group.kind === 'none') lines.push(`Calls without a ${dimension}.`);
  if (group.kind === 'other') {
    lines.push(
      `All ${toCount(group.values)} values of ${dimension} that have no run of their own, together.`,
    );
  }
  if (run.isOverlapping) {
    lines.push(
      `A call may have several values of ${dimension} and counts under each: the runs do not add up.`,
    );
  }
  return lines;
}
