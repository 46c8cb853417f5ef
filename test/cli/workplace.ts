/** A folder, a sample Langfuse with three days of traffic up to last night, and the settings to sync it. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import {
  startSampleServer,
  type SampleServer,
  type SampleServerOptions,
} from '../../src/demo/sample-server.ts';
import type { SampleTraffic } from '../../src/demo/sample-types.ts';
import { createSampleTraffic } from '../../src/demo/traffic.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { runCli, type CliEnd } from './built-cli.ts';

/** A test here starts several processes, on machines that are slow or busy. */
vi.setConfig({ testTimeout: 120_000 });

const dayMs = 86_400_000;
const nowMs = Date.now();
/** Midnight (UTC) that begins today. */
export const todayMs = Math.floor(nowMs / dayMs) * dayMs;
export const days = 3;
export const startMs = todayMs - days * dayMs;
/** The day `index` days after the first one: `2026-11-24`. */
export const dayName = (index: number): string =>
  new Date(startMs + index * dayMs).toISOString().slice(0, 10);

/** Distinct, so that each is found where it must not be. */
export const secrets = {
  langfuse: 'sk-lf-secret-of-the-test-51c2',
  wrong: 'sk-lf-wrong-secret-99d1',
  organization: 'sk-lf-organization-secret-7e3a',
  otherProject: 'sk-lf-other-project-secret-42bb',
  mlflowPassword: 'mlflow-password-6f0e',
  mlflowToken: 'mlflow-token-83aa',
} as const;

let traffic: SampleTraffic | null = null;

/** About 250 rows; the same for every test of a file. */
export function smallTraffic(): SampleTraffic {
  traffic ??= createSampleTraffic({ seed: 7, startMs, days, requestsPerDay: 40 });
  return traffic;
}

export interface Workplace extends AsyncDisposable {
  readonly path: string;
  readonly server: SampleServer;
  readonly env: Readonly<Record<string, string>>;
  readonly run: (
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ) => Promise<CliEnd>;
}

export async function openWorkplace(
  options: Partial<SampleServerOptions> = {},
): Promise<Workplace> {
  const folder = openTempFolder();
  const server = await startSampleServer({
    traffic: smallTraffic(),
    keys: { publicKey: 'pk-lf-test', secretKey: secrets.langfuse },
    ...options,
  });
  // The newest settled window ends last midnight, for the next 24 hours, whenever the test runs.
  const settleMinutes = Math.floor((nowMs - todayMs) / 60_000);
  const env = {
    LANGFUSE_BASE_URL: server.url,
    LANGFUSE_PUBLIC_KEY: server.keys.publicKey,
    LANGFUSE_SECRET_KEY: server.keys.secretKey,
    SYNC_START: dayName(0),
    SYNC_SETTLE: `${settleMinutes}m`,
    SYNC_LANGFUSE_TIMEOUT: '10s',
    SYNC_LANGFUSE_MAX_WAIT: '1s',
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
  };
  return {
    path: folder.path,
    server,
    env,
    run: (args, more = {}) => runCli({ args, cwd: folder.path, env: { ...env, ...more } }),
    async [Symbol.asyncDispose]() {
      await server.close();
      folder[Symbol.dispose]();
    },
  };
}

/** Every file of a folder with the hash of what it holds; SQLite's index of its log, which readers change, left out. */
export function hashFiles(path: string): Record<string, string> {
  const names = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('-shm'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(
    names.map((name) => [
      name.slice(path.length + 1),
      createHash('sha256').update(readFileSync(name)).digest('hex'),
    ]),
  );
}

/** A port of this machine that nothing listens on. */
export async function findClosedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

/** No secret of any test, nor what HTTP makes of it, is in what a command has said. */
export function expectNoSecret(end: CliEnd): void {
  const said = `${end.stdout}\n${end.stderr}`;
  for (const secret of Object.values(secrets)) {
    expect(said).not.toContain(secret);
    expect(said).not.toContain(Buffer.from(`pk-lf-test:${secret}`).toString('base64'));
  }
  expect(said).not.toMatch(/\b(Basic|Bearer) [^*]/);
}

export interface ExpectedFailure {
  readonly exitCode: number;
  readonly code: string;
  readonly message: RegExp;
  readonly next: RegExp;
}

/** One message and one next step on stderr, nothing on stdout, no stack, no secret. */
export function expectFailure(end: CliEnd, expected: ExpectedFailure): void {
  expectNoSecret(end);
  expect(end.stderr).not.toMatch(/^\s+at /m);
  expect(end.stdout).toBe('');
  const said = plainLines(end.stderr);
  const errors = said.filter((line) => line.startsWith('error: '));
  const steps = said.filter((line) => line.startsWith('next:  '));
  expect(errors).toHaveLength(1);
  expect(steps).toHaveLength(1);
  expect(said.join('\n')).toMatch(expected.message);
  expect(steps[0]).toMatch(expected.next);
  expect(end.code).toBe(expected.exitCode);
}

/** One JSON object on stdout with the same, and nothing of it on stderr. */
export function expectJsonFailure(end: CliEnd, expected: ExpectedFailure): void {
  expectNoSecret(end);
  expect(end.stderr).not.toMatch(/^(error|next): /m);
  const parsed = JSON.parse(end.stdout) as { error: Record<string, unknown> };
  expect(Object.keys(parsed)).toEqual(['error']);
  expect(parsed.error).toEqual({
    code: expected.code,
    message: expect.stringMatching(expected.message),
    next: expect.any(String),
    exit_code: expected.exitCode,
  });
  expect(end.code).toBe(expected.exitCode);
}

/** Both ways of saying it, and not a file made or changed. */
export async function expectRefusal(
  place: Workplace,
  call: {
    readonly args: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly expected: ExpectedFailure;
  },
): Promise<void> {
  const before = hashFiles(place.path);
  const [forPeople, asJson] = await Promise.all([
    place.run(call.args, call.env),
    place.run([...call.args, '--json'], call.env),
  ]);
  expectFailure(forPeople, call.expected);
  expectJsonFailure(asJson, call.expected);
  expect(hashFiles(place.path)).toEqual(before);
}

/** Without the log, which is JSON lines where stderr is no terminal. */
function plainLines(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
}
