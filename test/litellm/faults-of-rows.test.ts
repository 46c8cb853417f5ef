/** Known faults of LiteLLM and Langfuse in single rows, each with its smallest input (docs/litellm.md). */
import { describe, expect, it } from 'vitest';
import { toCanonicalModel } from '../../src/litellm/canonical-model.ts';
import { resolveTrace } from '../../src/litellm/resolve-trace.ts';
import { builtStartMs, traceAttributes } from '../support/builders.ts';
import { notCountedReason, understand } from './understand.ts';

describe('failures', () => {
  it('fault 14: failures are logged by some builds only (BerriAI/litellm#9846): each that is there is marked, so they can be counted', () => {
    const failed = understand({
      level: 'ERROR',
      statusMessage: 'litellm.Timeout: gave up',
      usageDetails: {},
    });
    expect(failed).toMatchObject({
      isError: true,
      errorClass: 'Timeout',
      httpStatus: 408,
      tokens: null,
    });
    expect(failed.usageFault).toBeNull();
    expect(understand().isError).toBe(false);
  });
});

describe('times', () => {
  it('fault 17: time to first token only of streamed calls (BerriAI/litellm#9210)', () => {
    const row = { endMs: builtStartMs + 2_000, completionStartMs: builtStartMs + 500 };
    expect(understand({ ...row, modelParameters: { stream: true } }).timeToFirstTokenMs).toBe(500);
    expect(
      understand({ ...row, modelParameters: { temperature: 1 } }).timeToFirstTokenMs,
    ).toBeNull();
    expect(understand({ ...row, modelParameters: null }).timeToFirstTokenMs).toBeNull();
  });

  it('fault 17: a first token at the end, or before the start, is none', () => {
    const endMs = builtStartMs + 2_000;
    expect(understand({ endMs, completionStartMs: endMs }).timeToFirstTokenMs).toBeNull();
    expect(understand({ endMs, completionStartMs: endMs - 1 }).timeToFirstTokenMs).toBe(1_999);
    expect(understand({ endMs, completionStartMs: builtStartMs }).timeToFirstTokenMs).toBe(0);
    expect(
      understand({ endMs, completionStartMs: builtStartMs - 1 }).timeToFirstTokenMs,
    ).toBeNull();
  });

  it.each([
    [true, true],
    ['True', true],
    ['true', true],
    ['False', false],
    [false, false],
  ])('fault 17: stream may be %j', (stream, isStreaming) => {
    expect(understand({ modelParameters: { stream } }).isStreaming).toBe(isStreaming);
    const span = { scope: { name: 'litellm' }, attributes: { 'llm.is_streaming': stream } };
    expect(understand({ modelParameters: null, metadata: span }).isStreaming).toBe(isStreaming);
  });

  it('fault 18: broken times (BerriAI/litellm#2857) leave the latency out, the row stays', () => {
    const rules = { maxLatencyMs: 60_000, nowMs: builtStartMs + 1_000_000 };
    const timing = (fields: Parameters<typeof understand>[0]) => {
      const { latencyMs, timeToFirstTokenMs, timingFault } = understand(fields, rules);
      return [latencyMs, timeToFirstTokenMs, timingFault];
    };
    expect(timing({ endMs: builtStartMs - 1 })).toEqual([null, null, 'end_before_start']);
    expect(timing({ endMs: null })).toEqual([null, null, 'no_end']);
    expect(timing({ endMs: builtStartMs + 60_001 })).toEqual([null, null, 'too_long']);
    expect(timing({ endMs: builtStartMs + 60_000 })).toEqual([60_000, 500, null]);
    expect(timing({ startMs: rules.nowMs + 1 })).toEqual([null, null, 'in_future']);
    expect(timing({ startMs: rules.nowMs })).toEqual([2_000, 500, null]);
    expect(timing({ endMs: builtStartMs, completionStartMs: builtStartMs })).toEqual([
      0,
      null,
      null,
    ]);
  });
});

describe('lost fields', () => {
  it('fault 19: a row that lost its metadata (langfuse/langfuse#6536) is still known by its name', () => {
    const row = { metadata: {}, modelParameters: null };
    expect(understand({ ...row, name: 'litellm:ci-bot' })).toMatchObject({
      keyAlias: 'ci-bot',
      keyHash: null,
      callback: 'langfuse',
      callType: null,
    });
    expect(understand({ ...row, name: 'litellm-acompletion' })).toMatchObject({
      keyAlias: null,
      callType: 'acompletion',
      callback: 'langfuse',
    });
  });

  it('fault 19: … and by its id', () => {
    const generation = understand({
      metadata: {},
      name: 'my-own',
      id: 'time-09-14-05-118204_chatcmpl-1',
    });
    expect(generation).toMatchObject({ callback: 'langfuse', responseId: 'chatcmpl-1' });
  });

  it('fault 20: no model (BerriAI/litellm#12933) is `(unknown)`, not dropped', () => {
    const row = { model: null, costDetails: {}, metadata: { litellm_response_cost: null } };
    expect(understand(row).model).toBe('(unknown)');
    expect(understand({ ...row, usageDetails: {} }).model).toBe('(unknown)');
    expect(understand({ ...row, usageDetails: {}, level: 'ERROR' }).model).toBe('(unknown)');
  });

  it('fault 20: only what can be a call: a span of langfuse_otel with neither model nor usage is none', () => {
    const span = { model: null, usageDetails: {}, metadata: { scope: { name: 'litellm' } } };
    expect(notCountedReason({ ...span, name: 'auth' })).toBe('no_model_no_usage');
    expect(notCountedReason({ ...span, name: 'litellm_request', level: 'ERROR' })).toBeNull();
  });

  it('fault 21: no key or team (BerriAI/litellm#23259) stays without', () => {
    const generation = understand({ name: 'litellm-anthropic_messages' });
    const [resolved] = resolveTrace({ generations: [generation], attributes: traceAttributes() });
    expect(resolved).toMatchObject({
      keyAlias: null,
      keyHash: null,
      teamId: null,
      teamAlias: null,
    });
    expect(resolved).toMatchObject({ userId: null, userSource: null });
  });

  it('fault 22: the end user, else the owner of the key, and which of the two (BerriAI/litellm#21338)', () => {
    const metadata = { litellm_response_cost: 0, user_api_key_user_id: 'owner' };
    const ofRow = understand({ userId: 'end-user', metadata });
    const ofTrace = understand({ metadata });
    const resolve = (generation: typeof ofRow, userId: string | null) =>
      resolveTrace({ generations: [generation], attributes: traceAttributes({ userId }) })[0];
    expect(resolve(ofRow, 'other')).toMatchObject({ userId: 'end-user', userSource: 'user_id' });
    expect(resolve(ofTrace, 'end-user')).toMatchObject({
      userId: 'end-user',
      userSource: 'trace_user_id',
    });
    expect(resolve(ofTrace, null)).toMatchObject({ userId: 'owner', userSource: 'key_owner' });
  });
});

