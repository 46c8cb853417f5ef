/** Whom a run tells how it went, on real sockets. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startReceiver, type Received } from '../support/receiver.ts';
import { expectNoSecret, openWorkplace, secrets, todayMs } from './workplace.ts';

/** `langfuse_mlflow_rows{command="sync"} 12` as `rows{command="sync"}`: 12. */
function toValues(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line.startsWith('langfuse_mlflow_'));
  return Object.fromEntries(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice('langfuse_mlflow_'.length, space), Number(line.slice(space + 1))];
    }),
  );
}

const success = 'last_success_timestamp_seconds{command="sync"}';

describe('metrics', () => {
  test('of the textfile collector say what the run did, and a failed run keeps the last success', async () => {
    await using place = await openWorkplace();
    const env = { SYNC_METRICS_FILE: join(place.path, 'langfuse.prom') };
    const done = await place.run(['sync', '--json'], env);
    const json = JSON.parse(done.stdout) as Record<string, Record<string, number>>;
    const values = toValues(readFileSync(env.SYNC_METRICS_FILE, 'utf8'));
    const calls = Object.entries(values).filter(([name]) => name.startsWith('last_run_api_calls'));
    expect(calls).toEqual([
      [
        'last_run_api_calls{command="sync",api="langfuse",status="200"}',
        place.server.requests.length,
      ],
    ]);
    expect(values).toMatchObject({
      'last_run_exit_code{command="sync"}': 0,
      'last_run_windows{command="sync",outcome="changed"}': 3,
      'last_run_windows{command="sync",outcome="failed"}': 0,
      'last_run_rows{command="sync"}': json['rows']?.['read'],
      'last_run_mlflow_runs{command="sync",outcome="created"}': json['runs']?.['created'],
      'last_run_rate_limited_calls{command="sync",api="langfuse"}': 0,
      watermark_timestamp_seconds: todayMs / 1000,
      behind_seconds: 0,
      quarantined_rows: 0,
    });
    expect(statSync(env.SYNC_METRICS_FILE).mode & 0o777).toBe(0o644);
    expect(statSync(join(place.path, 'langfuse-mlflow.db.monitor.json')).mode & 0o777).toBe(0o600);

    const failed = await place.run(['sync'], { ...env, LANGFUSE_SECRET_KEY: secrets.wrong });
    expect(failed.code).toBe(2);
    const after = toValues(readFileSync(env.SYNC_METRICS_FILE, 'utf8'));
    expect(after).toMatchObject({
      'last_run_exit_code{command="sync"}': 2,
      [success]: values[success],
      watermark_timestamp_seconds: todayMs / 1000,
    });
    expect(after['last_run_api_calls{command="sync",api="langfuse",status="401"}']).toBeGreaterThan(
      0,
    );
    // Unknown is absent, not zero.
    expect(Object.keys(after).filter((name) => name.startsWith('last_run_rows'))).toEqual([]);

    expect((await place.run(['verify'], env)).code).toBe(0);
    expect(toValues(readFileSync(env.SYNC_METRICS_FILE, 'utf8'))).toMatchObject({
      'last_run_exit_code{command="sync"}': 2,
      'last_run_exit_code{command="verify"}': 0,
      'drift_windows{command="verify"}': 0,
      'drift_runs{command="verify"}': 0,
    });
    expect(readdirSync(place.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('are pushed to the group of the command; the last success moves only with a success', async () => {
    await using place = await openWorkplace();
    await using gateway = await startReceiver();
    const env = { SYNC_PUSHGATEWAY_URL: gateway.url.replace('//', '//push:gateway-secret@') };
    const ends = [
      await place.run(['sync'], env),
      await place.run(['sync'], { ...env, LANGFUSE_SECRET_KEY: secrets.wrong }),
    ];
    expect(ends.map(({ code }) => code)).toEqual([0, 2]);
    expect(gateway.received.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /metrics/job/langfuse_mlflow/command/sync',
      'POST /metrics/job/langfuse_mlflow/command/sync',
    ]);
    const [first, second] = gateway.received.map(({ body }) => body);
    expect(first).toContain(success);
    expect(second).toContain('last_run_exit_code{command="sync"} 2');
    expect(second).not.toContain('last_success');
    expect(gateway.received[0]?.headers['authorization']).toBe(
      `Basic ${Buffer.from('push:gateway-secret').toString('base64')}`,
    );
    for (const end of ends) expect(end.stdout + end.stderr).not.toContain('gateway-secret');
  });
});

const toCalls = (received: readonly Received[]): string[] =>
  received.map(({ url }) => url.replace(/rid=[\da-f-]{36}$/, 'rid=RUN'));

describe('pings', () => {
  test('tell start, end, exit code and the last lines, one id for each run', async () => {
    await using place = await openWorkplace();
    await using checks = await startReceiver();
    const env = { SYNC_PING_URL: `${checks.url}/ping/uuid-of-the-check` };
    await place.run(['sync'], env);
    const failed = await place.run(['sync'], { ...env, LANGFUSE_SECRET_KEY: secrets.wrong });
    expect(toCalls(checks.received)).toEqual([
      '/ping/uuid-of-the-check/start?rid=RUN',
      '/ping/uuid-of-the-check?rid=RUN',
      '/ping/uuid-of-the-check/start?rid=RUN',
      '/ping/uuid-of-the-check/2?rid=RUN',
    ]);
    const ids = checks.received.map(({ url }) => url.slice(-36));
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).toBe(ids[3]);
    expect(ids[0]).not.toBe(ids[2]);
    expect(checks.received[1]?.body).toMatch(/3 windows to read[^]*finished in/);
    expect(checks.received[3]?.body).toMatch(/error: .*\nnext: {2}Check LANGFUSE_PUBLIC_KEY/);
    expect(JSON.stringify(checks.received)).not.toContain(secrets.wrong);
    expect(failed.stderr).not.toContain('uuid-of-the-check');
  });
});

describe('the webhook', () => {
  test('is told of a fault once and of its end once, also over a state file that never was', async () => {
    await using place = await openWorkplace();
    await using chat = await startReceiver();
    const file = join(place.path, 'webhook-url');
    writeFileSync(file, `${chat.url}/services/secret-of-the-hook\n`);
    const env = { SYNC_WEBHOOK_URL_FILE: file };
    const wrong = { ...env, LANGFUSE_SECRET_KEY: secrets.wrong };
    chat.answer = 500;
    const untold = await place.run(['sync'], wrong);
    expect(untold.stderr).toContain('SYNC_WEBHOOK_URL was not told: it answered with status 500.');
    chat.answer = 200;
    for (const run of [wrong, wrong, env, env]) await place.run(['sync'], run);
    const texts = chat.received.map(({ body }) => (JSON.parse(body) as { text: string }).text);
    expect(texts).toEqual([
      expect.stringContaining('ended with exit code 2.\nLANGFUSE_AUTH: '),
      expect.stringContaining('ended with exit code 2.\nLANGFUSE_AUTH: '),
      expect.stringContaining('works again; before: LANGFUSE_AUTH.'),
    ]);
    expect(texts.join('\n')).not.toContain(secrets.wrong);
    expect(untold.stderr).not.toContain('secret-of-the-hook');
  });
});

describe('receivers that fail', () => {
  test('change nothing about the run, and are warned of without their address', async () => {
    await using place = await openWorkplace();
    await using receiver = await startReceiver();
    receiver.answer = 302;
    const env = {
      SYNC_PING_URL: 'http://127.0.0.1:1/secret-of-the-ping',
      SYNC_PUSHGATEWAY_URL: `${receiver.url}/secret-of-the-gateway`,
      SYNC_METRICS_FILE: join(place.path, 'no-such-folder', 'x.prom'),
    };
    const end = await place.run(['sync'], env);
    expect(end.code).toBe(0);
    expect(end.stdout).toContain('Complete  up to');
    const warnings = end.stderr.split('\n').filter((line) => line.includes('"level":"warn"'));
    const messages = warnings.map((line) => (JSON.parse(line) as { msg: string }).msg).toSorted();
    expect(messages).toEqual([
      'SYNC_METRICS_FILE could not be written.',
      'SYNC_PING_URL was not told: it could not be reached.',
      'SYNC_PING_URL was not told: it could not be reached.',
      'SYNC_PUSHGATEWAY_URL was not told: it answered with status 302.',
    ]);
    // A redirect is not followed.
    expect(receiver.received.map(({ url }) => url)).not.toContain('/elsewhere');
    for (const part of ['secret-of-the-ping', 'secret-of-the-gateway']) {
      expect(end.stdout + end.stderr).not.toContain(part);
    }
    expectNoSecret(end);
  });
});

describe('the log as JSON', () => {
  test('is one object a line, each with the id of the run, and ends with what it counted', async () => {
    await using place = await openWorkplace();
    const end = await place.run(['sync', '--log-format', 'json']);
    const lines = end.stderr
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(new Set(lines.map((line) => line['run_id'])).size).toBe(1);
    expect(lines[0]?.['run_id']).toMatch(/^[\da-f-]{36}$/);
    expect(new Set(lines.map((line) => line['command']))).toEqual(new Set(['sync']));
    expect(lines.filter((line) => line['event'] === 'window_folded')).toHaveLength(3);
    expect(lines.find((line) => line['event'] === 'window_folded')).toMatchObject({
      window: { from: expect.any(String), to: expect.any(String) },
      rows: expect.any(Number),
      elapsed_ms: expect.any(Number),
    });
    expect(lines.at(-1)).toMatchObject({
      msg: 'sync ended with exit code 0',
      exit_code: 0,
      duration_ms: expect.any(Number),
      windows: { changed: 3, unchanged: 0, failed: 0 },
    });
  });
});
