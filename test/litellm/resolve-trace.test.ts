import { describe, expect, it } from 'vitest';
import type { Generation } from '../../src/litellm/generation.ts';
import { resolveTrace } from '../../src/litellm/resolve-trace.ts';
import { aFailure, aGeneration, builtStartMs, traceAttributes } from '../support/builders.ts';

const at = (seconds: number) => builtStartMs + seconds * 1_000;

/** Ids of the attempts of each request, the final one last and marked. */
function requests(generations: readonly Generation[]): string[] {
  const resolved = resolveTrace({ generations, attributes: null });
  const ids = [...new Set(resolved.map(({ requestId }) => requestId))];
  return ids.map((requestId) =>
    resolved
      .filter((row) => row.requestId === requestId)
      .map((row) => `${row.id}${row.isFinalAttempt ? '!' : ''}`)
      .join(' '),
  );
}

describe('attempts and requests', () => {
  it('a failure and the attempt after it are one request, named by the first', () => {
    const rows = [aFailure({ id: 'a' }), aGeneration({ id: 'b', startMs: at(1) })];
    expect(requests(rows)).toEqual(['a b!']);
    expect(resolveTrace({ generations: rows, attributes: null })[1]?.requestId).toBe('trace-1/a');
  });

  it('retries and a fallback to another model chain', () => {
    const rows = [
      aFailure({ id: 'a' }),
      aFailure({ id: 'b', startMs: at(2) }),
      aGeneration({ id: 'c', startMs: at(5), model: 'fallback', modelRaw: 'azure/fallback' }),
    ];
    expect(requests(rows)).toEqual(['a b c!']);
  });

  it('the gap is 30 s from the end of the failure', () => {
    const failure = aFailure({ id: 'a', endMs: at(10) });
    expect(requests([failure, aGeneration({ id: 'b', startMs: at(40) })])).toEqual(['a b!']);
    expect(requests([failure, aGeneration({ id: 'b', startMs: at(40) + 1 })])).toEqual([
      'a!',
      'b!',
    ]);
  });

  it('what ran beside the failure is another request', () => {
    const failure = aFailure({ id: 'a', endMs: at(10) });
    const beside = aGeneration({ id: 'b', startMs: at(9) });
    expect(requests([failure, beside])).toEqual(['a!', 'b!']);
    const retry = aGeneration({ id: 'c', startMs: at(10) });
    expect(requests([failure, beside, retry])).toEqual(['a c!', 'b!']);
  });

  it('calls that succeed one after the other are requests of their own', () => {
    const turns = ['a', 'b', 'c'].map((id, turn) => aGeneration({ id, startMs: at(turn * 3) }));
    expect(requests(turns)).toEqual(['a!', 'b!', 'c!']);
  });

  it('a success in between ends the search', () => {
    const rows = [
      aFailure({ id: 'a' }),
      aGeneration({ id: 'b', startMs: at(1) }),
      aGeneration({ id: 'c', startMs: at(4) }),
    ];
    expect(requests(rows)).toEqual(['a b!', 'c!']);
  });

  it('a cache hit does not continue a failure', () => {
    const hit = aGeneration({ id: 'b', startMs: at(1), isCacheHit: true });
    expect(requests([aFailure({ id: 'a' }), hit])).toEqual(['a!', 'b!']);
  });

  it('nor does a call of another id, key or kind', () => {
    const failure = aFailure({
      id: 'a',
      callId: 'call-1',
      keyHash: 'key-1',
      callType: 'acompletion',
    });
    const next = (fields: Partial<Generation>) =>
      requests([failure, aGeneration({ id: 'b', startMs: at(1), callType: null, ...fields })]);
    expect(next({})).toEqual(['a b!']);
    expect(next({ callId: 'call-2' })).toEqual(['a!', 'b!']);
    expect(next({ keyHash: 'key-2' })).toEqual(['a!', 'b!']);
    expect(next({ callType: 'aembedding' })).toEqual(['a!', 'b!']);
  });

  it('attempts with one call id are one request, however long they took', () => {
    const rows = [
      aFailure({ id: 'a', callId: 'call-1' }),
      aGeneration({ id: 'b', callId: 'call-2', startMs: at(1) }),
      aGeneration({ id: 'c', callId: 'call-1', startMs: at(300) }),
    ];
    expect(requests(rows)).toEqual(['a c!', 'b!']);
  });

  it('of attempts that start in the same millisecond the failed one came first', () => {
    const failure = aFailure({ id: 'z', endMs: builtStartMs });
    expect(requests([aGeneration({ id: 'a' }), failure])).toEqual(['a! z']);
  });

  it('observations without a trace share nothing', () => {
    const rows = [
      aFailure({ traceId: '', id: 'a' }),
      aGeneration({
        traceId: '',
        id: 'b',
        startMs: at(1),
        sessionId: 's',
        sessionSource: 'session_id',
      }),
      aGeneration({ traceId: '', id: 'c', startMs: at(2) }),
    ];
    expect(requests(rows)).toEqual(['a!', 'b!', 'c!']);
    const resolved = resolveTrace({ generations: rows, attributes: null });
    expect(resolved.map(({ sessionId }) => sessionId)).toEqual([null, 's', null]);
  });
});

