/** Describes the runs of the dimensions of the settings file in one window. */
import {
  buildValuesQuery,
  noneKey,
  otherKey,
  tagConditions,
  toGroupBy,
  toValueCondition,
  valuePrefix,
} from '../metrics/dimension-queries.ts';
import type { NameKind } from '../redact/hash-name.ts';
import { protectLine, type PrivacyRules } from '../redact/privacy.ts';
import type { RunSpec } from '../runs/run-spec.ts';
import { toDimensionRun, type DimensionGroup } from '../runs/to-dimension-run.ts';
import { AppError } from '../shared/errors.ts';
import type { Dimension } from '../shared/measures.ts';
import { toIso, type Interval } from '../shared/time.ts';
import { queryRows } from '../store/aggregates.ts';
import type { State } from '../store/open-state.ts';
import { additiveMetrics } from './audit-window.ts';
import type { DescribedSource } from './described-source.ts';
import { groupMetrics } from './group-metrics.ts';
import { protectName } from './protect.ts';

type Metrics = ReadonlyMap<string, number>;

interface Described {
  readonly group: DimensionGroup;
  readonly metrics: Metrics;
}

interface Place {
  readonly state: State;
  readonly source: DescribedSource;
}

const inWindow = 'source = @source AND window_from_ms = @from';

/** A value as it may be shown, and as facts have it: under earlier rules for names it may stand there in several ways. */
interface ShownValue {
  readonly shown: string;
  readonly kept: readonly string[];
}

interface Split {
  /** Values that have a run of their own. */
  readonly top: readonly ShownValue[];
  /** How many others there are. */
  readonly others: number;
  readonly parameters: { readonly source: string; readonly from: number };
}

/**
 * One run for each value among the first of the dimension by requests, one for facts without a value, one for all
 * other values. Throws INTERNAL where those of a dimension do not add up to `window`, the metrics of its run.
 */
export function describeDimensions(
  place: Place,
  described: { readonly interval: Interval; readonly window: Metrics },
): RunSpec[] {
  const { projectId: source, measures } = place.source;
  const { interval } = described;
  return measures.dimensions.flatMap((dimension) => {
    const split = splitValues(place, dimension, interval);
    const byKey = dimension.isTags ? null : metricsByKey(place, dimension, split);
    const parted = { dimension, split, byKey };
    const groups = [...ownGroups(place, parted), ...restGroups(place, parted)];
    if (!dimension.isTags) assertSum({ dimension, groups, ...described });
    return groups.map(({ group, metrics }) =>
      toDimensionRun({
        source,
        interval,
        dimension: dimension.name,
        isOverlapping: dimension.isTags,
        group,
        metrics,
      }),
    );
  });
}

function splitValues(place: Place, dimension: Dimension, interval: Interval): Split {
  const parameters = { source: place.source.projectId, from: interval.fromMs };
  const rows = queryRows<{ readonly value: string; readonly requests: number }>(place.state, {
    sql: buildValuesQuery(dimension, inWindow),
    parameters,
  });
  const values = new Map<string, { kept: string[]; requests: number }>();
  for (const { value, requests } of rows) {
    const shown = showValue(dimension, value, place.source.privacy);
    const known = values.get(shown) ?? { kept: [], requests: 0 };
    values.set(shown, known);
    known.kept.push(value);
    known.requests += requests;
  }
  const ranked = [...values]
    .toSorted(([, a], [, b]) => b.requests - a.requests)
    .map(([shown, { kept }]) => ({ shown, kept }));
  const top = ranked.slice(0, dimension.top);
  return { top, others: ranked.length - top.length, parameters };
}

const namesIn: Readonly<Record<string, NameKind>> = {
  user_id: 'users',
  key_owner_id: 'users',
  key_alias: 'keys',
  team_alias: 'teams',
  'COALESCE(team_alias, team_id)': 'teams',
};

/** Facts that were kept under other rules are shown by those that hold now. */
function showValue(dimension: Dimension, value: string, privacy: PrivacyRules): string {
  const kind = namesIn[dimension.sql];
  return kind === undefined
    ? protectLine(value, privacy)
    : protectName(value, kind, privacy.hashed);
}

interface Parted {
  readonly dimension: Dimension;
  readonly split: Split;
  /** Null where a fact may be in several groups. */
  readonly byKey: ReadonlyMap<string, Metrics> | null;
}

function ownGroups(place: Place, { dimension, split, byKey }: Parted): Described[] {
  return split.top.flatMap(({ shown, kept }): Described[] => {
    const [only = '', ...others] = kept;
    const metrics =
      byKey !== null && others.length === 0
        ? (byKey.get(`${valuePrefix}${only}`) ?? null)
        : metricsOf(place, split, {
            condition: toValueCondition(dimension),
            more: { some: JSON.stringify(kept) },
          });
    return metrics === null ? [] : [{ group: { kind: 'value', value: shown }, metrics }];
  });
}

/** Of the facts without a value, and of those whose value has no run of its own. */
function restGroups(place: Place, { split, byKey }: Parted): Described[] {
  const more = { kept: JSON.stringify(split.top.flatMap((one) => one.kept)) };
  const rest =
    byKey === null
      ? {
          none: metricsOf(place, split, { condition: tagConditions.none, more: {} }),
          other: metricsOf(place, split, { condition: tagConditions.other, more }),
        }
      : { none: byKey.get(noneKey) ?? null, other: byKey.get(otherKey) ?? null };
  return [
    ...(rest.none === null ? [] : [{ group: { kind: 'none' } as const, metrics: rest.none }]),
    ...(rest.other === null
      ? []
      : [{ group: { kind: 'other', values: split.others } as const, metrics: rest.other }]),
  ];
}

function metricsByKey(
  place: Place,
  dimension: Dimension,
  split: Split,
): ReadonlyMap<string, Metrics> {
  const query = { grain: 'dimension', groupBy: toGroupBy(dimension), where: inWindow } as const;
  const kept = JSON.stringify(split.top.flatMap((one) => one.kept));
  return groupMetrics(place, query, { ...split.parameters, kept });
}

function metricsOf(
  place: Place,
  split: Split,
  asked: { readonly condition: string; readonly more: Readonly<Record<string, string>> },
): Metrics | null {
  const where = `${inWindow} AND ${asked.condition}`;
  const query = { grain: 'dimension', groupBy: null, where } as const;
  return groupMetrics(place, query, { ...split.parameters, ...asked.more }).get('') ?? null;
}

/** Unknown parts count as nothing, as in the sum over models. */
function assertSum(sum: {
  readonly dimension: Dimension;
  readonly groups: readonly Described[];
  readonly interval: Interval;
  readonly window: Metrics;
}): void {
  const wrong = additiveMetrics.flatMap((metric) => {
    const whole = sum.window.get(metric) ?? 0;
    const parts = sum.groups.reduce((total, one) => total + (one.metrics.get(metric) ?? 0), 0);
    const isClose = Math.abs(whole - parts) <= 1e-9 * Math.max(1, Math.abs(whole));
    return isClose
      ? []
      : [`${metric} is ${whole}, its runs by ${sum.dimension.name} sum up to ${parts}`];
  });
  if (wrong.length === 0) return;
  throw new AppError(
    'INTERNAL',
    `The numbers of window ${toIso(sum.interval.fromMs)} do not agree with each other, so it was not published: ${wrong.join('; ')}.`,
    { details: { window: toIso(sum.interval.fromMs), wrong } },
  );
}
