/**
 * Small generated Langfuse projects that change from night to night: late rows, changed rows, moved rows, deleted
 * rows, retries, sessions over days, scores, unreadable rows. Everything is plain data, so that fast-check shrinks it.
 */
import fc from 'fast-check';
import type { Observation, Score, TraceAttributes } from '../../src/shared/observation.ts';
import { dayMs } from '../../src/shared/time.ts';
import type { UnreadableRow } from '../../src/sync/ports.ts';
import { anObservation, traceAttributes } from './builders.ts';

/** First window of every generated project. */
export const firstDayMs = Date.UTC(2026, 2, 2);
/** Days that hold traffic: 0, 1, 2, 3. */
const days = 4;
/** From this night on nothing changes any more. */
export const lastNight = 2;

/** What a row is like from a night on. */
export interface RowVersion {
  readonly day: number;
  readonly model: number;
  readonly session: number | null;
  /** Thousandths of a dollar; null is unknown. */
  readonly cost: number | null;
  readonly isError: boolean;
  readonly text: number;
}

export interface RowPlan {
  readonly trace: number;
  readonly minute: number;
  readonly first: RowVersion;
  /** Langfuse shows it from this night on. */
  readonly visibleFrom: number;
  readonly change: { readonly night: number; readonly to: RowVersion } | null;
  /** From this night on it is as it was at first again. */
  readonly changesBackAt: number | null;
  /** Langfuse does not show it on this night alone. */
  readonly missingAt: number | null;
  readonly deletedAt: number | null;
}

export interface ScorePlan {
  readonly of: 'trace' | 'observation' | 'session';
  readonly subject: number;
  readonly name: number;
  readonly day: number;
  readonly value: number;
  readonly visibleFrom: number;
  readonly change: { readonly night: number; readonly value: number } | null;
  readonly deletedAt: number | null;
}

export interface UnreadablePlan {
  readonly day: number;
  readonly goneAt: number | null;
}

export interface TrafficPlan {
  readonly rows: readonly RowPlan[];
  readonly scores: readonly ScorePlan[];
  readonly unreadable: readonly UnreadablePlan[];
}

/** What Langfuse holds on one night. */
export interface Project {
  readonly observations: readonly Observation[];
  readonly traces: ReadonlyMap<string, TraceAttributes>;
  readonly scores: readonly Score[];
  readonly unreadable: readonly UnreadableRow[];
}

/** One time in four; `fc.option` counts the other way round, and `freq: 1` of it is never. */
export function rarely<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });
}

const night = fc.integer({ min: 1, max: lastNight });
const visibleFrom = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: lastNight }) },
);
const maybeNight = fc.option(night, { freq: 2, nil: null });

const rowVersion: fc.Arbitrary<RowVersion> = fc.record({
  day: fc.integer({ min: 0, max: days - 1 }),
  model: fc.integer({ min: 0, max: 2 }),
  session: fc.option(fc.integer({ min: 0, max: 1 }), { freq: 3, nil: null }),
  cost: fc.option(fc.integer({ min: 0, max: 9 }), { freq: 4, nil: null }),
  isError: fc.boolean(),
  text: fc.integer({ min: 0, max: 2 }),
});

const row: fc.Arbitrary<RowPlan> = fc.record({
  trace: fc.integer({ min: 0, max: 3 }),
  minute: fc.integer({ min: 0, max: 5 }),
  first: rowVersion,
  visibleFrom,
  change: fc.option(fc.record({ night, to: rowVersion }), { freq: 2, nil: null }),
  changesBackAt: maybeNight,
  missingAt: rarely(night),
  deletedAt: rarely(night),
});

const score: fc.Arbitrary<ScorePlan> = fc.record({
  of: fc.constantFrom('trace', 'observation', 'session'),
  subject: fc.integer({ min: 0, max: 3 }),
  name: fc.integer({ min: 0, max: 1 }),
  day: fc.integer({ min: 0, max: days - 1 }),
  value: fc.integer({ min: 0, max: 4 }),
  visibleFrom,
  change: rarely(fc.record({ night, value: fc.integer({ min: 0, max: 4 }) })),
  deletedAt: maybeNight,
});

const changingPlans: fc.Arbitrary<TrafficPlan> = fc.record({
  rows: fc.array(row, { minLength: 1, maxLength: 7 }),
  scores: fc.array(score, { maxLength: 2 }),
  unreadable: fc.array(
    fc.record({ day: fc.integer({ min: 0, max: days - 1 }), goneAt: maybeNight }),
    { maxLength: 1 },
  ),
});

