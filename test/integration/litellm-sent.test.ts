import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { customAuth, sendCalls } from '../support/litellm-calls.ts';
import { startLitellm, mockModels, type LitellmProxy } from '../support/litellm-proxy.ts';
import { catchSpans, toFixture, type SpanCatcher } from '../support/litellm-sent.ts';
import { describeWithLitellm } from '../support/litellm-suite.ts';

const fixture = fileURLToPath(
  new URL('../fixtures/litellm-sent/langfuse-callback.json', import.meta.url),
);

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
    await sendCalls(litellm.url, catcher);
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
