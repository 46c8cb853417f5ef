/** Known faults of LiteLLM and Langfuse in traces and ids, each with its smallest input (docs/litellm.md). */
import { describe, expect, it } from 'vitest';
import { findDoubleLogged, identityOf } from '../../src/litellm/double-logged.ts';
import { resolveTrace } from '../../src/litellm/resolve-trace.ts';
import {
  aFailure,
  aGeneration,
  builtStartMs,
  tokenCounts,
  traceAttributes,
} from '../support/builders.ts';
import { understand } from './understand.ts';

const minuteMs = 60_000;

describe('traces are not requests', () => {
  it('fault 7: a session in one trace (BerriAI/litellm#40177) is as many requests as it has calls', () => {
    const generations = [0, 1, 2].map((turn) =>
      aGeneration({ id: `turn-${turn}`, startMs: builtStartMs + turn * minuteMs }),
    );
    const resolved = resolveTrace({
      generations,
      attributes: traceAttributes({ sessionId: 'session-1' }),
    });
    expect(new Set(resolved.map(({ requestId }) => requestId)).size).toBe(3);
    expect(resolved.every(({ isFinalAttempt }) => isFinalAttempt)).toBe(true);
    expect(resolved.map(({ sessionId }) => sessionId)).toEqual([
      'session-1',
      'session-1',
      'session-1',
    ]);
  });

  it('fault 8: `/v1/responses` has the session as trace id and no session (BerriAI/litellm#34226)', () => {
    const turns = [0, 1].map((turn) =>
      aGeneration({
        traceId: 'job-9',
        id: `turn-${turn}`,
        startMs: builtStartMs + turn * minuteMs,
      }),
    );
    const [first, second] = resolveTrace({ generations: turns, attributes: null });
    for (const turn of [first, second]) {
      expect(turn).toMatchObject({ sessionId: 'job-9', sessionSource: 'trace_id' });
    }
    const alone = resolveTrace({ generations: turns.slice(0, 1), attributes: null });
    expect(alone[0]).toMatchObject({ sessionId: null, sessionSource: null });
  });

  it('fault 9: the same call under another trace id (BerriAI/litellm#31378) is joined by call or response id', () => {
    const one = aGeneration({ traceId: 'own', callId: 'call-1' });
    const other = aGeneration({
      traceId: 'callers',
      callId: 'call-1',
      tokens: null,
      costSource: 'unknown',
    });
    expect(findDoubleLogged([one, other])).toEqual(new Set([identityOf(other)]));
    const withoutTwin = aGeneration({ traceId: 'callers', callId: 'call-2' });
    expect(findDoubleLogged([one, withoutTwin])).toEqual(new Set());
  });

  it('fault 10: with `existing_trace_id` a row has no session (langfuse/langfuse#3699): its sibling has', () => {
    const rows = [
      aGeneration({
        id: 'a',
        startMs: builtStartMs,
        sessionId: 's-1',
        sessionSource: 'session_id',
      }),
      aGeneration({ id: 'b', startMs: builtStartMs + minuteMs }),
    ];
    const [, second] = resolveTrace({ generations: rows, attributes: null });
    expect(second).toMatchObject({ sessionId: 's-1', sessionSource: 'trace_sibling' });
  });

  it('fault 11: an agent without a session id (cline/cline#4998) gets none: sessions are not invented', () => {
    const [resolved] = resolveTrace({
      generations: [aGeneration()],
      attributes: traceAttributes(),
    });
    expect(resolved).toMatchObject({ sessionId: null, sessionSource: null });
    const cline = aGeneration({ traceId: 'cline-01KSYN' });
    expect(resolveTrace({ generations: [cline], attributes: null })[0]).toMatchObject({
      sessionId: 'cline-01KSYN',
      sessionSource: 'trace_id',
    });
  });

  it('fault 24: logging may stop within a session (langfuse/langfuse#1499): what is there keeps its session however far apart, gaps are for `verify`', () => {
    const generations = Array.from({ length: 1_200 }, (_, turn) =>
      aGeneration({ id: `turn-${turn}`, startMs: builtStartMs + turn * 10 * minuteMs }),
    );
    const resolved = resolveTrace({ generations, attributes: null });
    expect(resolved).toHaveLength(1_200);
    expect(new Set(resolved.map(({ sessionId }) => sessionId))).toEqual(new Set(['trace-1']));
    expect(new Set(resolved.map(({ requestId }) => requestId)).size).toBe(1_200);
  });

  it('fault 25: `litellm_session_id` in the metadata (BerriAI/litellm#11088) is read from there', () => {
    const generation = understand({
      metadata: { litellm_response_cost: 0, requester_metadata: { litellm_session_id: 'job-1' } },
    });
    expect(generation).toMatchObject({ sessionId: 'job-1', sessionSource: 'requester_metadata' });
  });
});

