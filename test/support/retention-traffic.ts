/**
 * A Langfuse project of weeks whose sessions and traces mostly end after a few days, so that they are pruned, and of
 * which some go on or are scored long after.
 */
import fc from 'fast-check';
import {
  rarely,
  type RowPlan,
  type RowVersion,
  type ScorePlan,
  type TrafficPlan,
} from './crash-traffic.ts';
import type { WorldSettings } from './crash-world.ts';
import { nights } from './nights-traffic.ts';

export interface RetentionStory {
  readonly traffic: TrafficPlan;
  readonly settings: WorldSettings & { readonly retentionDays: number };
  /** On these nights a run dies first, at that share of its way. */
  readonly deaths: ReadonlyMap<number, number>;
  /** Days that are read again at last, one by one. */
  readonly backfills: readonly number[];
}

const days = nights;
const share = fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1000);
const day = fc.integer({ min: 0, max: days - 1 });
/** Traces and sessions that begin on the same few days. */
const perBlock = 3;
const blockDays = 3;

/** Mostly one of these days; now and then one of long ago, which goes on. */
function subjectOf(at: number): fc.Arbitrary<number> {
  const block = Math.floor(at / blockDays);
  return fc.oneof(
    {
      weight: 14,
      arbitrary: fc.integer({ min: 0, max: perBlock - 1 }).map((n) => block * perBlock + n),
    },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: block * perBlock + perBlock - 1 }) },
  );
}

function version(at: number): fc.Arbitrary<RowVersion> {
  return fc.record({
    day: fc.constant(at),
    model: fc.integer({ min: 0, max: 2 }),
    session: fc.option(subjectOf(at), { freq: 2, nil: null }),
    cost: fc.option(fc.integer({ min: 0, max: 9 }), { freq: 4, nil: null }),
    isError: fc.boolean(),
    text: fc.integer({ min: 0, max: 2 }),
  });
}

/** What the worker is told within the lookback, or at any time. */
type Lateness = (at: number) => number;

function row(latest: Lateness): fc.Arbitrary<RowPlan> {
  return day.chain((first) => {
    const lastSeen = Math.max(0, Math.min(nights - 1, latest(first)));
    const seenAt = fc.integer({ min: Math.min(lastSeen, Math.max(0, first - 1)), max: lastSeen });
    const movedTo = fc
      .integer({ min: Math.max(0, first - 1), max: Math.min(days - 1, first + 1) })
      .filter((to) => latest(to) >= lastSeen);
    return fc.record({
      trace: subjectOf(first),
      minute: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constant(1439)),
      first: version(first),
      visibleFrom: fc.oneof(fc.constant(0), seenAt),
      change: fc.option(fc.record({ night: seenAt, to: movedTo.chain(version) }), {
        freq: 2,
        nil: null,
      }),
      changesBackAt: fc.constant(null),
      missingAt: fc.constant(null),
      deletedAt: rarely(seenAt),
    });
  });
}

function score(latest: Lateness): fc.Arbitrary<ScorePlan> {
  return day.chain((at) => {
    const lastSeen = Math.max(0, Math.min(nights - 1, latest(at)));
    const seenAt = fc.integer({ min: Math.min(lastSeen, Math.max(0, at - 1)), max: lastSeen });
    return fc.record({
      of: fc.constantFrom('trace', 'observation', 'session'),
      // Of anything that ever was.
      subject: fc.integer({ min: 0, max: Math.ceil(days / blockDays) * perBlock - 1 }),
      name: fc.integer({ min: 0, max: 1 }),
      day: fc.constant(at),
      value: fc.integer({ min: 0, max: 4 }),
      visibleFrom: seenAt,
      change: fc.option(fc.record({ night: seenAt, value: fc.integer({ min: 0, max: 4 }) }), {
        freq: 2,
        nil: null,
      }),
      deletedAt: fc.constant(null),
    });
  });
}

/** `anyTime`: rows come, change and go also after the worker has last read their windows. */
export function retentionStories(anyTime: {
  readonly anyTime: boolean;
}): fc.Arbitrary<RetentionStory> {
  return fc.integer({ min: 1, max: 4 }).chain((lookbackDays) => {
    const latest: Lateness = (at) => (anyTime.anyTime ? nights - 1 : at + lookbackDays - 2);
    return fc.record({
      traffic: fc.record({
        rows: fc.array(row(latest), { minLength: 60, maxLength: 90, size: 'max' }),
        scores: fc.array(score(latest), { minLength: 4, maxLength: 12, size: 'max' }),
        unreadable: fc.constant([]),
      }),
      settings: fc.record({
        lookbackDays: fc.constant(lookbackDays),
        // Shorter ones than the settings allow try more; there what a report stands beside is pruned, too.
        retentionDays: fc.integer({
          min: lookbackDays + (anyTime.anyTime ? 9 : 2),
          max: lookbackDays + (anyTime.anyTime ? 12 : 11),
        }),
        requestRuns: fc.boolean(),
        concurrency: fc.constant(2),
        pageSize: fc.constant(20),
        hasInlineText: fc.boolean(),
      }),
      deaths: fc
        .array(fc.tuple(fc.integer({ min: 0, max: nights - 1 }), share), { maxLength: 10 })
        .map((deaths) => new Map(deaths)),
      backfills: fc.uniqueArray(day, { minLength: 3, maxLength: 6 }),
    });
  });
}
