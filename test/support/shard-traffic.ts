/** Small generated projects whose calls lie at the edges of windows, where what belongs together is in two shards. */
import fc from 'fast-check';
import type { Observation, Score } from '../../src/shared/observation.ts';
import { dayMs } from '../../src/shared/time.ts';
import { anObservation, traceAttributes } from './builders.ts';
import { firstDayMs, type Project } from './crash-traffic.ts';

interface EdgeRow {
  readonly trace: number;
  /** The midnight that it lies near: 1 is the end of the first day. */
  readonly midnight: number;
  /** Milliseconds after it. */
  readonly offset: number;
  readonly model: number;
  /** A call that is logged twice has it twice. */
  readonly call: number | null;
  readonly session: number | null;
  readonly isError: boolean;
}

interface EdgeScore {
  readonly of: 'trace' | 'observation' | 'session';
  readonly subject: number;
  readonly day: number;
  readonly value: number;
}

interface EdgeTrace {
  readonly session: number | null;
  readonly user: number | null;
}

export interface EdgePlan {
  readonly rows: readonly EdgeRow[];
  readonly scores: readonly EdgeScore[];
  readonly traces: readonly EdgeTrace[];
}

const days = 4;

export const edgePlans: fc.Arbitrary<EdgePlan> = fc.record({
  rows: fc.array(
    fc.record({
      trace: fc.integer({ min: 0, max: 2 }),
      midnight: fc.integer({ min: 1, max: days - 1 }),
      offset: fc.constantFrom(-20_000, -1500, -400, -1, 0, 300, 900, 15_000, 7_200_000),
      model: fc.integer({ min: 0, max: 1 }),
      call: fc.option(fc.integer({ min: 0, max: 2 }), { nil: null }),
      session: fc.option(fc.integer({ min: 0, max: 1 }), { freq: 2, nil: null }),
      isError: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  scores: fc.array(
    fc.record({
      of: fc.constantFrom('trace', 'observation', 'session'),
      subject: fc.integer({ min: 0, max: 2 }),
      day: fc.integer({ min: 0, max: days - 1 }),
      value: fc.integer({ min: 0, max: 4 }),
    }),
    { maxLength: 2 },
  ),
  traces: fc.array(
    fc.record({
      session: fc.option(fc.integer({ min: 2, max: 3 }), { nil: null }),
      user: fc.option(fc.integer({ min: 0, max: 1 }), { nil: null }),
    }),
    { minLength: 3, maxLength: 3 },
  ),
});

export function toEdgeProject(plan: EdgePlan): Project {
  const named = (kind: string, number: number | null): string | null =>
    number === null ? null : `${kind}-${number}`;
  return {
    observations: plan.rows.map(toRow),
    traces: new Map(
      plan.traces.map((trace, index) => [
        `trace-${index}`,
        traceAttributes({
          traceId: `trace-${index}`,
          sessionId: named('session', trace.session),
          userId: named('user', trace.user),
        }),
      ]),
    ),
    scores: plan.scores.map(toScore),
    unreadable: [],
  };
}

function toRow(row: EdgeRow, index: number): Observation {
  const startMs = firstDayMs + row.midnight * dayMs + row.offset;
  return anObservation({
    id: `row-${index}`,
    traceId: `trace-${row.trace}`,
    startMs,
    endMs: startMs + 500,
    model: `model-${row.model}`,
    sessionId: row.session === null ? null : `session-${row.session}`,
    level: row.isError ? 'ERROR' : 'DEFAULT',
    statusMessage: row.isError ? 'litellm.RateLimitError: slow down' : null,
    usageDetails: row.isError ? {} : { input: 100, output: 10, total: 110 },
    metadata: {
      litellm_response_cost: 0.001,
      ...(row.call === null ? {} : { litellm_call_id: `call-${row.call}` }),
    },
    content: {
      input: { messages: [{ role: 'user', content: `question ${index % 3}` }] },
      output: row.isError ? null : { role: 'assistant', content: `answer ${index}` },
    },
  });
}

function toScore(score: EdgeScore, index: number): Score {
  return {
    id: `score-${index}`,
    name: 'helpful',
    dataType: 'NUMERIC',
    value: score.value,
    stringValue: null,
    source: 'API',
    comment: null,
    timestampMs: firstDayMs + score.day * dayMs + 60_000,
    updatedMs: firstDayMs,
    traceId: score.of === 'session' ? null : `trace-${score.subject}`,
    observationId: score.of === 'observation' ? `row-${score.subject}` : null,
    sessionId: score.of === 'session' ? `session-${score.subject}` : null,
  };
}
