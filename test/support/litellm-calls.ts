/** The calls whose trace in Langfuse is a fixture, and who makes them. */
import { vi } from 'vitest';
import type { SpanCatcher } from './litellm-sent.ts';

/** Who calls, without a database: keys, teams and users by a function of the proxy's owner. */
export const customAuth = `from litellm.proxy._types import UserAPIKeyAuth

async def user_api_key_auth(request, api_key):
    return UserAPIKeyAuth(
        api_key=api_key, key_alias="agents-key", team_id="team-1", team_alias="Platform",
        user_id="dev@example.com",
    )
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

/** Each is sent after what the one before gave has arrived. */
export async function sendCalls(url: string, catcher: SpanCatcher): Promise<void> {
  let expected = 0;
  for (const call of calls) {
    expected += call.spans ?? 1;
    const answer = await fetch(`${url}${call.path}`, {
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
    await vi.waitFor(() => {
      const { length } = catcher.spans;
      if (length < expected) throw new Error(`${length} of ${expected} spans have arrived`);
    }, 20_000);
  }
}
