/** Real MLflow servers on loopback, each in a folder of its own, stopped for sure. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mlflowProgram, type MlflowVersion } from './mlflow-install.ts';
import { requireMlflow } from './mlflow-suite.ts';

export interface MlflowServer extends AsyncDisposable {
  readonly url: string;
  /** As the server tells it, e.g. `2.10.2`. */
  readonly version: string;
  /** Where it was started: its `mlflow.db` and `mlartifacts` are here. */
  readonly cwd: string;
  /** What it has printed so far. */
  readLog(): Promise<string>;
  stop(): Promise<void>;
}

export interface MlflowServerOptions {
  readonly version: MlflowVersion;
  /** Its environment; default: the one that was installed for the suites. */
  readonly environment?: string;
  /** Default: a new folder, removed at the end. */
  readonly cwd?: string;
  /** `server` on `sqlite:///mlflow.db` with proxied artifacts (default), or plain `ui`, which chooses by itself. */
  readonly command?: 'server' | 'ui';
  readonly extraArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Nothing about a test run leaves the machine. */
export const quietMlflowEnv = {
  MLFLOW_DISABLE_TELEMETRY: 'true',
  DO_NOT_TRACK: 'true',
  MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
  PYTHONUNBUFFERED: '1',
} as const;

const startTimeoutMs = 120_000;

/** Starts a server on a free port and waits until it answers. Throws with the end of its log when it does not. */
export async function startMlflowServer(options: MlflowServerOptions): Promise<MlflowServer> {
  const program = mlflowProgram(options.environment ?? requireMlflow(options.version), 'mlflow');
  const cwd = options.cwd ?? (await mkdtemp(join(tmpdir(), 'langfuse-mlflow-server-')));
  const logFolder = await mkdtemp(join(tmpdir(), 'langfuse-mlflow-log-'));
  const logFile = join(logFolder, 'server.log');
  const port = await findFreePort();
  const command = options.command ?? 'server';
  const args = [
    command,
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    ...(command === 'server'
      ? ['--backend-store-uri', 'sqlite:///mlflow.db', '--workers', '1']
      : []),
    ...(options.extraArgs ?? []),
  ];
  const log = openSync(logFile, 'a');
  // Its own process group, since MLflow starts workers of its own.
  const child = spawn(program, args, {
    cwd,
    env: { ...withoutMlflowSettings(process.env), ...quietMlflowEnv, ...options.env },
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const killAtExit = (): void => signalGroup(child, 'SIGKILL');
  process.once('exit', killAtExit);

  const stop = async (): Promise<void> => {
    await stopGroup(child);
    process.removeListener('exit', killAtExit);
    await rm(logFolder, { recursive: true, force: true });
    if (options.cwd === undefined) await rm(cwd, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await waitUntilHealthy(url, child);
    const version = await (await fetch(`${url}/version`)).text();
    return {
      url,
      version,
      cwd,
      readLog: () => readFile(logFile, 'utf8'),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    const text = await readFile(logFile, 'utf8');
    await stop();
    throw new Error(`mlflow ${args.join(' ')} did not start:\n${text.slice(-4000)}`, {
      cause: error,
    });
  }
}

async function waitUntilHealthy(url: string, child: ChildProcess): Promise<void> {
  const giveUpAt = Date.now() + startTimeoutMs;
  while (Date.now() < giveUpAt) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`it ended with code ${child.exitCode}`);
    try {
      const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) });
      if (answer.ok) return;
    } catch {
      // Not listening yet.
    }
    await sleep(200);
  }
  throw new Error(`no answer within ${startTimeoutMs} ms`);
}

async function stopGroup(child: ChildProcess): Promise<void> {
  signalGroup(child, 'SIGTERM');
  const giveUpAt = Date.now() + 5000;
  while (isGroupAlive(child) && Date.now() < giveUpAt) await sleep(50);
  signalGroup(child, 'SIGKILL');
}

function signalGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    if (!isGone) throw error;
  }
}

function isGroupAlive(child: ChildProcess): boolean {
  if (child.pid === undefined) return false;
  try {
    process.kill(-child.pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A developer's own MLflow settings must not leak into a test's server. */
function withoutMlflowSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('MLFLOW_')));
}

export async function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}
