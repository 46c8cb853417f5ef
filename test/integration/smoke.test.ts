import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startSampleServer, type SampleServer } from '../../src/demo/sample-server.ts';
import { emptyTraffic } from '../support/empty-traffic.ts';
import {
  litellmKey,
  mockConfig,
  startLitellm,
  type LitellmProxy,
} from '../support/litellm-proxy.ts';
import { describeWithLitellm } from '../support/litellm-suite.ts';
import { findFreePort, startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import { runCli } from '../support/run-cli.ts';

const otherKeys = { publicKey: 'pk-lf-other', secretKey: 'sk-lf-other' };

interface SmokeJson {
  readonly ok: boolean;
  readonly session: string;
  readonly experiment: string;
  readonly hops: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly detail: string;
  }[];
  readonly failure: { readonly code: string; readonly next: string } | null;
  readonly exit_code: number;
}

describeWithLitellm('smoke through a real LiteLLM', () => {
  let langfuse: SampleServer;
  let litellm: LitellmProxy;
  let cwd: string;

  beforeAll(async () => {
    langfuse = await startSampleServer({
      traffic: emptyTraffic,
      otherProjects: [
        {
          keys: otherKeys,
          traffic: { ...emptyTraffic, project: { id: 'project-other', name: 'Other' } },
        },
      ],
    });
    litellm = await startLitellm({ config: mockConfig, langfuse });
  });
  afterAll(async () => {
    await litellm?.stop();
    await langfuse?.close();
  });
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'langfuse-mlflow-smoke-test-'));
    langfuse.setMode('dual');
  });
  afterEach(() => rm(cwd, { recursive: true, force: true }));

  const smoke = async (
    env: Record<string, string> = {},
    args: readonly string[] = [],
  ): Promise<{ code: number | null; json: SmokeJson; text: string }> => {
    const end = await runCli(['smoke', '--json', ...args], {
      cwd,
      env: {
        LANGFUSE_BASE_URL: langfuse.url,
        LANGFUSE_PUBLIC_KEY: langfuse.keys.publicKey,
        LANGFUSE_SECRET_KEY: langfuse.keys.secretKey,
        LITELLM_BASE_URL: litellm.url,
        LITELLM_API_KEY: litellmKey,
        LITELLM_MODEL: 'mock-gpt',
        SYNC_SMOKE_WAIT: '30s',
        ...env,
      },
    });
    return {
      code: end.code,
      json: JSON.parse(end.stdout) as SmokeJson,
      text: end.stdout + end.stderr,
    };
  };
  const failedHop = (json: SmokeJson): string | undefined => json.hops.find((hop) => !hop.ok)?.name;

  test.each(['dual', 'events_only', 'v3-legacy'] as const)(
    'goes all the way into a local file, Langfuse being %s',
    async (mode) => {
      langfuse.setMode(mode);
      const { code, json } = await smoke();
      expect(json.failure).toBeNull();
      expect(code).toBe(0);
      expect(json.hops.map((hop) => hop.name)).toEqual([
        'litellm',
        'langfuse',
        'sync',
        'mlflow',
        'cleanup',
      ]);
      // The mock's tokens, priced by LiteLLM's own list: the same words at each hop.
      const [, tokens] = /: (\d+ prompt .*)$/.exec(json.hops[0]?.detail ?? '') ?? [];
      expect(tokens).toMatch(/^\d+ prompt \+ \d+ completion tokens, \$[\d.e-]+$/);
      expect(json.hops[1]?.detail).toContain(tokens);
      expect(json.hops[3]?.detail).toContain(tokens);
      expect(json.hops[4]?.detail).toMatch(/^[1-9]\d* runs deleted/);
    },
  );

  test('--with-error looks for the row of a failed call too', async () => {
    const { code, json } = await smoke({}, ['--with-error']);
    expect(json.failure).toBeNull();
    expect(code).toBe(0);
    expect(json.hops.find((hop) => hop.name === 'failure')?.detail).toContain('level ERROR');
  });

  test('names LiteLLM when it refuses the key', async () => {
    const { code, json, text } = await smoke({ LITELLM_API_KEY: 'sk-not-the-key' });
    expect(json.failure?.code).toBe('LITELLM_AUTH');
    expect([code, failedHop(json)]).toEqual([2, 'litellm']);
    expect(text).not.toContain('sk-not-the-key');
  });

  test('names LiteLLM when it knows no such model, and when the provider fails', async () => {
    const unknown = await smoke({ LITELLM_MODEL: 'no-such-model' });
    expect([unknown.code, failedHop(unknown.json)]).toEqual([4, 'litellm']);
    expect(unknown.json.hops[0]?.detail).toContain('no-such-model');
    const failing = await smoke({ LITELLM_MODEL: 'mock-failing' });
    expect([failing.code, failedHop(failing.json)]).toEqual([4, 'litellm']);
    expect(failing.json.hops[0]?.detail).toContain('mock rate limit error');
  });

  test('names LiteLLM when nothing listens there', async () => {
    const { code, json } = await smoke({
      LITELLM_BASE_URL: `http://127.0.0.1:${await findFreePort()}`,
    });
    expect(json.failure?.code).toBe('LITELLM_UNREACHABLE');
    expect([code, failedHop(json)]).toEqual([75, 'litellm']);
  });

  test('names Langfuse when the keys are wrong', async () => {
    const { code, json } = await smoke({ LANGFUSE_SECRET_KEY: 'sk-lf-wrong' });
    expect(json.failure?.code).toBe('LANGFUSE_AUTH');
    expect([code, failedHop(json)]).toEqual([2, 'langfuse']);
  });

  test('names Langfuse when LiteLLM writes to another project', async () => {
    const { code, json } = await smoke({
      LANGFUSE_PUBLIC_KEY: otherKeys.publicKey,
      LANGFUSE_SECRET_KEY: otherKeys.secretKey,
      SYNC_SMOKE_WAIT: '3s',
    });
    expect(json.failure?.code).toBe('SMOKE_NOT_IN_LANGFUSE');
    expect([code, failedHop(json)]).toEqual([4, 'langfuse']);
    expect(json.failure?.next).toContain('success_callback');
  });

  test('names Langfuse when it tells other tokens than LiteLLM answered', async () => {
    const halve = setInterval(() => {
      for (const row of langfuse.store.view().observations) {
        if (row.usageDetails['total'] === 3) continue;
        langfuse.store.changeObservation(row, { usageDetails: { input: 1, output: 2, total: 3 } });
      }
    }, 5);
    const { code, json } = await smoke().finally(() => clearInterval(halve));
    expect(json.failure?.code).toBe('SMOKE_DIFFERS');
    expect([code, failedHop(json)]).toEqual([4, 'langfuse']);
  });

  test('names MLflow when it is down', async () => {
    const { code, json } = await smoke({
      MLFLOW_TRACKING_URI: `http://127.0.0.1:${await findFreePort()}`,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
    });
    expect(json.failure?.code).toBe('MLFLOW_UNREACHABLE');
    expect([code, failedHop(json)]).toEqual([75, 'mlflow']);
  });

  test('never takes the experiment that sync writes to for its own', async () => {
    for (const name of ['litellm-monitoring', 'prod', 'x-smoke']) {
      const end = await runCli(['smoke', '--experiment', name], {
        cwd,
        env: {
          LANGFUSE_PUBLIC_KEY: 'pk-lf-x',
          LANGFUSE_SECRET_KEY: 'sk-lf-x',
          LITELLM_BASE_URL: litellm.url,
          LITELLM_API_KEY: litellmKey,
          LITELLM_MODEL: 'mock-gpt',
          MLFLOW_EXPERIMENT_NAME: name === 'x-smoke' ? name : 'litellm-monitoring',
        },
      });
      expect(end.code).toBe(2);
      expect(end.stderr).toContain('deletes every run');
    }
  });

  describeWithMlflow('into a real MLflow', ['newest'], () => {
    let mlflow: MlflowServer;
    beforeAll(async () => {
      mlflow = await startMlflowServer({ version: 'newest' });
    });
    afterAll(() => mlflow?.stop());

    test('--keep leaves the runs, and the next smoke deletes them', async () => {
      const env = { MLFLOW_TRACKING_URI: mlflow.url };
      const kept = await smoke(env, ['--keep']);
      expect(kept.json.failure).toBeNull();
      expect(await runsOfSession(mlflow.url, kept.json.session)).toHaveLength(1);
      const next = await smoke(env);
      expect(next.json.failure).toBeNull();
      expect(next.json.hops[2]?.detail).toContain('of an earlier smoke were deleted first');
      expect(await runsOfSession(mlflow.url, kept.json.session)).toEqual([]);
      expect(await runsOfSession(mlflow.url, next.json.session)).toEqual([]);
    });
  });
});

async function runsOfSession(url: string, session: string): Promise<unknown[]> {
  const { experiment } = (await (
    await fetch(
      `${url}/api/2.0/mlflow/experiments/get-by-name?experiment_name=litellm-monitoring-smoke`,
    )
  ).json()) as { experiment: { experiment_id: string } };
  const answer = await fetch(`${url}/api/2.0/mlflow/runs/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      experiment_ids: [experiment.experiment_id],
      filter: `attributes.run_name LIKE '%${session}%'`,
    }),
  });
  return ((await answer.json()) as { runs?: unknown[] }).runs ?? [];
}
