import type { CommandName } from './command-names.ts';
import { durationBetween } from './parse-duration.ts';
import { parseHttpUrl } from './parse-http-url.ts';
import { parseKey } from './parse-key.ts';
import { parseName } from './parse-simple.ts';
import { optional, secret, withDefault } from './setting.ts';

const smoke = ['smoke'] as const satisfies readonly CommandName[];

/** How the LiteLLM gateway is called. Only `smoke` does that: every other command meets LiteLLM in Langfuse alone. */
export const litellmSettings = {
  baseUrl: optional({
    env: ['LITELLM_BASE_URL', 'LITELLM_PROXY_URL'],
    flag: '--litellm-url',
    placeholder: 'URL',
    parse: parseGatewayUrl,
    commands: smoke,
    requiredBy: smoke,
    description: 'LiteLLM proxy that the test request is sent through, without /v1.',
    allows: 'an http or https URL',
    example: 'https://litellm.example.com',
  }),
  litellmApiKey: secret({
    env: ['LITELLM_API_KEY'],
    fileFlag: '--litellm-api-key-file',
    parse: parseKey,
    commands: smoke,
    requiredBy: smoke,
    description: 'Key for the LiteLLM proxy; one that may use the model of the test request.',
    allows: 'a key, usually sk-…',
    example: 'sk-1234567890',
  }),
  model: optional({
    env: ['LITELLM_MODEL'],
    flag: '--model',
    placeholder: 'MODEL',
    parse: parseName,
    commands: smoke,
    requiredBy: smoke,
    description: 'Model of the test request, by its name in LiteLLM. It is asked for one word.',
    allows: 'a model name of the proxy',
    example: 'gpt-5-mini',
  }),
  smokeWaitMs: withDefault({
    env: ['SYNC_SMOKE_WAIT'],
    flag: '--wait',
    placeholder: 'DURATION',
    parse: durationBetween('1s', '1h'),
    default: '2m',
    commands: smoke,
    description:
      'How long the request may take to reach Langfuse: LiteLLM sends in batches, and Langfuse takes them in by a queue.',
    allows: 'a duration from 1s to 1h',
    example: '15m',
  }),
} as const;

function parseGatewayUrl(text: string): string {
  const { href } = parseHttpUrl(text, { credentials: 'LITELLM_API_KEY' });
  return href.replace(/\/+$/, '').replace(/\/v1$/, '');
}
