/** Where each field of a generation is read. */
import { describe, expect, it } from 'vitest';
import { toClientTool } from '../../src/litellm/client-tool.ts';
import { toBoolean, toFiniteNumber, toRecord, toText } from '../../src/litellm/coerce.ts';
import { toProvider } from '../../src/litellm/provider.ts';
import { notCountedReason, understand } from './understand.ts';

const litellm = { litellm_response_cost: 0 };

describe('types of metadata values', () => {
  it('numbers, booleans and objects may be text, and text a number', () => {
    expect([' 1.5e-3 ', 2, '', 'NaN', '0x10', Number.NaN, true].map(toFiniteNumber)).toEqual([
      0.0015,
      2,
      null,
      null,
      null,
      null,
      null,
    ]);
    expect([true, 'True', 'true', '1', 'False', 0, 'yes', null].map(toBoolean)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
      null,
      null,
    ]);
    expect(['{"a": 1}', { a: 1 }, "{'a': True}", '[1]', [1], null].map(toRecord)).toEqual([
      { a: 1 },
      { a: 1 },
      null,
      null,
      null,
      null,
    ]);
    expect([' x ', 12, '', 'None', 'null', true, {}].map(toText)).toEqual([
      'x',
      '12',
      null,
      null,
      null,
      null,
      null,
    ]);
  });
});

describe('origin', () => {
  it('knows the rows of LiteLLM', () => {
    const named = { name: 'chat' };
    expect(understand({ ...named, metadata: { hidden_params: null } }).callback).toBe('langfuse');
    expect(understand({ ...named, metadata: { litellm_response_cost: null } }).callback).toBe(
      'langfuse',
    );
    expect(understand({ ...named, metadata: { scope: { name: 'litellm' } } }).callback).toBe(
      'langfuse_otel',
    );
    const resource = { resourceAttributes: { 'service.name': 'litellm' } };
    expect(understand({ ...named, metadata: resource }).callback).toBe('langfuse_otel');
    const line = { scope: { name: 'langfuse-sdk' }, resourceAttributes: {}, hidden_params: {} };
    expect(understand({ ...named, metadata: line }).callback).toBe('langfuse');
  });

  it('leaves out what others wrote, unless told otherwise', () => {
    const cline = {
      name: 'ai.streamText.doStream',
      metadata: { scope: { name: 'ai' }, resourceAttributes: { 'service.name': 'cline-sdk' } },
    };
    expect(notCountedReason(cline)).toBe('other_origin');
    expect(notCountedReason({ ...cline, name: 'litellm-acompletion' })).toBe('other_origin');
    expect(understand(cline, { origin: 'all' }).callback).toBeNull();
    expect(notCountedReason({ ...cline, model: null, usageDetails: {} }, { origin: 'all' })).toBe(
      'no_model_no_usage',
    );
    expect(notCountedReason({ ...cline, model: null }, { origin: 'all' })).toBeNull();
  });

  it('counts generations and embeddings, nothing else', () => {
    expect(notCountedReason({ type: 'EMBEDDING' })).toBeNull();
    expect(notCountedReason({ type: 'SPAN' })).toBe('not_a_generation');
    expect(notCountedReason({ type: 'TOOL', name: 'litellm-acompletion' })).toBe(
      'not_a_generation',
    );
    expect(notCountedReason({ id: 't-trace-1' })).toBe('synthetic_root');
  });

  it("leaves out the span of the provider's raw body", () => {
    const raw = { name: 'raw_gen_ai_request', metadata: { scope: { name: 'litellm' } } };
    expect(notCountedReason({ ...raw, usageDetails: {} })).toBe('not_a_generation');
    expect(notCountedReason(raw)).toBeNull();
  });
});

