import { describe, expect, it } from 'vitest';
import { toUsage } from '../../src/litellm/tokens.ts';

const none = { usageObject: null, isError: false };
const reported = (usage: Record<string, unknown>) => ({ usageObject: usage, isError: false });
const details = { input: 100, output: 20, total: 120 };

describe('tokens that do not add up are counted and marked', () => {
  it('sound usage has no fault', () => {
    const usageObject = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };
    expect(toUsage({ usageDetails: details, ...reported(usageObject) }).usageFault).toBeNull();
    const inResponsesWords = { input_tokens: 100, output_tokens: 20, total_tokens: 120 };
    expect(toUsage({ usageDetails: details, ...reported(inResponsesWords) }).usageFault).toBeNull();
  });

  it.each([
    ['more cache than prompt', { ...details, cache_read_input_tokens: 101 }],
    ['more reasoning than completion', { ...details, reasoning_tokens: 21 }],
    ['more output than total', { input: 100, output: 121, total: 120 }],
  ])('%s', (_, usageDetails) => {
    expect(toUsage({ usageDetails, ...none }).usageFault).toBe('inconsistent');
  });

  it.each([
    ['prompt', { prompt_tokens: 99, completion_tokens: 20, total_tokens: 119 }],
    ['completion', { prompt_tokens: 100, completion_tokens: 21, total_tokens: 121 }],
  ])("another %s in LiteLLM's usage object", (_, usageObject) => {
    const { tokens, usageFault } = toUsage({ usageDetails: details, ...reported(usageObject) });
    expect(usageFault).toBe('inconsistent');
    expect(tokens).toMatchObject({ promptTokens: 100, completionTokens: 20, totalTokens: 120 });
  });

  it('an empty usage object says nothing', () => {
    const empty = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
    expect(toUsage({ usageDetails: details, ...reported(empty) }).usageFault).toBeNull();
  });

  it('output above the total: the total is rebuilt', () => {
    const usageDetails = { input: 100, output: 121, total: 120 };
    expect(toUsage({ usageDetails, ...none }).tokens).toMatchObject({
      promptTokens: 100,
      totalTokens: 221,
    });
  });
});

describe('a missing total is rebuilt from its parts, and marked', () => {
  it.each([
    { input: 40, output: 20 },
    { input: 40, output: 20, total: 0 },
  ])('%j', (usage) => {
    const usageDetails = { ...usage, cache_read_input_tokens: 60, input_audio_tokens: 9 };
    const { tokens, usageFault } = toUsage({ usageDetails, ...none });
    expect(usageFault).toBe('total_missing');
    expect(tokens).toMatchObject({ promptTokens: 100, totalTokens: 120, uncachedPromptTokens: 40 });
  });

  it("from LiteLLM's usage object where that is there", () => {
    const usageDetails = { input: 100, output: 20, cache_read_input_tokens: 60 };
    const usageObject = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };
    const { tokens } = toUsage({ usageDetails, ...reported(usageObject) });
    expect(tokens).toMatchObject({ promptTokens: 100, totalTokens: 120, uncachedPromptTokens: 40 });
  });
});

describe('parts', () => {
  it('reasoning from the usage keys, else from the usage object', () => {
    const usageObject = {
      prompt_tokens: 100,
      completion_tokens: 20,
      total_tokens: 120,
      completion_tokens_details: { reasoning_tokens: 12 },
    };
    expect(toUsage({ usageDetails: details, ...reported(usageObject) }).tokens).toMatchObject({
      completionTokens: 20,
      reasoningTokens: 12,
    });
    const split = { input: 100, output: 8, output_reasoning_tokens: 12, total: 120 };
    expect(toUsage({ usageDetails: split, ...none }).tokens).toMatchObject({
      completionTokens: 20,
      reasoningTokens: 12,
    });
  });

  it('an embedding has an output of 0', () => {
    const { tokens, usageFault } = toUsage({
      usageDetails: { input: 7, output: 0, total: 7 },
      ...none,
    });
    expect(tokens).toMatchObject({ promptTokens: 7, completionTokens: 0, totalTokens: 7 });
    expect(usageFault).toBeNull();
  });

  it('of a failure that used tokens are counted', () => {
    expect(
      toUsage({ usageDetails: details, usageObject: null, isError: true }).tokens,
    ).not.toBeNull();
  });
});