/** One in four never changes: there even what a change may leave different must be equal. */
export const trafficPlans: fc.Arbitrary<TrafficPlan> = fc.oneof(
  { weight: 3, arbitrary: changingPlans },
  { weight: 1, arbitrary: changingPlans.map(toStillPlan) },
);

function toStillPlan(plan: TrafficPlan): TrafficPlan {
  const still = { visibleFrom: 0, change: null, deletedAt: null };
  return {
    rows: plan.rows.map((one) => ({ ...one, ...still, missingAt: null })),
    scores: plan.scores.map((one) => ({ ...one, ...still })),
    unreadable: plan.unreadable.map((one) => ({ ...one, goneAt: null })),
  };
}

/** True when Langfuse shows the same on every night. */
export function isStill(plan: TrafficPlan): boolean {
  const changes = [...plan.rows, ...plan.scores].some(
    (one) => one.visibleFrom > 0 || one.change !== null || one.deletedAt !== null,
  );
  const isMissing = plan.rows.some((one) => one.missingAt !== null);
  return !changes && !isMissing && plan.unreadable.every((one) => one.goneAt === null);
}

/** The project as Langfuse shows it on that night. */
export function toProject(plan: TrafficPlan, atNight: number): Project {
  const observations = plan.rows.flatMap((one, index) => toObservation(one, index, atNight));
  return {
    observations,
    traces: new Map(
      observations.map(({ traceId, updatedMs, startMs }) => [
        traceId,
        traceAttributes({ traceId, updatedMs, timestampMs: startMs }),
      ]),
    ),
    scores: plan.scores.flatMap((one, index) => toScore(one, index, atNight)),
    unreadable: plan.unreadable
      .map((one, index) => ({ ...one, index }))
      .filter(({ goneAt }) => goneAt === null || atNight < goneAt)
      .map(({ day, index }) => ({
        traceId: null,
        id: `unreadable-${index}`,
        startMs: firstDayMs + day * dayMs,
        reason: 'it is no JSON',
        raw: null,
      })),
  };
}

function toObservation(plan: RowPlan, index: number, atNight: number): Observation[] {
  if (atNight < plan.visibleFrom) return [];
  if (plan.deletedAt !== null && atNight >= plan.deletedAt) return [];
  if (atNight === plan.missingAt) return [];
  const { change, changesBackAt } = plan;
  const wasChanged = change !== null && atNight >= change.night;
  const isBack = wasChanged && changesBackAt !== null && atNight >= changesBackAt;
  const version = wasChanged && !isBack ? change.to : plan.first;
  const updatedNight = isBack
    ? Math.max(changesBackAt, change.night)
    : wasChanged
      ? change.night
      : 0;
  const startMs = firstDayMs + version.day * dayMs + plan.minute * 60_000 + index;
  const model = `model-${version.model}`;
  return [
    anObservation({
      id: `row-${index}`,
      traceId: `trace-${plan.trace}`,
      startMs,
      endMs: startMs + 1000 + index,
      updatedMs: firstDayMs + updatedNight * dayMs + 1,
      model,
      sessionId: version.session === null ? null : `session-${version.session}`,
      level: version.isError ? 'ERROR' : 'DEFAULT',
      statusMessage: version.isError ? 'litellm.RateLimitError: slow down' : null,
      usageDetails: version.isError ? {} : { input: 100 + index, output: 10, total: 110 + index },
      costDetails: version.cost === null ? {} : { total: version.cost / 1000 },
      metadata: version.cost === null ? {} : { litellm_response_cost: version.cost / 1000 },
      content: {
        input: { messages: [{ role: 'user', content: `question ${version.text}` }] },
        output: version.isError ? null : { role: 'assistant', content: `answer ${version.text}` },
      },
    }),
  ];
}

function toScore(plan: ScorePlan, index: number, atNight: number): Score[] {
  if (atNight < plan.visibleFrom) return [];
  if (plan.deletedAt !== null && atNight >= plan.deletedAt) return [];
  const isChanged = plan.change !== null && atNight >= plan.change.night;
  return [
    {
      id: `score-${index}`,
      name: `score ${plan.name}`,
      dataType: 'NUMERIC',
      value: isChanged && plan.change !== null ? plan.change.value : plan.value,
      stringValue: null,
      source: 'API',
      comment: null,
      timestampMs: firstDayMs + plan.day * dayMs + 60_000,
      updatedMs: firstDayMs + (isChanged && plan.change !== null ? plan.change.night : 0) * dayMs,
      traceId: plan.of === 'session' ? null : `trace-${plan.subject}`,
      observationId: plan.of === 'observation' ? `row-${plan.subject}` : null,
      sessionId: plan.of === 'session' ? `session-${plan.subject % 2}` : null,
    },
  ];
}
