/** Known faults of LiteLLM and Langfuse in tokens and cost, each with its smallest input (docs/litellm.md). */
import { describe, expect, it } from 'vitest';
import { withContent } from '../../src/litellm/content.ts';
import { understand } from './understand.ts';

const noCost = { litellm_response_cost: null };

describe('tokens', () => {
  it('fault 1: cache tokens inside `input` and beside it (BerriAI/litellm#26919) are counted once', () => {
    const { tokens } = understand({
      usageDetails: {
        input: 6_210,
        output: 912,
        total: 49_122,
        cache_creation_input_tokens: 5_000,
        cache_read_input_tokens: 42_000,
      },
    });
    expect(tokens).toEqual({
      promptTokens: 48_210,
      completionTokens: 912,
      totalTokens: 49_122,
      cacheReadTokens: 42_000,
      cacheWriteTokens: 5_000,
      uncachedPromptTokens: 1_210,
      reasoningTokens: 0,
    });
  });

  it('fault 1: the three meanings of `input` in the field give the same counts', () => {
    const rest = { output: 10, total: 110 };
    const cache = { cache_read_input_tokens: 60, cache_creation_input_tokens: 30 };
    const everythingInside = understand({ usageDetails: { input: 100, ...cache, ...rest } });
    const readTakenOut = understand({ usageDetails: { input: 40, ...cache, ...rest } });
    const split = understand({
      usageDetails: { input: 10, input_cached_tokens: 60, input_cache_creation: 30, ...rest },
    });
    expect(readTakenOut.tokens).toEqual(everythingInside.tokens);
    expect(split.tokens).toEqual(everythingInside.tokens);
    expect(split.tokens).toMatchObject({ promptTokens: 100, uncachedPromptTokens: 10 });
  });

  it('fault 2: cached tokens that an older build did not pass on (BerriAI/litellm#18520) are in the usage object', () => {
    const { tokens } = understand({
      usageDetails: { input: 100, output: 20, total: 120, cache_read_input_tokens: 0 },
      metadata: {
        hidden_params: {
          usage_object: {
            prompt_tokens: 100,
            completion_tokens: 20,
            total_tokens: 120,
            prompt_tokens_details: { cached_tokens: 64 },
          },
        },
      },
    });
    expect(tokens).toMatchObject({
      promptTokens: 100,
      cacheReadTokens: 64,
      uncachedPromptTokens: 36,
    });
  });

  it('fault 4: `{}` on a success with output (BerriAI/litellm#8349) is unknown, not 0', () => {
    const generation = understand({
      usageDetails: {},
      costDetails: {},
      metadata: noCost,
      content: { input: null, output: { role: 'assistant', content: 'done' } },
    });
    expect(generation).toMatchObject({ tokens: null, usageFault: 'missing', costUsd: null });
  });

  it('fault 4: all zero on a success (langfuse/langfuse#17696) is unknown, and so is its price of 0', () => {
    const generation = understand({
      usageDetails: { input: 0, output: 0, total: 0 },
      costDetails: { total: 0 },
      metadata: { litellm_response_cost: 0 },
    });
    expect(generation).toMatchObject({
      tokens: null,
      usageFault: 'missing',
      costUsd: null,
      costSource: 'unknown',
    });
  });

  it('fault 4: a success without output and without usage misses nothing', () => {
    const generation = understand({ usageDetails: {} });
    expect(generation.usageFault).toBe('missing');
    expect(withContent(generation, { input: 'text', output: null }).usageFault).toBeNull();
  });

  it('fault 23: cache keys under other names (langfuse/langfuse#13571, #13988, #14249) are recognised', () => {
    const { tokens } = understand({
      usageDetails: {
        input: 10,
        output: 5,
        total: 115,
        input_cache_read: 60,
        input_cache_creation: 10,
        input_cache_creation_5m: 20,
        input_cache_creation_1h: 10,
      },
    });
    expect(tokens).toMatchObject({
      cacheReadTokens: 60,
      cacheWriteTokens: 40,
      uncachedPromptTokens: 10,
    });
  });

  it('fault 23: unknown keys are never summed', () => {
    const { tokens, usageFault } = understand({
      usageDetails: {
        input: 100,
        output: 20,
        total: 120,
        audio: 7,
        input_audio_tokens: 9,
        images: 3,
      },
    });
    expect(tokens).toMatchObject({ promptTokens: 100, completionTokens: 20, totalTokens: 120 });
    expect(usageFault).toBeNull();
  });
});

