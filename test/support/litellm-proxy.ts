/** A real LiteLLM proxy on loopback, in a folder of its own, stopped for sure. Nothing of it leaves the machine. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireLitellm } from './litellm-suite.ts';
import { findFreePort } from './mlflow-server.ts';

export const litellmKey = 'sk-litellm-made-up';

export interface LitellmProxy extends AsyncDisposable {
  readonly url: string;
  readLog(): Promise<string>;
  stop(): Promise<void>;
}

/** Models that answer by themselves: nothing is asked of a provider. */
export const mockModels = `model_list:
  - model_name: mock-gpt
    litellm_params:
      model: openai/gpt-4o-mini
      api_key: sk-made-up
      mock_response: The quick brown fox jumps over the lazy dog.
  - model_name: mock-failing
    litellm_params:
      model: openai/gpt-4o-mini
      api_key: sk-made-up
      mock_response: litellm.RateLimitError
`;

/** Both callbacks, a cache, and a key. */
export const mockConfig = `${mockModels}
general_settings:
  master_key: ${litellmKey}
litellm_settings:
  success_callback: ["langfuse"]
  failure_callback: ["langfuse"]
  cache: true
  cache_params:
    type: local
`;

const startTimeoutMs = 120_000;

/** Starts the proxy with this config and waits until it answers. Throws with the end of its log when it does not. */
export async function startLitellm(options: {
  readonly config: string;
  /** Further files beside the config, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly langfuse: {
    readonly url: string;
    readonly keys: { readonly publicKey: string; readonly secretKey: string };
  };
}): Promise<LitellmProxy> {
  const folder = requireLitellm();
  const cwd = await mkdtemp(join(tmpdir(), 'langfuse-mlflow-litellm-'));
  const logFile = join(cwd, 'proxy.log');
  const files = { 'config.yaml': options.config, ...options.files };
  for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text);
  const port = await findFreePort();
  const log = openSync(logFile, 'a');
  const child = spawn(
    join(folder, 'bin', 'litellm'),
    ['--config', 'config.yaml', '--host', '127.0.0.1', '--port', String(port)],
    {
      cwd,
      // None of the developer's own keys and settings.
      env: {
        PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
        HOME: cwd,
        LITELLM_LOCAL_MODEL_COST_MAP: 'True',
        LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS: 'True',
        LITELLM_TELEMETRY: 'False',
        DO_NOT_TRACK: '1',
        HF_HUB_OFFLINE: '1',
        PYTHONUNBUFFERED: '1',
        LANGFUSE_HOST: options.langfuse.url,
        LANGFUSE_OTEL_HOST: options.langfuse.url,
        LANGFUSE_PUBLIC_KEY: options.langfuse.keys.publicKey,
        LANGFUSE_SECRET_KEY: options.langfuse.keys.secretKey,
        LANGFUSE_FLUSH_INTERVAL: '1',
      },
      detached: true,
      stdio: ['ignore', log, log],
    },
  );
  closeSync(log);
  const kill = (signal: 'SIGTERM' | 'SIGKILL'): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-child.pid, signal);
  };
  const killAtExit = (): void => kill('SIGKILL');
  process.once('exit', killAtExit);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    kill('SIGTERM');
    const force = setTimeout(() => kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(force);
    process.removeListener('exit', killAtExit);
    await rm(cwd, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const giveUpAt = Date.now() + startTimeoutMs;
  while (Date.now() < giveUpAt && child.exitCode === null) {
    if (await isAlive(url))
      return { url, readLog: () => readFile(logFile, 'utf8'), stop, [Symbol.asyncDispose]: stop };
    await sleep(200);
  }
  const text = await readFile(logFile, 'utf8');
  await stop();
  throw new Error(`litellm did not start:\n${text.slice(-4000)}`);
}

async function isAlive(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health/liveliness`, { signal: AbortSignal.timeout(2000) });
    return answer.ok;
  } catch {
    return false;
  }
}
