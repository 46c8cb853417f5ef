/** A Langfuse project that goes on for weeks: what the worker meets night after night. */
import fc from 'fast-check';
import {
  rarely,
  type RowPlan,
  type RowVersion,
  type ScorePlan,
  type TrafficPlan,
} from './crash-traffic.ts';
import type { Trouble, WorldSettings } from './crash-world.ts';

/** Nights that the worker runs; on night n the days before n + 2 have ended. */
export const nights = 24;
const days = nights;

/** What one night does: the runs that go wrong, and whether somebody starts it again on the same night. */
export interface NightPlan {
  readonly troubles: readonly { readonly kind: Trouble['kind']; readonly at: number }[];
  readonly isResumed: boolean;
}

export interface NightsStory {
  readonly traffic: TrafficPlan;
  readonly nights: readonly NightPlan[];
  readonly settings: WorldSettings;
}

const day = fc.integer({ min: 0, max: days - 1 });
const anyNight = fc.integer({ min: 1, max: nights - 1 });

const version = (at: fc.Arbitrary<number>): fc.Arbitrary<RowVersion> =>
  fc.record({
    day: at,
    model: fc.integer({ min: 0, max: 2 }),
    session: fc.option(fc.integer({ min: 0, max: 5 }), { freq: 3, nil: null }),
    cost: fc.option(fc.integer({ min: 0, max: 9 }), { freq: 4, nil: null }),
    isError: fc.boolean(),
    text: fc.integer({ min: 0, max: 2 }),
  });

/** Nights until Langfuse shows a row: mostly none; some come later than any lookback here. */
const delay = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 2 }) },
  { weight: 1, arbitrary: fc.integer({ min: 5, max: 9 }) },
);

const row: fc.Arbitrary<RowPlan> = day.chain((first) =>
  fc
    .record({
      trace: fc.integer({ min: 0, max: 39 }),
      // Minute 1439 ends a day, and a few milliseconds later the next one begins.
      minute: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constant(1439)),
      first: version(fc.constant(first)),
      late: delay,
      change: fc.option(
        fc.record({
          night: anyNight,
          // Also to the day before or after: a start time that moves over the edge of a window.
          to: version(
            fc.integer({ min: Math.max(0, first - 1), max: Math.min(days - 1, first + 1) }),
          ),
        }),
        { freq: 2, nil: null },
      ),
      changesBackAt: rarely(anyNight),
      deletedAt: rarely(anyNight),
    })
    .map(({ late, ...plan }) => ({ ...plan, visibleFrom: first + late, missingAt: null })),
);

const score: fc.Arbitrary<ScorePlan> = fc.record({
  of: fc.constantFrom('trace', 'observation', 'session'),
  subject: fc.integer({ min: 0, max: 39 }),
  name: fc.integer({ min: 0, max: 1 }),
  day,
  value: fc.integer({ min: 0, max: 4 }),
  visibleFrom: fc.integer({ min: 0, max: nights - 1 }),
  change: rarely(fc.record({ night: anyNight, value: fc.integer({ min: 0, max: 4 }) })),
  deletedAt: rarely(anyNight),
});

const trouble: fc.Arbitrary<NightPlan['troubles'][number]> = fc.record({
  kind: fc.constantFrom('crash', 'crash', 'lost', 'down', 'dark'),
  at: fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1000),
});

const night: fc.Arbitrary<NightPlan> = fc.record({
  troubles: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(trouble, { minLength: 1, maxLength: 2 }) },
  ),
  isResumed: fc.boolean(),
});

export const nightsStories: fc.Arbitrary<NightsStory> = fc.record({
  traffic: fc.record({
    rows: fc.array(row, { minLength: 60, maxLength: 90, size: 'max' }),
    scores: fc.array(score, { minLength: 4, maxLength: 12, size: 'max' }),
    unreadable: fc.constant([]),
  }),
  nights: fc.array(night, { minLength: nights, maxLength: nights }),
  settings: fc.record({
    lookbackDays: fc.integer({ min: 1, max: 4 }),
    requestRuns: fc.boolean(),
    concurrency: fc.integer({ min: 1, max: 3 }),
    pageSize: fc.integer({ min: 1, max: 20 }),
    hasInlineText: fc.boolean(),
  }),
});