describe('session', () => {
  const session = (fields: Parameters<typeof understand>[0]) => {
    const { sessionId, sessionSource } = understand(fields);
    return [sessionId, sessionSource];
  };

  it('own session id, then requester metadata, header, prompt cache key', () => {
    const metadata = {
      ...litellm,
      requester_metadata: { task_id: 'from-metadata' },
      requester_custom_headers: { 'x-session-id': 'from-header' },
    };
    const modelParameters = { prompt_cache_key: 'from-key' };
    expect(session({ sessionId: 's', metadata, modelParameters })).toEqual(['s', 'session_id']);
    expect(session({ metadata, modelParameters })).toEqual(['from-metadata', 'requester_metadata']);
    const withoutTask = { ...metadata, requester_metadata: {} };
    expect(session({ metadata: withoutTask, modelParameters })).toEqual([
      'from-header',
      'requester_header',
    ]);
    expect(session({ metadata: litellm, modelParameters })).toEqual([
      'from-key',
      'prompt_cache_key',
    ]);
    expect(session({ metadata: litellm })).toEqual([null, null]);
  });

  it.each([
    [{ session_id: 'a', litellm_session_id: 'b' }, 'a'],
    [{ litellm_session_id: 'b', cline_task_id: 'c' }, 'b'],
    [{ cline_task_id: 'c', task_id: 'd' }, 'c'],
    [{ session_id: 4411 }, '4411'],
    [{ session_id: '', task_id: 'd' }, 'd'],
    [
      { user_id: 'user_ab12_account_x_session_0d9f7e52-6a60-4b1c-8a10-5e5e5e5e5e12' },
      '0d9f7e52-6a60-4b1c-8a10-5e5e5e5e5e12',
    ],
    [{ user_id: 'someone' }, null],
  ])('requester metadata %j', (requester, expected) => {
    expect(session({ metadata: { ...litellm, requester_metadata: requester } })[0]).toBe(expected);
    const asText = { ...litellm, requester_metadata: JSON.stringify(requester) };
    expect(session({ metadata: asText })[0]).toBe(expected);
  });

  it.each([
    [{ 'X-LiteLLM-Session-Id': 'a', 'x-claude-code-session-id': 'b' }, 'a'],
    [{ 'x-claude-code-session-id': 'b', 'x-session-id': 'c' }, 'b'],
    [{ 'x-session-id': 'c', 'x-session-affinity': 'd' }, 'c'],
    [{ 'x-session-affinity': 'd' }, 'd'],
    [{ 'x-request-id': 'e' }, null],
  ])('header %j', (headers, expected) => {
    expect(session({ metadata: { ...litellm, requester_custom_headers: headers } })[0]).toBe(
      expected,
    );
  });
});

describe('identity', () => {
  it('of a span of langfuse_otel is among its attributes', () => {
    const attributes = {
      'metadata.user_api_key_alias': 'laptop',
      'litellm.metadata.user_api_key_user_id': 'owner',
      'litellm.api_key.hash': 'h',
      'litellm.team.id': 't',
      'litellm.team.alias': 'team',
      'litellm.call_id': 'call-1',
      'gen_ai.response.id': 'response-1',
    };
    const expected = {
      keyAlias: 'laptop',
      keyHash: 'h',
      teamId: 't',
      teamAlias: 'team',
      keyOwnerId: 'owner',
      userId: 'owner',
      userSource: 'key_owner',
      callId: 'call-1',
      responseId: 'response-1',
    };
    const metadata = { scope: { name: 'litellm' } };
    expect(understand({ metadata: { ...metadata, attributes } })).toMatchObject(expected);
    const asText = { ...metadata, attributes: JSON.stringify(attributes) };
    expect(understand({ metadata: asText })).toMatchObject(expected);
  });

  it("the row's end user where Langfuse has none", () => {
    const metadata = {
      ...litellm,
      user_api_key_end_user_id: 'customer',
      user_api_key_user_id: 'owner',
    };
    expect(understand({ metadata })).toMatchObject({ userId: 'customer', userSource: 'user_id' });
  });

  it('a key is never taken for its hash', () => {
    expect(understand({ metadata: { ...litellm, user_api_key: 'h' } }).keyHash).toBe('h');
    const leaked = understand({ metadata: { ...litellm, user_api_key: 'sk-1234' } });
    expect(leaked.keyHash).toBeNull();
    expect(JSON.stringify(leaked)).not.toContain('sk-1234');
  });

  it('call and response id', () => {
    const metadata = { ...litellm, litellm_call_id: 'call-1', response_id: 'response-1' };
    expect(understand({ metadata })).toMatchObject({ callId: 'call-1', responseId: 'response-1' });
    expect(understand({ id: 'time-09-14-05-118204_chatcmpl_1' })).toMatchObject({
      callId: null,
      responseId: 'chatcmpl_1',
    });
    const uuid = '5b0f6a52-30b7-4a0c-9b53-0d8d0f6d1a01';
    expect(understand({ traceId: uuid, id: 'x' })).toMatchObject({
      callId: null,
      responseId: null,
    });
  });
});

