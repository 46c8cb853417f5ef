import { setTimeout as pass } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { Clock } from '../../src/shared/clock.ts';
import { toInstant } from '../../src/shared/time.ts';
import type { Target } from '../../src/sync/ports.ts';
import { collect } from '../support/mlflow-contract-subject.ts';
import type { ProxyAction } from '../support/mlflow-proxy.ts';
import { json, useScriptedMlflow, wireRun } from '../support/mlflow-scripted.ts';

const mlflow = useScriptedMlflow();
const createdRun = json({ run: wireRun });
const newRun = { experimentId: '1', name: 'r', startMs: 5, tags: {} };

describe('repeating', () => {
  test.each([429, 408, 502, 503, 504])('a read is repeated after HTTP %i', async (status) => {
    mlflow().answer({ status, body: 'later' }, { status, body: 'later' }, json({ run: wireRun }));
    const target = await mlflow().open();
    expect(await target.getRun('abc')).toMatchObject({ runId: 'abc' });
    expect(mlflow().calls()).toHaveLength(3);
    expect(mlflow().clock.sleeps).toEqual([250, 500]);
    expect(mlflow().notices.filter((notice) => notice.includes('Trying again'))).toHaveLength(2);
    const slowed = status === 429 || status === 503 ? 2 : 0;
    expect(target.traffic).toEqual({ requests: 4, writes: 0, retries: 2, slowed });
  });

  test('a write that can be repeated is, after a connection that broke', async () => {
    mlflow().answer('reset', json({}));
    const target = await mlflow().open();
    await target.logBatch({ runId: 'abc', metrics: [], params: {}, tags: { a: '1' } });
    expect(target.traffic).toEqual({ requests: 3, writes: 2, retries: 1, slowed: 0 });
  });

  test('it ends, and says what was tried', async () => {
    mlflow().answer({ status: 503, body: 'down for maintenance' });
    const target = await mlflow().open();
    await expect(target.getRun('abc')).rejects.toMatchObject({
      code: 'MLFLOW_UNREACHABLE',
      message: expect.stringMatching(
        /^Could not read run abc at http:\/\/127\.0\.0\.1:\d+ \(HTTP 503\): down for maintenance$/,
      ),
    });
    expect(mlflow().calls()).toHaveLength(4);
  });

  test('an asked wait is kept, as seconds or as a date', async () => {
    const date = new Date(mlflow().clock.now() + 7000).toUTCString();
    mlflow().answer(
      { status: 429, headers: { 'retry-after': '12' } },
      { status: 503, headers: { 'retry-after': date } },
      json({ run: wireRun }),
    );
    const target = await mlflow().open();
    await target.getRun('abc');
    expect(mlflow().clock.sleeps[0]).toBe(12_000);
    // The clock has moved on by the first wait.
    expect(mlflow().clock.sleeps[1]).toBeLessThanOrEqual(7000);
  });

  test('a server that asks for an hour is left alone', async () => {
    mlflow().answer({ status: 429, headers: { 'retry-after': '3600' }, body: 'quota' });
    const target = await mlflow().open();
    await expect(target.getRun('abc')).rejects.toMatchObject({
      code: 'MLFLOW_UNREACHABLE',
      message: expect.stringContaining('3600 s'),
    });
    expect(mlflow().calls()).toHaveLength(1);
  });

  test('a stalled answer ends by the deadline', async () => {
    mlflow().answer('hang', json({ run: wireRun }));
    const target = await mlflow().open({ timeoutMs: 200 });
    expect(await target.getRun('abc')).toMatchObject({ runId: 'abc' });
    expect(mlflow().notices[0]).toContain('no answer in time');
  });

  test('a 500 is repeated twice at most, since most of them stay', async () => {
    mlflow().answer(
      json(
        {
          error_code: 'INTERNAL_ERROR',
          message: 'A string literal cannot contain NUL (0x00) characters.',
        },
        500,
      ),
    );
    const target = await mlflow().open({ maxRetries: 9 });
    await expect(target.getRun('abc')).rejects.toMatchObject({
      code: 'MLFLOW_REJECTED',
      message: expect.stringContaining('cannot contain NUL'),
    });
    expect(mlflow().calls()).toHaveLength(3);
  });

  test.each([
    [500, 'FEATURE_DISABLED'],
    [501, 'NOT_IMPLEMENTED'],
    [400, 'INVALID_PARAMETER_VALUE'],
    [404, 'RESOURCE_DOES_NOT_EXIST'],
  ])('HTTP %i %s is not repeated', async (status, errorCode) => {
    mlflow().answer(json({ error_code: errorCode, message: 'no workspaces here' }, status));
    const target = await mlflow().open();
    await expect(target.deleteRun('abc')).rejects.toMatchObject({
      code: 'MLFLOW_REJECTED',
      message: expect.stringContaining(`HTTP ${status} ${errorCode}): no workspaces here`),
    });
    expect(mlflow().calls()).toHaveLength(1);
  });

  test('the signal ends a wait', async () => {
    const controller = new AbortController();
    mlflow().answer({ status: 503 });
    const target = await mlflow().open({
      signal: controller.signal,
      onNotice: () => controller.abort(new Error('SIGTERM')),
    });
    await expect(target.getRun('abc')).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(mlflow().calls()).toHaveLength(1);
  });
});