describe('model names', () => {
  const names = { raw: null, group: null, deployment: null, baseModel: null, litellmName: null };

  it.each([
    ['gpt-4o', 'gpt-4o'],
    ['openai/gpt-4o', 'gpt-4o'],
    ['azure/gpt-4o', 'gpt-4o'],
    ['azure/eu/gpt-4o', 'gpt-4o'],
    ['openrouter/anthropic/claude-sonnet-4.5', 'claude-sonnet-4.5'],
    ['bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5-20250929'],
    ['bedrock/us-east-1/anthropic.claude-3-haiku-20240307-v1:0', 'claude-3-haiku-20240307'],
    ['global.anthropic.claude-opus-4-5-20251101-v1:0', 'claude-opus-4-5-20251101'],
    ['apac.amazon.nova-pro-v1:0', 'nova-pro'],
    ['us.deepseek.r1-v1:0', 'r1'],
    ['anthropic.claude-3-5-sonnet-20241022-v2:0', 'claude-3-5-sonnet-20241022'],
    ['anthropic.claude-v2:1', 'claude-v2:1'],
    ['amazon.titan-embed-text-v2:0', 'titan-embed-text-v2:0'],
    ['together_ai/meta-llama/Llama-3-70b', 'meta-llama/Llama-3-70b'],
    ['hosted_vllm/local-coder-30b', 'local-coder-30b'],
    ['team-a/coder', 'team-a/coder'],
    ['us.coder', 'us.coder'],
    ['openai/', 'openai/'],
    [
      'bedrock/arn:aws:bedrock:eu-west-1:1:application-inference-profile/x1',
      'arn:aws:bedrock:eu-west-1:1:application-inference-profile/x1',
    ],
  ])('fault 26: %s is %s', (raw, model) => {
    expect(toCanonicalModel({ ...names, raw }, {})).toBe(model);
  });

  it('fault 26: alias map, then group, base model, raw name, in this order', () => {
    const all = {
      raw: 'azure/corp-east',
      group: 'o4-mini',
      deployment: 'azure/corp-reasoner-east',
      baseModel: 'azure/o4-mini-2025-04-16',
      litellmName: 'azure/corp',
    };
    expect(toCanonicalModel(all, { 'azure/corp-east': 'A' })).toBe('A');
    expect(toCanonicalModel(all, { 'o4-mini': 'B' })).toBe('B');
    expect(toCanonicalModel(all, { 'azure/corp-reasoner-east': 'C' })).toBe('C');
    expect(toCanonicalModel(all, { 'corp-east': 'not exact' })).toBe('o4-mini');
    expect(toCanonicalModel({ ...all, group: null }, {})).toBe('o4-mini-2025-04-16');
    expect(toCanonicalModel({ ...all, group: null, baseModel: null }, {})).toBe('corp-east');
    expect(toCanonicalModel({ ...names, litellmName: 'azure/corp' }, {})).toBe('corp');
  });

  it('fault 26: on a line without groups a failure, whose text names one, has the name of the successes', () => {
    const row = { model: 'azure/corp-reasoner-east', metadata: { hidden_params: {} } };
    const success = understand(row);
    const failure = understand({
      ...row,
      level: 'ERROR',
      statusMessage: 'litellm.RateLimitError: slow down. Received Model Group=o4-mini\nAvailable',
    });
    expect([success.model, failure.model]).toEqual(['corp-reasoner-east', 'corp-reasoner-east']);
  });

  it('fault 26: the alias map joins the lines of one deployment, and never reads a prototype', () => {
    const rules = {
      modelAliases: { 'claude-sonnet': 'Sonnet', 'bedrock/us.anthropic.sonnet-v1:0': 'Sonnet' },
    };
    const withGroup = understand(
      { metadata: { hidden_params: {}, model_group: 'claude-sonnet' } },
      rules,
    );
    const without = understand({ model: 'bedrock/us.anthropic.sonnet-v1:0' }, rules);
    expect([withGroup.model, without.model]).toEqual(['Sonnet', 'Sonnet']);
    expect(understand({ model: 'constructor' }).model).toBe('constructor');
  });
});
