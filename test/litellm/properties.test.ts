/** Laws that hold for every row and every trace. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countToolCalls, withContent } from '../../src/litellm/content.ts';
import { findDoubleLogged, identityOf } from '../../src/litellm/double-logged.ts';
import type { Generation } from '../../src/litellm/generation.ts';
import { resolveTrace } from '../../src/litellm/resolve-trace.ts';
import { toGeneration } from '../../src/litellm/to-generation.ts';
import { toUsage, type Usage } from '../../src/litellm/tokens.ts';
import {
  aFailure,
  aGeneration,
  anObservation,
  builtStartMs,
  tokenCounts,
  traceAttributes,
  understandingRules,
} from '../support/builders.ts';

const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null });
const few = (...values: string[]) => optional(fc.constantFrom(...values));

const generation: fc.Arbitrary<Generation> = fc
  .record({
    isError: fc.boolean(),
    isCacheHit: fc.boolean(),
    startMs: fc.integer({ min: 0, max: 90_000 }).map((offset) => builtStartMs + offset),
    durationMs: optional(fc.integer({ min: -5, max: 20_000 })),
    callId: few('call-1', 'call-2', 'call-3'),
    responseId: few('response-1', 'response-2'),
    callType: few('acompletion', 'aembedding'),
    keyHash: few('key-1', 'key-2'),
    ownSession: few('session-1', 'session-2'),
    sessionHint: few('hint-1', 'hint-2'),
    ownUser: few('user-1', 'user-2'),
    keyOwnerId: few('owner-1'),
    userAgent: few('claude-cli/2.1.0', 'OpenAI/JS 4.83.0'),
    callback: optional(fc.constantFrom('langfuse' as const, 'langfuse_otel' as const)),
    tokens: fc.constantFrom(null, tokenCounts(), tokenCounts({ promptTokens: 7 })),
    tags: fc.uniqueArray(fc.constantFrom('b', 'a', 'User-Agent: curl')),
  })
  .map(({ durationMs, ownSession, ownUser, userAgent, ...fields }) => {
    const { isError, startMs, sessionHint, keyOwnerId, tokens } = fields;
    const hintSource = sessionHint === null ? null : 'requester_metadata';
    const build = isError ? aFailure : aGeneration;
    return build({
      ...fields,
      endMs: durationMs === null ? null : startMs + durationMs,
      tokens: isError ? null : tokens,
      sessionId: ownSession ?? sessionHint,
      sessionSource: ownSession === null ? hintSource : 'session_id',
      sessionHintSource: hintSource,
      userId: ownUser ?? keyOwnerId,
      userSource: ownUser === null ? (keyOwnerId === null ? null : 'key_owner') : 'user_id',
      tags: fields.tags.toSorted(),
      metadata: userAgent === null ? {} : { user_agent: userAgent },
    });
  });

const generations = fc
  .tuple(fc.constantFrom('trace-1', 'cline-1', ''), fc.array(generation, { maxLength: 9 }))
  .map(([traceId, rows]) => rows.map((row, index) => ({ ...row, traceId, id: `row-${index}` })));

const attributes = optional(
  fc
    .record({
      sessionId: few('session-1', 'session-9'),
      userId: few('user-9'),
      release: few('r1'),
      version: few('v1'),
      tags: fc.uniqueArray(fc.constantFrom('a', 'z', 'User-Agent: Cline/3.0')),
    })
    .map((fields) => traceAttributes(fields)),
);

const trace = fc.record({ generations, attributes });

function shuffled<T>(values: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...values], { minLength: values.length, maxLength: values.length });
}

describe('resolving a trace', () => {
  it('twice is the same as once', () => {
    fc.assert(
      fc.property(trace, (input) => {
        const once = resolveTrace(input);
        expect(resolveTrace({ ...input, generations: once })).toEqual(once);
      }),
    );
  });

  it('does not depend on the order of the rows', () => {
    fc.assert(
      fc.property(
        trace.chain((input) => fc.tuple(fc.constant(input), shuffled(input.generations))),
        ([input, reordered]) => {
          expect(resolveTrace({ ...input, generations: reordered })).toEqual(resolveTrace(input));
        },
      ),
    );
  });

  it('a late row over rows that were resolved without it is the same as all rows at once', () => {
    fc.assert(
      fc.property(trace, (input) => {
        const [late, ...early] = input.generations;
        const known = resolveTrace({ generations: early, attributes: input.attributes });
        const all = late === undefined ? known : [late, ...known];
        expect(resolveTrace({ ...input, generations: all })).toEqual(resolveTrace(input));
      }),
    );
  });

  it('session, user and tags follow attributes that arrive later', () => {
    fc.assert(
      fc.property(trace, (input) => {
        const before = resolveTrace({ ...input, attributes: null });
        expect(resolveTrace({ ...input, generations: before })).toEqual(resolveTrace(input));
      }),
    );
  });

  it('every row is in one request, and every request has one final attempt, its last', () => {
    fc.assert(
      fc.property(trace, (input) => {
        const resolved = resolveTrace(input);
        expect(resolved.map(identityOf).toSorted()).toEqual(
          input.generations.map(identityOf).toSorted(),
        );
        for (const requestId of new Set(resolved.map((row) => row.requestId))) {
          const attempts = resolved.filter((row) => row.requestId === requestId);
          const finals = attempts.filter(({ isFinalAttempt }) => isFinalAttempt);
          expect(finals).toHaveLength(1);
          expect(finals[0]?.startMs).toBe(Math.max(...attempts.map(({ startMs }) => startMs)));
        }
      }),
    );
  });
});

describe('double logging', () => {
  it('does not depend on the order, and dropping leaves nothing to drop', () => {
    fc.assert(
      fc.property(
        generations.chain((rows) => fc.tuple(fc.constant(rows), shuffled(rows))),
        ([rows, reordered]) => {
          const dropped = findDoubleLogged(rows);
          expect(findDoubleLogged(reordered)).toEqual(dropped);
          const kept = rows.filter((row) => !dropped.has(identityOf(row)));
          expect(findDoubleLogged(kept)).toEqual(new Set());
          expect(kept.length > 0 || rows.length === 0).toBe(true);
        },
      ),
    );
  });
});

const usageKey = fc.constantFrom(
  'input',
  'output',
  'total',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'input_cached_tokens',
  'input_cache_creation',
  'input_cache_creation_5m',
  'output_reasoning_tokens',
  'output_audio_tokens',
  'audio',
  'prompt_tokens',
  'completion_tokens',
  '__proto__',
);
const usageDetails = fc.dictionary(
  usageKey,
  fc.oneof(
    fc.nat(100_000),
    fc.double(),
    fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY),
  ),
);
const usageObject = optional(fc.dictionary(fc.string(), fc.jsonValue()));

/** The laws of token counts that a usage breaks, by name. */
function brokenLaws(
  { tokens, usageFault }: Usage,
  row: { readonly total: number; readonly isError: boolean },
): string[] {
  if (tokens === null) return usageFault === (row.isError ? null : 'missing') ? [] : ['missing'];
  const cached = tokens.cacheReadTokens + tokens.cacheWriteTokens;
  const isSound = usageFault === null;
  const laws: Record<string, boolean> = {
    'whole numbers': Object.values(tokens).every((count) => Number.isSafeInteger(count)),
    'not negative': Object.values(tokens).every((count) => count >= 0),
    'total = prompt + completion':
      tokens.totalTokens === tokens.promptTokens + tokens.completionTokens,
    'uncached = prompt - cache':
      tokens.uncachedPromptTokens === Math.max(0, tokens.promptTokens - cached),
    'prompt = uncached + read + write':
      !isSound || tokens.promptTokens === tokens.uncachedPromptTokens + cached,
    'reasoning is completion': !isSound || tokens.reasoningTokens <= tokens.completionTokens,
    'the total is trusted': !isSound || tokens.totalTokens === Math.round(row.total),
  };
  return Object.keys(laws).filter((law) => laws[law] === false);
}