describe('double logging', () => {
  const twin = { responseId: 'chatcmpl-1', callId: null };

  it('fault 12: the sync and the async callback logged one call (BerriAI/litellm#7477)', () => {
    const one = aGeneration({ ...twin, traceId: 'trace-1', id: 'a' });
    const two = aGeneration({ ...twin, traceId: 'trace-2', id: 'a', startMs: builtStartMs + 3 });
    expect(findDoubleLogged([one, two])).toEqual(new Set([identityOf(two)]));
    expect(findDoubleLogged([two, one])).toEqual(new Set([identityOf(two)]));
  });

  it('fault 12: three logs of one call leave one', () => {
    const logs = ['a', 'b', 'c'].map((id) => aGeneration({ ...twin, id }));
    expect(findDoubleLogged(logs)).toEqual(new Set(logs.slice(1).map(identityOf)));
  });

  it('fault 12: a cache hit minutes later repeats the response id and is no double', () => {
    const call = aGeneration({ ...twin, id: 'a' });
    const hit = aGeneration({
      ...twin,
      id: 'b',
      traceId: 'trace-2',
      startMs: builtStartMs + 15 * minuteMs,
      isCacheHit: true,
      costUsd: 0,
      costSource: 'not_billed' as const,
    });
    expect(findDoubleLogged([call, hit])).toEqual(new Set());
    const quickHit = { ...hit, startMs: builtStartMs + 900 };
    expect(findDoubleLogged([call, quickHit])).toEqual(new Set());
    const otherHit = { ...hit, traceId: 'trace-3', startMs: hit.startMs + 5 };
    expect(findDoubleLogged([hit, otherHit])).toEqual(new Set());
  });

  it('fault 12: one second, one model, one total', () => {
    const call = aGeneration({ ...twin, id: 'a' });
    const near = (fields: Parameters<typeof aGeneration>[0]) =>
      findDoubleLogged([call, aGeneration({ ...twin, id: 'b', ...fields })]).size;
    expect(near({ startMs: builtStartMs + 1_000 })).toBe(1);
    expect(near({ startMs: builtStartMs + 1_001 })).toBe(0);
    expect(near({ model: 'other' })).toBe(0);
    expect(near({ tokens: tokenCounts({ completionTokens: 21 }) })).toBe(0);
    expect(near({ responseId: 'chatcmpl-2' })).toBe(0);
  });

  it('fault 12: attempts of one call that follow each other are no doubles', () => {
    const first = aFailure({ id: 'a', callId: 'call-1' });
    const second = aFailure({ id: 'b', callId: 'call-1', startMs: builtStartMs + 500 });
    const success = aGeneration({ id: 'c', callId: 'call-1', startMs: builtStartMs + 950 });
    expect(findDoubleLogged([first, second, success])).toEqual(new Set());
    const loggedTwice = aFailure({ id: 'd', callId: 'call-1', startMs: builtStartMs + 2 });
    expect(findDoubleLogged([first, loggedTwice])).toEqual(new Set([identityOf(loggedTwice)]));
  });

  it('fault 13: a span for the request and one for the provider (BerriAI/litellm#14020): the one with cost stays', () => {
    const span = { callback: 'langfuse_otel' as const, name: 'litellm_request' };
    const bare = aGeneration({
      ...span,
      id: 'a',
      tokens: null,
      costUsd: null,
      costSource: 'unknown',
    });
    const full = aGeneration({ ...span, id: 'b', startMs: builtStartMs + 20 });
    expect(findDoubleLogged([bare, full])).toEqual(new Set([identityOf(bare)]));
    const inOwnTrace = { ...bare, traceId: 'trace-2', responseId: 'r' };
    expect(findDoubleLogged([inOwnTrace, { ...full, responseId: 'r' }])).toEqual(
      new Set([identityOf(inOwnTrace)]),
    );
  });

  it('fault 13: the two rows of a doubled call do not make a session of its trace', () => {
    const span = { callback: 'langfuse_otel' as const };
    const rows = [aGeneration({ ...span, id: 'a' }), aGeneration({ ...span, id: 'b' })];
    const resolved = resolveTrace({ generations: rows, attributes: null });
    expect(resolved.map(({ sessionId }) => sessionId)).toEqual([null, null]);
  });
});
