/** The twelve sample rows (docs/litellm.md), from the wire of the legacy API to a resolved generation. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findDoubleLogged } from '../../src/litellm/double-logged.ts';
import type { Generation, ResolvedGeneration } from '../../src/litellm/generation.ts';
import { resolveTrace } from '../../src/litellm/resolve-trace.ts';
import { toGeneration } from '../../src/litellm/to-generation.ts';
import type { Observation, TraceAttributes } from '../../src/shared/observation.ts';
import { understandingRules } from '../support/builders.ts';

interface WireObservation {
  readonly id: string;
  readonly projectId: string;
  readonly traceId: string;
  readonly parentObservationId: string | null;
  readonly name: string;
  readonly type: string;
  readonly environment: string;
  readonly startTime: string;
  readonly endTime: string | null;
  readonly completionStartTime: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly version: string | null;
  readonly level: string;
  readonly statusMessage: string | null;
  readonly model: string | null;
  readonly modelParameters: Record<string, unknown> | null;
  readonly usageDetails: Record<string, number>;
  readonly costDetails: Record<string, number>;
  readonly promptName: string | null;
  readonly promptVersion: number | null;
  readonly metadata: Record<string, unknown>;
  readonly input: unknown;
  readonly output: unknown;
}

interface WireTrace {
  readonly id: string;
  readonly timestamp: string;
  readonly updatedAt: string;
  readonly name: string;
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly tags: readonly string[];
  readonly environment: string;
  readonly release: string | null;
  readonly version: string | null;
  readonly metadata: Record<string, unknown>;
}

interface Expected {
  readonly id: string;
  readonly input_total: number | null;
  readonly uncached: number | null;
  readonly cache_read: number | null;
  readonly cache_write: number | null;
  readonly output_total: number | null;
  readonly reasoning: number | null;
  readonly total: number | null;
  readonly cost: number | null;
  readonly ttft_s: number | null;
  readonly error: boolean;
}

function readFixture(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8'));
}

function toMs(iso: string | null): number | null {
  return iso === null ? null : Date.parse(iso);
}

function toObservation(wire: WireObservation): Observation {
  return {
    ...wire,
    release: null,
    startMs: Date.parse(wire.startTime),
    endMs: toMs(wire.endTime),
    completionStartMs: toMs(wire.completionStartTime),
    createdMs: toMs(wire.createdAt),
    updatedMs: toMs(wire.updatedAt),
    calculatedTotalCostUsd: null,
    userId: null,
    sessionId: null,
    tags: [],
    traceName: null,
    content: { input: wire.input, output: wire.output },
  };
}

function toAttributes(wire: WireTrace): TraceAttributes {
  const { id, timestamp, updatedAt, ...rest } = wire;
  return { ...rest, traceId: id, timestampMs: Date.parse(timestamp), updatedMs: toMs(updatedAt) };
}

const rows = (readFixture('litellm-samples') as { data: WireObservation[] }).data;
const traces = readFixture('litellm-samples-traces') as { data: WireTrace[] } | WireTrace[];
const expectedRows = readFixture('litellm-samples-expected') as Expected[];

const generations: readonly Generation[] = rows.map((row) => {
  const understanding = toGeneration(toObservation(row), understandingRules());
  if (understanding.kind === 'not_counted') throw new Error(`${row.id}: ${understanding.reason}`);
  return understanding.generation;
});
const resolved: readonly ResolvedGeneration[] = (
  Array.isArray(traces) ? traces : traces.data
).flatMap((trace) =>
  resolveTrace({
    generations: generations.filter(({ traceId }) => traceId === trace.id),
    attributes: toAttributes(trace),
  }),
);
function sample(number: number): ResolvedGeneration {
  const found = resolved.find(({ id, traceId }) => {
    const row = rows[number - 1];
    return id === row?.id && traceId === row.traceId;
  });
  if (found === undefined) throw new Error(`no sample ${number}`);
  return found;
}

describe('the twelve samples', () => {
  it('are twelve, each with an expectation', () => {
    expect(rows).toHaveLength(12);
    expect(resolved).toHaveLength(12);
    expect(expectedRows.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
  });

  it.each(expectedRows.map((expected, index) => ({ number: index + 1, expected })))(
    'sample $number gives exactly what is expected',
    ({ number, expected }) => {
      const { tokens, costUsd, timeToFirstTokenMs, isError, id } = sample(number);
      expect({
        id,
        input_total: tokens?.promptTokens ?? null,
        uncached: tokens?.uncachedPromptTokens ?? null,
        cache_read: tokens?.cacheReadTokens ?? null,
        cache_write: tokens?.cacheWriteTokens ?? null,
        output_total: tokens?.completionTokens ?? null,
        reasoning: tokens?.reasoningTokens ?? null,
        total: tokens?.totalTokens ?? null,
        cost: costUsd,
        ttft_s: timeToFirstTokenMs === null ? null : timeToFirstTokenMs / 1_000,
        error: isError,
      }).toEqual(expected);
    },
  );

  it('no row has odd usage but the one without any', () => {
    expect(resolved.map(({ usageFault }) => usageFault).filter((fault) => fault !== null)).toEqual([
      'missing',
    ]);
    expect(sample(10)).toMatchObject({ usageFault: 'missing', costSource: 'unknown' });
  });

  it('cost sources: all from LiteLLM but the failure, the cache hit and the unknown one', () => {
    const sources = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map(
      (number) => sample(number).costSource,
    );
    expect(
      sources.map((source, index) => (source === 'provided' ? null : `${index + 1} ${source}`)),
    ).toEqual([
      null,
      null,
      null,
      null,
      '5 not_billed',
      null,
      null,
      null,
      '9 not_billed',
      '10 unknown',
      null,
      null,
    ]);
  });

  it('2 and 3: two turns of one Cline task, a request each', () => {
    const turns = [sample(2), sample(3)];
    for (const turn of turns) {
      expect(turn).toMatchObject({
        sessionId: 'cline-01KSYN7Q4V0000000000TASKA',
        sessionSource: 'trace_id',
        clientTool: 'OpenAI/JS',
        isFinalAttempt: true,
      });
    }
    expect(turns[0]?.requestId).not.toBe(turns[1]?.requestId);
  });

  it('1: key, team, owner and client', () => {
    expect(sample(1)).toMatchObject({
      keyAlias: 'ci-bot',
      keyHash: '513823b5ec514258943d36d5a035f2f02e6a582121d66c7dea468fe7ff43e239',
      teamId: 'team-0a11',
      teamAlias: 'compiler-tools',
      userId: 'svc-ci',
      userSource: 'key_owner',
      clientTool: 'curl',
      provider: 'openai',
      model: 'gpt-4o-mini',
      responseId: 'chatcmpl-synA1',
      gatewayOverheadMs: 6.4,
      sessionId: null,
      sessionSource: null,
    });
  });

  it('4: one tool call, the session of the trace', () => {
    expect(sample(4)).toMatchObject({
      toolCalls: 1,
      sessionId: 'job-4411',
      sessionSource: 'trace_session_id',
      sessionHint: 'job-4411',
      sessionHintSource: 'requester_metadata',
    });
    expect([1, 2, 3, 7, 12].map((number) => sample(number).toolCalls)).toEqual([0, 0, 0, 0, 0]);
  });

  it('5: class and status out of the text', () => {
    expect(sample(5)).toMatchObject({
      errorClass: 'RateLimitError',
      httpStatus: 429,
      model: 'gpt-5-mini',
    });
  });

  it('6: an embedding has no tool calls to count and a legitimate output of 0', () => {
    expect(sample(6)).toMatchObject({
      callType: 'aembedding',
      model: 'embed-small',
      toolCalls: null,
    });
  });

  it('8: a span of langfuse_otel', () => {
    expect(sample(8)).toMatchObject({
      callback: 'langfuse_otel',
      callType: 'acompletion',
      isStreaming: true,
      keyAlias: 'eng-017-laptop',
      model: 'deepseek-reasoner',
      provider: 'deepseek',
    });
  });

  it('9: a cache hit repeats the response id and is no double', () => {
    expect(sample(9)).toMatchObject({ isCacheHit: true, responseId: sample(1).responseId });
    expect(findDoubleLogged(resolved)).toEqual(new Set());
  });

  it('11: the model behind an Azure deployment', () => {
    expect(sample(11)).toMatchObject({
      model: 'o4-mini',
      modelRaw: 'azure/corp-reasoner-east',
      modelGroup: 'o4-mini',
      provider: 'azure',
    });
  });

  it('12: Bedrock through the newest callback', () => {
    expect(sample(12)).toMatchObject({
      callback: 'langfuse',
      model: 'claude-sonnet-4-5-20250929',
      modelGroup: null,
      provider: 'bedrock',
      clientTool: 'claude-cli',
      sessionId: '0d9f7e52-6a60-4b1c-8a10-5e5e5e5e5e12',
      sessionSource: 'trace_session_id',
      sessionHintSource: 'requester_header',
      callId: '12121212-3434-4565-8787-909012123412',
      responseId: 'chatcmpl-synL12',
      environment: 'production',
    });
  });
});
