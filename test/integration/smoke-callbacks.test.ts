import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSampleServer, type SampleServer } from '../../src/demo/sample-server.ts';
import { emptyTraffic } from '../support/empty-traffic.ts';
import { litellmKey, mockModels, startLitellm } from '../support/litellm-proxy.ts';
import { describeWithLitellm } from '../support/litellm-suite.ts';
import { runCli } from '../support/run-cli.ts';

const general = `
general_settings:
  master_key: ${litellmKey}
`;

interface SmokeJson {
  readonly hops: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly detail: string;
  }[];
  readonly failure: { readonly code: string; readonly next: string } | null;
}

describeWithLitellm('smoke through a LiteLLM whose callback', () => {
  let langfuse: SampleServer;
  let cwd: string;
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'langfuse-mlflow-smoke-test-'));
    langfuse = await startSampleServer({ traffic: emptyTraffic });
  });
  afterEach(async () => {
    await langfuse.close();
    await rm(cwd, { recursive: true, force: true });
  });

  /** One smoke through a proxy with this config. */
  const smokeWith = async (
    config: string,
    wait: string,
  ): Promise<{ readonly code: number | null; readonly json: SmokeJson }> => {
    await using litellm = await startLitellm({ config, langfuse });
    const end = await runCli(['smoke', '--json', '--model', 'mock-gpt', '--wait', wait], {
      cwd,
      env: {
        LANGFUSE_BASE_URL: langfuse.url,
        LANGFUSE_PUBLIC_KEY: langfuse.keys.publicKey,
        LANGFUSE_SECRET_KEY: langfuse.keys.secretKey,
        LITELLM_BASE_URL: litellm.url,
        LITELLM_API_KEY: litellmKey,
      },
    });
    return { code: end.code, json: JSON.parse(end.stdout) as SmokeJson };
  };

  test('is off names Langfuse, and what to switch on', async () => {
    const { code, json } = await smokeWith(`${mockModels}${general}`, '3s');
    expect(json.failure?.code).toBe('SMOKE_NOT_IN_LANGFUSE');
    expect(json.failure?.next).toContain('litellm_settings.success_callback');
    expect(code).toBe(4);
    expect(json.hops.map(({ name, ok }) => [name, ok])).toEqual([
      ['litellm', true],
      ['langfuse', false],
    ]);
  });

  test('is langfuse_otel goes all the way', async () => {
    const { json } = await smokeWith(
      `${mockModels}${general}litellm_settings:\n  callbacks: ["langfuse_otel"]\n`,
      '30s',
    );
    expect(json.failure).toBeNull();
  });
});
