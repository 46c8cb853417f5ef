/** The scheduler as a process: what it starts, what it answers, and how it ends. */
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startCli, type CliProcess } from './built-cli.ts';
import {
  expectNoSecret,
  expectRefusal,
  openWorkplace,
  secrets,
  type Workplace,
} from './workplace.ts';

const memoryFile = 'langfuse-mlflow.db.monitor.json';

/** As if the scheduler had been down since its last start, two days ago: it then runs at once. */
function forgetTwoNights(place: Workplace): void {
  const lastStartMs = Date.now() - 2 * 86_400_000;
  writeFileSync(join(place.path, memoryFile), JSON.stringify({ last_start_ms: lastStartMs }));
}

function start(place: Workplace, env: Readonly<Record<string, string>> = {}): CliProcess {
  const args = ['schedule', '--listen', '127.0.0.1:0', '--cron', '30 2 * * *'];
  return startCli({ args, cwd: place.path, env: { ...place.env, ...env } });
}

async function readUrl({ child, said }: CliProcess): Promise<string> {
  let log = '';
  child.stderr?.on('data', (text: string) => {
    log += text;
  });
  await said('waiting for the next run');
  const url = /"url":"([^"]+)"/.exec(log)?.[1];
  if (url === undefined) throw new Error(`no address in ${log}`);
  return url;
}

interface Health {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function ask(url: string): Promise<Health> {
  const response = await fetch(url);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('schedule', () => {
  test('catches up with a missed start, answers how it is, and ends with 143 on SIGTERM', async () => {
    await using place = await openWorkplace();
    forgetTwoNights(place);
    const worker = start(place);
    const url = await readUrl(worker);
    await worker.said('"msg":"run ended"');
    expect(await ask(`${url}/healthz`)).toMatchObject({
      status: 200,
      body: { status: 'ok', running: false, last_run: { exit_code: 0, error: null } },
    });
    expect((await ask(`${url}/readyz`)).status).toBe(200);
    expect((await ask(`${url}/nothing`)).status).toBe(404);
    expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405);
    worker.child.kill('SIGTERM');
    const end = await worker.ended;
    expect(end.code).toBe(143);
    expect(end.stdout).toContain('Complete  up to');
    expect(end.stderr).toContain('"reason":"missed"');
    expectNoSecret(end);
    // What it did is what sync does, so that nothing is left to write.
    const again = await place.run(['sync', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ runs: { created: 0, updated: 0 } });

    const second = start(place);
    await readUrl(second);
    second.child.kill('SIGINT');
    const secondEnd = await second.ended;
    expect(secondEnd.code).toBe(130);
    expect(secondEnd.stderr).not.toContain('run started');
  });

  test('outlives a run that fails, and is not ready until one succeeds', async () => {
    await using place = await openWorkplace();
    forgetTwoNights(place);
    const worker = start(place, { LANGFUSE_SECRET_KEY: secrets.wrong });
    const url = await readUrl(worker);
    await worker.said('"msg":"run ended"');
    expect(await ask(`${url}/readyz`)).toMatchObject({
      status: 503,
      body: { status: 'failing', last_run: { exit_code: 2, error: 'LANGFUSE_AUTH' } },
    });
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    worker.child.kill('SIGTERM');
    const end = await worker.ended;
    expect(end.code).toBe(143);
    expectNoSecret(end);
  });

  test('stopped in a run, it drops the step and ends with 143', async () => {
    await using place = await openWorkplace({
      faults: [{ kind: 'stall', at: 'before_headers' }],
    });
    forgetTwoNights(place);
    const worker = start(place, { SYNC_LANGFUSE_TIMEOUT: '600s' });
    while (place.server.requests.length === 0) {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    worker.child.kill('SIGTERM');
    expect((await worker.ended).code).toBe(143);
  });

  test('refuses settings that cannot be used, all at once, and an address that is taken', async () => {
    await using place = await openWorkplace();
    await expectRefusal(place, {
      args: ['schedule', '--cron', '61 2 * * *', '--timezone', 'Europe/Berlyn', '--listen', '8080'],
      expected: {
        exitCode: 2,
        code: 'SETTINGS_INVALID',
        message: /line 1, column 1: "61" is no minute[^]*is no time zone[^]*must be HOST:PORT/,
        next: /configuration\.md/,
      },
    });
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => {
      other.once('listening', resolve);
    });
    const { port } = other.address() as AddressInfo;
    await expectRefusal(place, {
      args: ['schedule', '--listen', `127.0.0.1:${port}`],
      expected: {
        exitCode: 2,
        code: 'LISTEN_FAILED',
        message: /Can't listen on 127\.0\.0\.1:\d+: EADDRINUSE/,
        next: /SYNC_LISTEN/,
      },
    });
    other.close();
  });
});