describe('cost', () => {
  it("fault 3: LiteLLM's own price stays as billed, right or wrong (BerriAI/litellm#9812, #11364)", () => {
    const generation = understand({
      usageDetails: { input: 1, output: 1, total: 1_000_002, cache_read_input_tokens: 1_000_000 },
      costDetails: { total: 123.45 },
    });
    expect(generation).toMatchObject({ costUsd: 123.45, costSource: 'provided' });
  });

  it("fault 5: no cost from langfuse_otel (BerriAI/litellm#16619): Langfuse's estimate is labelled", () => {
    const generation = understand({
      metadata: { scope: { name: 'litellm' } },
      costDetails: { input: 0.001, output: 0.002, total: 0.003 },
    });
    expect(generation).toMatchObject({
      costUsd: 0.003,
      costSource: 'langfuse_estimate',
      callback: 'langfuse_otel',
    });
  });

  it('fault 5: what LiteLLM left in the metadata beats the estimate, also as text', () => {
    const generation = understand({
      costDetails: { input: 0.001, output: 0.002, total: 0.003 },
      metadata: { litellm_response_cost: null, hidden_params: '{"response_cost": "0.004"}' },
    });
    expect(generation).toMatchObject({ costUsd: 0.004, costSource: 'provided' });
  });

  it('fault 6: no price at all (langfuse/langfuse#3794, #10958) is missing, a price of 0 is free', () => {
    const missing = understand({ model: 'hosted_vllm/coder', costDetails: {}, metadata: noCost });
    expect(missing).toMatchObject({ costUsd: null, costSource: 'unknown' });
    const free = understand({
      model: 'hosted_vllm/coder',
      costDetails: { total: 0 },
      metadata: noCost,
    });
    expect(free).toMatchObject({ costUsd: 0, costSource: 'provided' });
  });

  it('fault 6: the one number of Langfuse 2.x is an estimate unless LiteLLM says the same', () => {
    const row = { costDetails: {}, calculatedTotalCostUsd: 0.5 };
    expect(understand({ ...row, metadata: noCost })).toMatchObject({
      costUsd: 0.5,
      costSource: 'langfuse_estimate',
    });
    expect(understand({ ...row, metadata: { litellm_response_cost: 0.5 } })).toMatchObject({
      costUsd: 0.5,
      costSource: 'provided',
    });
  });

  it('fault 15: a failure priced like a success (BerriAI/litellm#4604) costs nothing', () => {
    const estimated = understand({
      level: 'ERROR',
      costDetails: { input: 0.001, output: 0.002, total: 0.003 },
      metadata: { litellm_response_cost: 0.003 },
    });
    expect(estimated).toMatchObject({ costUsd: 0, costSource: 'not_billed' });
  });

  it('fault 15: a failure with an explicit 0 was not', () => {
    const free = understand({ level: 'ERROR', costDetails: { total: 0 } });
    expect(free).toMatchObject({ costUsd: 0, costSource: 'not_billed' });
  });

  it('fault 15: a failure with an explicit cost was billed', () => {
    const billed = understand({ level: 'ERROR', costDetails: { total: 0.003 } });
    expect(billed).toMatchObject({ costUsd: 0.003, costSource: 'provided' });
  });

  it.each([true, 'True', 'true'])(
    'fault 16: a cache hit (%j) that shows a cost saved it',
    (cacheHit) => {
      const generation = understand({
        costDetails: { total: 0.02 },
        metadata: { litellm_response_cost: 0.02, cache_hit: cacheHit },
      });
      expect(generation).toMatchObject({
        isCacheHit: true,
        costUsd: 0,
        costSource: 'not_billed',
        savedCostUsd: 0.02,
      });
    },
  );

  it.each(['llm.cost.total', 'llm.response.cost'])(
    'fault 5: LiteLLM leaves its cost of a span of langfuse_otel in %s, which Langfuse does not read',
    (attribute) => {
      const generation = understand({
        costDetails: { input: 0.1, output: 0.2, total: 0.3 },
        metadata: { scope: { name: 'litellm' }, attributes: { [attribute]: 0.25 } },
      });
      expect(generation).toMatchObject({ costUsd: 0.25, costSource: 'provided' });
    },
  );

  it('fault 16: a cache hit without a cost saved something unknown', () => {
    const generation = understand({
      costDetails: { total: 0 },
      metadata: { litellm_response_cost: 0, cache_hit: true },
    });
    expect(generation).toMatchObject({ costUsd: 0, savedCostUsd: null });
  });
});
