import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startLitellm, mockModels, type LitellmProxy } from '../support/litellm-proxy.ts';
import { catchSpans, toFixture, type SpanCatcher } from '../support/litellm-sent.ts';
import { describeWithLitellm } from '../support/litellm-suite.ts';

const fixture = fileURLToPath(
  new URL('../fixtures/litellm-sent/langfuse-callback.json', import.meta.url),
);

/** Who calls, without a database: keys, teams and users by a function of the proxy's owner. */
const customAuth = `from litellm.proxy._types import UserAPIKeyAuth

async def user_api_key_auth(request, api_key):
    return UserAPIKeyAuth(
        api_key=api_key, key_alias="agents-key", team_id="team-1", team_alias="Platform",
        user_id="dev@example.com",
    )
`;

const config = `${mockModels}
general_settings:
  master_key: sk-litellm-made-up
  custom_auth: custom_auth.user_api_key_auth
router_settings:
  num_retries: 0
litellm_settings:
  success_callback: ["langfuse"]
  failure_callback: ["langfuse"]
  langfuse_default_tags: ["user_api_key_alias", "cache_hit"]
  cache: true
  cache_params:
    type: local
`;

interface Call {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly headers?: Record<string, string>;
  /** How many spans it gives, where not one. */
  readonly spans?: number;
}

const chat = (text: string, more: Record<string, unknown> = {}): Call => ({
  path: '/v1/chat/completions',
  body: { model: 'mock-gpt', messages: [{ role: 'user', content: text }], ...more },
});

/** Each is sent after the one before is answered. */
const calls: readonly Call[] = [
  chat('plain'),
  chat('marked', {
    user: 'end-user',
    metadata: { session_id: 'session-1', tags: ['a-tag'], trace_name: 'a-task' },
  }),
  chat('marked', { user: 'end-user', metadata: { session_id: 'session-1' } }),
  chat('streamed', { stream: true, stream_options: { include_usage: true } }),
  { ...chat('fails'), body: { ...chat('fails').body, model: 'mock-failing' } },
  { ...chat('unknown model'), body: { ...chat('unknown model').body, model: 'no-such' }, spans: 2 },
  { ...chat('header session'), headers: { 'x-litellm-session-id': 'session-2' } },
  chat('body session', { litellm_session_id: 'cline-01JABC' }),
  chat('body session again', { litellm_session_id: 'cline-01JABC' }),
  {
    path: '/v1/messages',
    body: { model: 'mock-gpt', max_tokens: 64, messages: [{ role: 'user', content: 'messages' }] },
  },
];

describeWithLitellm('what LiteLLM sends', () => {
  let catcher: SpanCatcher;
  let litellm: LitellmProxy;

  beforeAll(async () => {
    catcher = await catchSpans();
    litellm = await startLitellm({
      config,
      files: { 'custom_auth.py': customAuth },
      langfuse: {
        url: catcher.url,
        keys: { publicKey: 'pk-lf-sample', secretKey: 'sk-lf-sample' },
      },
    });
  });
  afterAll(async () => {
    await litellm?.stop();
    await catcher?.[Symbol.asyncDispose]();
  });

  // UPDATE_LITELLM_SENT=1 writes the fixture anew; see docs/litellm.md for what is read from it.
  test('is what the fixture holds', async () => {
    let expected = 0;
    for (const call of calls) {
      expected += call.spans ?? 1;
      const answer = await fetch(`${litellm.url}${call.path}`, {
        method: 'POST',
        headers: {
          authorization: 'Bearer sk-made-up-key',
          'content-type': 'application/json',
          'user-agent': 'test-agent/1.0',
          ...call.headers,
        },
        body: JSON.stringify(call.body),
      });
      await answer.text();
      await vi.waitFor(() => expect(catcher.spans.length).toBeGreaterThanOrEqual(expected), 20_000);
    }
    const sent = toFixture(catcher.spans);
    if (process.env['UPDATE_LITELLM_SENT'] !== undefined) {
      await writeFile(fixture, `${JSON.stringify(sent, null, 1)}\n`);
    }
    expect(sent).toEqual(JSON.parse(await readFile(fixture, 'utf8')));
    expect(catcher.exports[0]).toEqual({
      path: '/api/public/otel/v1/traces',
      'content-type': 'application/x-protobuf',
      'x-langfuse-ingestion-version': '4',
    });
  });
});