describe('a server under load', () => {
  const read = async (count: number, target: Target): Promise<void> => {
    await Promise.all(Array.from({ length: count }, () => target.getRun('abc')));
  };

  test('gets half as many requests at once after a burst of refusals, said and counted once', async () => {
    let refusals = 8;
    let there = 0;
    let most = 0;
    mlflow().server.onRequest = async ({ path }) => {
      if (path === '/version') return { status: 200, body: '3.17.2' };
      const isRefused = refusals > 0;
      refusals -= 1;
      there += 1;
      if (!isRefused) most = Math.max(most, there);
      // Calls that are under way together must be seen together.
      await pass(20);
      there -= 1;
      return isRefused ? { status: 429 } : json({ run: wireRun });
    };
    const target = await mlflow().open({ concurrency: 8 });
    await read(8, target);
    expect(target.traffic).toMatchObject({ retries: 8, slowed: 1 });
    expect(mlflow().notices.filter((notice) => notice.includes('for load'))).toEqual([
      expect.stringMatching(/4 at once and 4\.5 a second from now on/),
    ]);
    expect(most).toBe(4);
  });

  test('is asked nothing by anyone for as long as it asked one of them to wait', async () => {
    let nowMs: number = mlflow().clock.now();
    const asleep: { readonly untilMs: number; readonly wake: () => void }[] = [];
    const clock: Clock = {
      now: () => toInstant(nowMs),
      sleep: (ms) => new Promise((wake) => asleep.push({ untilMs: nowMs + ms, wake })),
    };
    mlflow().answer({ status: 503, headers: { 'retry-after': '9' } }, json({ run: wireRun }));
    const target = await mlflow().open({ concurrency: 1, clock });
    const reading = read(3, target);
    // The one that was refused, and the next in turn.
    await vi.waitFor(() => expect(asleep).toHaveLength(2));
    expect(mlflow().calls()).toHaveLength(1);
    expect(asleep.map(({ untilMs }) => untilMs - nowMs)).toEqual([9000, 9000]);
    const awake = setInterval(() => {
      nowMs += 9000;
      for (const { wake } of asleep.splice(0)) wake();
    }, 5);
    await reading;
    clearInterval(awake);
    expect(mlflow().calls()).toHaveLength(4);
  });

  test('is not slowed down for a 503 that would come again: a server that hands no artifacts on', async () => {
    mlflow().answer({
      status: 503,
      body: 'Endpoint disabled due to the mlflow server running in `--no-serve-artifacts` mode.',
    });
    const target = await mlflow().open();
    await expect(target.getRun('abc')).rejects.toMatchObject({
      code: 'MLFLOW_ARTIFACTS_UNSUPPORTED',
    });
    expect(target.traffic.slowed).toBe(0);
  });

  test('AWS may say it with 400 and a name', async () => {
    mlflow().answer(
      {
        status: 400,
        headers: { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/' },
        body: '{"message":"Rate exceeded"}',
      },
      createdRun,
    );
    const target = await mlflow().open();
    await target.createRun(newRun);
    expect(target.traffic).toMatchObject({ retries: 1, slowed: 1 });
  });

  test('no more begin in a second than the setting says', async () => {
    mlflow().answer(json({ run: wireRun }));
    const target = await mlflow().open({ concurrency: 2, requestsPerSecond: 10 });
    const fromMs = mlflow().clock.now();
    await read(22, target);
    // 23 with the version; two may begin together.
    expect(mlflow().clock.now() - fromMs).toBeGreaterThanOrEqual(2000);
  });
});

describe('creating a run', () => {
  test.each<[string, ProxyAction]>([
    ['a broken connection', 'reset'],
    ['no answer in time', 'hang'],
    ['HTTP 500', json({ error_code: 'INTERNAL_ERROR', message: 'x' }, 500)],
    ['HTTP 502', { status: 502, body: '<html><body>Bad Gateway</body></html>' }],
    ['HTTP 503', json({ error_code: 'TEMPORARILY_UNAVAILABLE', message: 'locked' }, 503)],
    ['HTTP 504', { status: 504 }],
    ['HTTP 408', { status: 408 }],
  ])('is never tried again after %s: the run may exist', async (_what, action) => {
    mlflow().answer(action, createdRun);
    const target = await mlflow().open({ timeoutMs: 300 });
    await expect(target.createRun(newRun)).rejects.toMatchObject({
      code: 'MLFLOW_UNREACHABLE',
      details: expect.objectContaining({ isUncertain: true }),
    });
    expect(mlflow().calls()).toEqual(['POST /api/2.0/mlflow/runs/create']);
  });

  test('is tried again when the server says that it did not look at it', async () => {
    mlflow().answer({ status: 429 }, createdRun);
    const target = await mlflow().open();
    expect(await target.createRun(newRun)).toEqual({
      runId: 'abc',
      artifactUri: wireRun.info.artifact_uri,
    });
    expect(mlflow().calls()).toHaveLength(2);
  });

  test('a refused connection is tried again and then said', async () => {
    mlflow().answer(createdRun);
    const target = await mlflow().open();
    await mlflow().server[Symbol.asyncDispose]();
    await expect(target.createRun(newRun)).rejects.toMatchObject({
      code: 'MLFLOW_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(mlflow().clock.sleeps).toHaveLength(3);
  });

  test.each([
    ['another start', { ...wireRun, info: { ...wireRun.info, start_time: 0 } }],
    ['a tag emptied', { ...wireRun, data: { tags: [{ key: 'a', value: '' }] } }],
    ['a tag lost', { ...wireRun, data: { tags: [{ key: 'b', value: '1' }] } }],
  ])('a server that stored it otherwise is found out: %s', async (_what, run) => {
    mlflow().answer(json({ run }));
    const target = await mlflow().open();
    await expect(target.createRun({ ...newRun, tags: { a: '1' } })).rejects.toMatchObject({
      code: 'MLFLOW_UNEXPECTED',
    });
  });
});

describe('answers', () => {
  test('a login page with 200 is not data', async () => {
    mlflow().answer({
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: '<!doctype html><html>Sign in</html>',
    });
    const target = await mlflow().open();
    await expect(target.getRun('abc')).rejects.toMatchObject({
      code: 'MLFLOW_UNEXPECTED',
      message: expect.stringContaining('Sign in'),
    });
  });

  test('an HTML error is shown as text', async () => {
    mlflow().answer({
      status: 404,
      body: '<!doctype html><html><head><title>x</title></head><body><h1>Not Found</h1><p>The requested URL</p></body></html>',
    });
    const target = await mlflow().open();
    await expect(target.getRun('abc')).rejects.toMatchObject({
      code: 'MLFLOW_UNEXPECTED',
      message: expect.stringContaining('Not Found The requested URL'),
    });
  });

  test.each([401, 403])(
    'HTTP %i is about the credentials, and they are not in the message',
    async (status) => {
      mlflow().answer({ status, body: 'token s3cret-token is not welcome' });
      const target = await mlflow().open({ token: 's3cret-token' });
      const error: unknown = await target.getRun('abc').catch((caught: unknown) => caught);
      expect(error).toMatchObject({
        code: 'MLFLOW_AUTH',
        message: expect.stringContaining('is not welcome'),
      });
      expect(String(error)).not.toContain('s3cret');
      expect(mlflow().calls()).toHaveLength(1);
    },
  );

  test('a host that the server does not know is said verbatim, with the remedy', async () => {
    mlflow().answer({
      status: 403,
      body: 'Invalid Host header - possible DNS rebinding attack detected',
    });
    const target = await mlflow().open();
    await expect(target.getRun('abc')).rejects.toMatchObject({
      code: 'MLFLOW_REJECTED',
      message: expect.stringMatching(
        /Invalid Host header - possible DNS rebinding attack detected.*--allowed-hosts/,
      ),
    });
    expect(mlflow().calls()).toHaveLength(1);
  });

  test('a redirect is not followed, and its place is shown without its query', async () => {
    mlflow().answer({
      status: 302,
      headers: { location: 'https://login.example.com/start?state=secret' },
    });
    const target = await mlflow().open();
    const error: unknown = await target.getRun('abc').catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'MLFLOW_UNEXPECTED',
      message: expect.stringContaining('https://login.example.com/start'),
    });
    expect(String(error)).not.toContain('secret');
  });

  test.each([
    '{}',
    '{"run":{}}',
    '{"run":{"info":{}}}',
    '{"run":{"info":{"run_id":"a"},"data":{"metrics":[{"key":"m"}]}}}',
    '[]',
    'null',
    '',
  ])('an answer without what it must have is not guessed at: %s', async (body) => {
    mlflow().answer({ status: 200, body });
    const target = await mlflow().open();
    await expect(target.getRun('abc')).rejects.toMatchObject({ code: 'MLFLOW_UNEXPECTED' });
  });

  test('numbers may come as strings, and NaN and infinity as words', async () => {
    const metrics = [
      { key: 'a', value: 'NaN' },
      { key: 'b', value: '1.5' },
      { key: 'c', value: '-Infinity' },
    ];
    mlflow().answer(
      json({
        run: {
          info: { ...wireRun.info, start_time: '1700000000000', end_time: '1700000000001' },
          data: { metrics },
        },
      }),
    );
    const target = await mlflow().open();
    expect(await target.getRun('abc')).toMatchObject({
      startMs: 1_700_000_000_000,
      endMs: 1_700_000_000_001,
      metrics: { a: Number.NaN, b: 1.5, c: -Infinity },
    });
  });

  test('a page token that does not advance is an error, not an endless loop', async () => {
    mlflow().answer(json({ runs: [], next_page_token: 'eyJvZmZzZXQiOiAwfQ==' }));
    const target = await mlflow().open();
    await expect(collect(target.listRuns('1'))).rejects.toMatchObject({
      code: 'MLFLOW_UNEXPECTED',
    });
  });

  test('rows that shift between pages are given once', async () => {
    const tags = [{ key: 'langfuse_mlflow.key', value: 'k' }];
    const run = (id: string) => ({ info: { ...wireRun.info, run_id: id }, data: { tags } });
    mlflow().answer(
      json({ runs: [run('a'), run('b')], next_page_token: '1' }),
      json({ runs: [run('b'), run('c')] }),
    );
    const target = await mlflow().open();
    const ids: string[] = [];
    for await (const { runId } of target.listRuns('1')) ids.push(runId);
    expect(ids).toEqual(['a', 'b', 'c']);
  });
});

describe('many keys', () => {
  test('a scan that turns out long is given up for look-ups, and no run is missed', async () => {
    const key = (i: number) => String(i).padStart(32, '0');
    const wanted = Array.from({ length: 20 }, (_, i) => key(i));
    const run = (id: string, value: string) => ({
      info: { ...wireRun.info, run_id: id },
      data: { tags: [{ key: 'langfuse_mlflow.key', value }] },
    });
    mlflow().server.onRequest = ({ path, body }) => {
      if (path === '/version') return { status: 404 };
      const { filter, page_token: token } = JSON.parse(body.toString()) as {
        filter: string;
        page_token?: string;
      };
      const found = /= '(\d+)'$/.exec(filter)?.[1];
      if (found !== undefined) return json({ runs: [run(`of-${found}`, found)] });
      const page = Number(token ?? 0);
      const runs = Array.from({ length: 100 }, (_, i) =>
        run(`other-${page}-${i}`, `x${page}-${i}`),
      );
      return json({ runs, next_page_token: String(page + 1) });
    };
    const target = await mlflow().open();
    const runs = await target.findRunsByKey('1', wanted);
    expect(runs.map(({ runId }) => runId)).toEqual(wanted.map((value) => `of-${value}`));
    expect(mlflow().calls()).toHaveLength(4 + 20);
    expect(target.description.version).toBeNull();
  });
});