describe('session', () => {
  const hinted = (fields: Partial<Generation> = {}) =>
    aGeneration({
      sessionId: 'hint',
      sessionSource: 'prompt_cache_key',
      sessionHint: 'hint',
      sessionHintSource: 'prompt_cache_key',
      ...fields,
    });
  const sessions = (generations: readonly Generation[], sessionId: string | null = null) =>
    resolveTrace({ generations, attributes: traceAttributes({ sessionId }) }).map(
      (row) => `${row.sessionId} ${row.sessionSource}`,
    );

  it('of the row, then of the trace, then the hint of the row: both readers agree', () => {
    const own = aGeneration({ sessionId: 'own', sessionSource: 'session_id' });
    expect(sessions([own], 'trace')).toEqual(['own session_id']);
    expect(sessions([hinted()], 'trace')).toEqual(['trace trace_session_id']);
    expect(sessions([hinted()])).toEqual(['hint prompt_cache_key']);
  });

  it('a hint outlives a session that the trace had for a while', () => {
    const once = resolveTrace({
      generations: [hinted()],
      attributes: traceAttributes({ sessionId: 'trace' }),
    });
    expect(sessions(once)).toEqual(['hint prompt_cache_key']);
  });

  it('of the nearest sibling, an earlier one first', () => {
    const rows = [
      aGeneration({ id: 'a', startMs: at(0) }),
      aGeneration({ id: 'b', startMs: at(60), sessionId: 's-1', sessionSource: 'session_id' }),
      aGeneration({ id: 'c', startMs: at(120) }),
      aGeneration({ id: 'd', startMs: at(180), sessionId: 's-2', sessionSource: 'session_id' }),
      aGeneration({ id: 'e', startMs: at(240) }),
    ];
    expect(sessions(rows)).toEqual([
      's-1 trace_sibling',
      's-1 session_id',
      's-1 trace_sibling',
      's-2 session_id',
      's-2 trace_sibling',
    ]);
  });

  it('a trace of one request with retries is no session', () => {
    const rows = [aFailure({ id: 'a' }), aGeneration({ id: 'b', startMs: at(1) })];
    expect(sessions(rows)).toEqual(['null null', 'null null']);
  });

  it('nor is a trace of what others wrote', () => {
    const others = ['a', 'b'].map((id, turn) =>
      aGeneration({ id, startMs: at(60 * turn), callback: null }),
    );
    expect(sessions(others)).toEqual(['null null', 'null null']);
  });

  it('a session that came from the trace id goes when the other request turns out to be a retry', () => {
    const failure = aFailure({ id: 'a', endMs: at(50) });
    const answer = aGeneration({ id: 'c', startMs: at(100) });
    const before = resolveTrace({ generations: [failure, answer], attributes: null });
    expect(before.map(({ sessionSource }) => sessionSource)).toEqual(['trace_id', 'trace_id']);
    const late = aFailure({ id: 'b', startMs: at(75), endMs: at(80) });
    expect(sessions([...before, late])).toEqual(['null null', 'null null', 'null null']);
  });
});

describe('attributes of the trace', () => {
  it('fill what the row has not', () => {
    const attributes = traceAttributes({
      environment: 'production',
      release: 'r1',
      version: 'v1',
      tags: ['b', 'User-Agent: Cline/3.17.0'],
    });
    const own = aGeneration({ environment: 'staging', version: 'v0', tags: ['a'] });
    const [resolved] = resolveTrace({ generations: [own], attributes });
    expect(resolved).toMatchObject({
      environment: 'staging',
      release: 'r1',
      version: 'v0',
      tags: ['User-Agent: Cline/3.17.0', 'a', 'b'],
      clientTool: 'Cline',
    });
  });

  it('no attributes, no generations: nothing happens', () => {
    expect(resolveTrace({ generations: [], attributes: null })).toEqual([]);
    const [resolved] = resolveTrace({ generations: [aGeneration()], attributes: null });
    expect(resolved).toEqual({
      ...aGeneration(),
      requestId: 'trace-1/observation-1',
      isFinalAttempt: true,
    });
  });
});