describe('client tool', () => {
  it.each([
    [['User-Agent: claude-cli', 'User-Agent: claude-cli/2.1.0 (external, cli)'], 'claude-cli'],
    [['User-Agent: OpenAI', 'User-Agent: OpenAI/JS 4.83.0'], 'OpenAI/JS'],
    [['User-Agent: AsyncOpenAI', 'User-Agent: AsyncOpenAI/Python 1.99.0'], 'OpenAI/Python'],
    [['User-Agent: ai-sdk', 'User-Agent: ai-sdk/openai-compatible/1.0.0 runtime/node'], 'ai-sdk'],
    [['User-Agent: RooCode/3.25.0'], 'RooCode'],
    [['User-Agent: Mozilla/5.0 (X11; Linux)'], 'browser'],
    [['User-Agent: curl', 'User-Agent: Cline/3.17.0'], 'Cline'],
    [['User-Agent: curl/8.5.0', 'User-Agent: zed/1.0'], 'zed'],
    [['User-Agent: zed', 'User-Agent: aider'], 'aider'],
    [['job:nightly', 'User-Agent:'], null],
    [[], null],
  ])('%j is %j', (tags, tool) => {
    expect(toClientTool({ userAgent: null, tags })).toBe(tool);
    expect(toClientTool({ userAgent: null, tags: tags.toReversed() })).toBe(tool);
  });

  it("the row's own user agent wins over the tags of its trace", () => {
    expect(toClientTool({ userAgent: 'RooCode/3.25.0', tags: ['User-Agent: Cline/3.17.0'] })).toBe(
      'RooCode',
    );
    expect(understand({ metadata: { ...litellm, user_agent: 'claude-cli/2.1.0' } })).toMatchObject({
      clientTool: 'claude-cli',
      metadata: { user_agent: 'claude-cli/2.1.0' },
    });
  });
});

describe('provider', () => {
  const nothing = { custom: null, named: null, modelNames: [], apiBase: null };

  it.each([
    [{ custom: 'my_llm', named: 'openai' }, 'my_llm'],
    [{ named: 'aws.bedrock' }, 'bedrock'],
    [{ named: 'Unknown', modelNames: ['azure/corp'] }, 'azure'],
    [{ modelNames: [null, 'gpt-4o', 'openai/gpt-4o'] }, 'openai'],
    [{ modelNames: ['meta-llama/Llama-3'] }, null],
    [{ modelNames: ['openai'] }, null],
    [{ modelNames: ['us.anthropic.claude-sonnet-4-5-20250929-v1:0'] }, 'bedrock'],
    [{ apiBase: 'https://example-east.openai.azure.com/' }, 'azure'],
    [{ apiBase: 'https://bedrock-runtime.us-east-1.amazonaws.com' }, 'bedrock'],
    [{ apiBase: 'http://10.0.0.7:8000/v1' }, null],
    [{ apiBase: 'not a url' }, null],
  ])('%j is %j', (row, provider) => {
    expect(toProvider({ ...nothing, ...row })).toBe(provider);
  });
});

describe('kept fields', () => {
  it('parameters are scalars that were sent, and never a secret', () => {
    const generation = understand({
      modelParameters: {
        temperature: 0.2,
        stream: true,
        reasoning_effort: 'high',
        max_tokens: 400,
        tools: [{}],
        stream_options: "{'include_usage': True}",
        extra_body: '{}',
        system_fingerprint: 'fp',
        api_key: 'sk-1',
        aws_secret_access_key: 'x',
        user: null,
      },
    });
    expect(generation.parameters).toEqual({
      max_tokens: 400,
      reasoning_effort: 'high',
      stream: true,
      temperature: 0.2,
    });
  });

  it('metadata keeps small scalars and what the client said', () => {
    const generation = understand({
      metadata: {
        hidden_params: { response_cost: 1 },
        usage_object: {},
        user_api_key_spend: 3.2,
        user_api_key_max_budget: 50,
        user_api_key_hash: 'h',
        requester_custom_headers: { 'x-a': 'b' },
        litellm_api_version: '1.80.11',
        user_api_key_org_id: 'org',
        nothing: null,
        long: 'x'.repeat(501),
        user_api_key_metadata: { logging: [{ langfuse_secret_key: 's' }] },
        my_password: 'p',
        requester_metadata: {
          job: 'nightly',
          api_key: 'sk-1',
          deep: {
            token: 't',
            ok: 1,
          },
        },
      },
    });
    expect(generation.metadata).toEqual({
      litellm_api_version: '1.80.11',
      requester_metadata: { job: 'nightly', deep: { ok: 1 } },
      user_api_key_org_id: 'org',
    });
  });

  it('metadata stops where 6 KiB are full, at the same key whatever the order', () => {
    const many = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [
        `key_${String(index).padStart(2, '0')}`,
        'x'.repeat(490),
      ]),
    );
    const reversed = Object.fromEntries(Object.entries(many).toReversed());
    const kept = understand({ metadata: { ...litellm, ...many } }).metadata;
    expect(Object.keys(kept)).toHaveLength(12);
    expect(understand({ metadata: { ...reversed, ...litellm } }).metadata).toEqual(kept);
  });

  it('requester metadata above 2 KiB is left out', () => {
    const metadata = { ...litellm, requester_metadata: { text: 'x'.repeat(2_100) } };
    expect(understand({ metadata }).metadata).toEqual({});
  });
});