describe('tokens', () => {
  it('total = prompt + completion, prompt = uncached + read + write where it can be, never NaN or negative', () => {
    fc.assert(
      fc.property(usageDetails, usageObject, fc.boolean(), (details, object, isError) => {
        const usage = toUsage({ usageDetails: details, usageObject: object, isError });
        expect(brokenLaws(usage, { total: details['total'] ?? Number.NaN, isError })).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});

const litellmKey = fc.constantFrom(
  'hidden_params',
  'usage_object',
  'attributes',
  'resourceAttributes',
  'scope',
  'model_info',
  'requester_metadata',
  'requester_custom_headers',
  'litellm_response_cost',
  'cache_hit',
  'api_base',
  'model_group',
  'deployment',
  'user_agent',
  'litellm_call_id',
  'response_id',
  'error_information',
  'user_api_key_alias',
  'custom_llm_provider',
  '__proto__',
  'constructor',
  'toString',
);
const hostileValue = fc.oneof(
  fc.jsonValue(),
  fc.json(),
  fc.dictionary(
    fc.oneof(
      litellmKey,
      fc.constantFrom('name', 'service.name', 'response_cost', 'litellm_overhead_time_ms'),
    ),
    fc.oneof(fc.jsonValue(), fc.json()),
  ),
);
const hostileMetadata = fc.dictionary(fc.oneof(litellmKey, fc.string()), hostileValue);

describe('understanding', () => {
  it('never throws and never invents a number, whatever a row holds', () => {
    fc.assert(
      fc.property(
        fc.record({
          metadata: hostileMetadata,
          modelParameters: optional(hostileMetadata),
          usageDetails,
          costDetails: fc.dictionary(fc.constantFrom('total', 'input', 'output'), fc.double()),
          calculatedTotalCostUsd: optional(fc.double()),
          model: optional(fc.string()),
          name: optional(fc.oneof(fc.string(), fc.constant('litellm-acompletion'))),
          level: fc.constantFrom('DEFAULT', 'ERROR', 'WARNING'),
          statusMessage: optional(fc.string()),
          endMs: optional(fc.integer({ min: builtStartMs - 10, max: builtStartMs + 1e9 })),
          completionStartMs: optional(
            fc.integer({ min: builtStartMs - 10, max: builtStartMs + 1e9 }),
          ),
          tags: fc.array(fc.string()),
          content: fc.record({ input: hostileValue, output: hostileValue }),
        }),
        (fields) => {
          const understanding = toGeneration(
            anObservation(fields),
            understandingRules({ origin: 'all' }),
          );
          if (understanding.kind === 'not_counted') return;
          const found = understanding.generation;
          const {
            latencyMs,
            timeToFirstTokenMs,
            costUsd,
            savedCostUsd,
            gatewayOverheadMs,
            toolCalls,
          } = found;
          const numbers = [
            latencyMs,
            timeToFirstTokenMs,
            costUsd,
            savedCostUsd,
            gatewayOverheadMs,
            toolCalls,
          ];
          for (const number of numbers) {
            if (number === null) continue;
            expect(Number.isFinite(number)).toBe(true);
            expect(number).toBeGreaterThanOrEqual(0);
          }
          expect(found.model).not.toBe('');
          expect(costUsd === null).toBe(found.costSource === 'unknown');
          expect(JSON.stringify(found.metadata).length).toBeLessThan(16_384);
          // JSON has no minus zero, and a row that came as JSON text may.
          const text = JSON.stringify(found);
          expect(JSON.stringify(JSON.parse(text))).toBe(text);
          expect(resolveTrace({ generations: [found], attributes: null })).toHaveLength(1);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('counts tool calls of any output without throwing, and applying content twice changes nothing', () => {
    fc.assert(
      fc.property(fc.oneof(hostileValue, fc.object()), (output) => {
        const calls = countToolCalls(output);
        expect(calls === null || (Number.isSafeInteger(calls) && calls >= 0)).toBe(true);
        const content = { input: null, output };
        const row = aGeneration({ tokens: null, usageFault: 'missing' });
        const once = withContent(row, content);
        expect(withContent(once, content)).toEqual(once);
      }),
    );
  });
});
