/** How a process ends: stopped by a signal, beside another worker, with nobody reading, or by a fault of its own. */
import { execFile } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { listenForStop } from '../../src/cli/listen-for-stop.ts';
import { createSampleTraffic } from '../../src/demo/traffic.ts';
import { dayMs, toInstant } from '../../src/shared/time.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { cliInShell, runCli, startCli, type CliEnd, type CliProcess } from './built-cli.ts';
import { openReadOnly, readResult } from './read-result.ts';
import {
  dayName,
  expectNoSecret,
  expectRefusal,
  openWorkplace,
  todayMs,
  type Workplace,
} from './workplace.ts';

/** Every later answer about the second day takes so long that the run can be met in the middle of it. */
const slowSecondDay = {
  kind: 'delay',
  delayMs: 60_000,
  path: '/api/public/v2/observations',
  when: (request: { readonly query: URLSearchParams }) =>
    (request.query.get('fromStartTime') ?? '').startsWith(dayName(1)),
} as const;

/** Starts a sync and waits until its first window is published and the second is being read. */
async function startAndWait(place: Workplace, args: readonly string[] = []): Promise<CliProcess> {
  place.server.setFaults([slowSecondDay]);
  const sync = startCli({ args: ['sync', ...args], cwd: place.path, env: place.env });
  await (args.includes('--json') ? secondDayAsked(place) : sync.said(`${dayName(0)}: runs`));
  await secondDayAsked(place);
  return sync;
}

async function secondDayAsked(place: Workplace): Promise<void> {
  while (!place.server.requests.some((request) => slowSecondDay.when(request))) {
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

describe('signals', () => {
  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('%s in the middle of a window, then a run that completes', async (signal, code) => {
    await using place = await openWorkplace();
    const sync = await startAndWait(place);
    const sentMs = Date.now();
    sync.child.kill(signal);
    const end = await sync.ended;
    expect(end.code).toBe(code);
    expect(Date.now() - sentMs).toBeLessThan(10_000);
    expect(end.stdout).toMatch(new RegExp(`STOPPED +${dayName(1)}: Stopped by ${signal}\\.`));
    expect(end.stderr).not.toMatch(/^\s+at /m);

    // The lease is free again at once, and nothing that was finished is read a second time.
    place.server.setFaults([]);
    place.server.clearRequests();
    const next = await place.run(['sync', '--lookback', '0s', '--json']);
    expect(next).toMatchObject({ code: 0 });
    expect(JSON.parse(next.stdout)).toMatchObject({ windows: { planned: 2, read: 2 } });

    using clean = openTempFolder();
    const whole = { args: ['sync'], cwd: clean.path, env: place.env };
    expect(await runCli(whole)).toMatchObject({ code: 0 });
    expect(readResult(place.path)).toEqual(readResult(clean.path));
  });

  test('with --json one object tells how far it came', async () => {
    await using place = await openWorkplace();
    const sync = await startAndWait(place, ['--json']);
    sync.child.kill('SIGTERM');
    const end = await sync.ended;
    expect(end.code).toBe(143);
    expect(JSON.parse(end.stdout)).toMatchObject({
      exit_code: 143,
      windows: { planned: 3, read: 1, failed: [{ window: dayName(1), code: 'CANCELLED' }] },
    });
  });

  test('before the first window: nothing is left behind', async () => {
    await using place = await openWorkplace({
      faults: [{ kind: 'stall', at: 'before_headers' }],
    });
    const sync = startCli({ args: ['sync'], cwd: place.path, env: place.env });
    while (place.server.requests.length === 0) {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    sync.child.kill('SIGINT');
    const end = await sync.ended;
    expect(end.code).toBe(130);
    expect(end.stderr).toMatch(
      /^error: Stopped by SIGINT\.\nnext: {2}The run was stopped; run again/m,
    );
    expect(existsSync(join(place.path, 'langfuse-mlflow.db'))).toBe(false);
    expect(existsSync(join(place.path, 'mlflow.db'))).toBe(false);
  });

  test('two signals at once, as Ctrl-C under npm sends them, are one: the lease is released', async () => {
    await using place = await openWorkplace();
    const sync = await startAndWait(place);
    sync.child.kill('SIGINT');
    sync.child.kill('SIGTERM');
    const end = await sync.ended;
    expect([130, 143]).toContain(end.code);
    expect(end.stdout).toMatch(/STOPPED/);
    place.server.setFaults([]);
    expect(await place.run(['sync'])).toMatchObject({ code: 0 });
  });

  test('a later second signal ends the process at once with its own code', () => {
    const exits: (number | string | null | undefined)[] = [];
    const target = Object.assign(new EventEmitter(), {
      stderr: { isTTY: false },
      exit: (code?: number | string | null) => exits.push(code),
    });
    let nowMs = 1000;
    const signal = listenForStop(target as unknown as NodeJS.Process, {
      now: () => toInstant(nowMs),
      sleep: () => Promise.resolve(),
    });
    expect(signal.aborted).toBe(false);
    target.emit('SIGTERM');
    expect(signal.reason).toMatchObject({ code: 'CANCELLED', message: 'Stopped by SIGTERM.' });
    nowMs += 499;
    target.emit('SIGINT');
    expect(exits).toEqual([]);
    nowMs += 1;
    target.emit('SIGINT');
    expect(exits).toEqual([130]);
  });
});

test('a run whose time is over keeps what it finished, says that it is behind, and the next one goes on', async () => {
  // More days than wait to be published.
  const startMs = todayMs - 12 * dayMs;
  const dayAt = (index: number): string =>
    new Date(startMs + index * dayMs).toISOString().slice(0, 10);
  const traffic = createSampleTraffic({ seed: 7, startMs, days: 12, requestsPerDay: 12 });
  await using place = await openWorkplace({ traffic });
  const env = { SYNC_START: dayAt(0) };
  const isLastDay = ({ query }: { readonly query: URLSearchParams }): boolean =>
    (query.get('fromStartTime') ?? '').startsWith(dayAt(11));
  place.server.setFaults([{ ...slowSecondDay, delayMs: 110_000, when: isLastDay }]);
  const end = await place.run(['sync', '--max-runtime', '45s', '--json'], env);
  expect(end.code).toBe(3);
  expect(end.elapsedMs).toBeLessThan(100_000);
  const summary = JSON.parse(end.stdout) as { readonly watermark: string };
  expect(summary).toMatchObject({
    windows: { planned: 12, read: 11, failed: [{ window: dayAt(11), code: 'OUT_OF_TIME' }] },
    exit_code: 3,
  });
  const finished = Array.from({ length: 12 }, (_, index) => dayAt(index)).filter(
    (day) => `${day}T00:00:00.000Z` < summary.watermark,
  );
  expect(finished.length).toBeGreaterThan(0);
  {
    using state = openReadOnly(join(place.path, 'langfuse-mlflow.db'));
    const read = (sql: string): unknown[] => state.db.prepare(sql).pluck().all();
    expect(read('SELECT expires_ms FROM lease')).toEqual([0]);
    for (const table of ['staged_generations', 'staged_traces'])
      expect(read(`SELECT COUNT(*) FROM ${table}`)).toEqual([0]);
    expect(read('SELECT COUNT(*) FROM windows')).toEqual([11]);
    using mlflow = openReadOnly(join(place.path, 'mlflow.db'));
    const windows = mlflow.db.prepare(
      "SELECT name FROM runs JOIN tags USING (run_uuid) WHERE key = 'langfuse_mlflow.grain' AND value = 'window' ORDER BY name",
    );
    expect(windows.pluck().all()).toEqual(finished);
    const complete = "SELECT COUNT(*) FROM tags WHERE key = 'langfuse_mlflow.complete'";
    expect(mlflow.db.prepare(`${complete} AND value <> 'true'`).pluck().get()).toBe(0);
  }
  expect(await place.run(['status'], env)).toMatchObject({ code: 3 });

  place.server.setFaults([]);
  const next = await place.run(['sync', '--lookback', '0s', '--json'], env);
  expect(next).toMatchObject({ code: 0 });
  expect(JSON.parse(next.stdout)).toMatchObject({ windows: { planned: 1, read: 1 } });
  using clean = openTempFolder();
  const whole = { args: ['sync'], cwd: clean.path, env: { ...place.env, ...env } };
  expect(await runCli(whole)).toMatchObject({ code: 0 });
  expect(readResult(place.path)).toEqual(readResult(clean.path));
});

test('a second worker on the same state names the first, and the first is not disturbed', async () => {
  await using place = await openWorkplace();
  const first = await startAndWait(place);
  await expectRefusal(place, {
    args: ['sync'],
    expected: {
      exitCode: 75,
      code: 'STATE_BUSY',
      message: new RegExp(`Another worker \\(.+ \\(process ${first.child.pid}\\)\\)`),
      next: /wait for it to end/,
    },
  });
  first.child.kill('SIGTERM');
  expect(await first.ended).toMatchObject({ code: 143 });
});

describe('output', () => {
  test('a large result reaches a slow reader of a pipe whole', async () => {
    await using place = await openWorkplace();
    makeQuarantine(place, { synced: await place.run(['sync']), rows: 3000 });
    const end = await place.run(['status', '--json'], {});
    expect(end.stdout.length).toBeGreaterThan(300_000);
    const slow = await runInShell(place, `${cliInShell()} status --json | (sleep 1; cat)`);
    expect(slow.stdout).toBe(end.stdout);
    expect(JSON.parse(slow.stdout)).toMatchObject({ exit_code: 4 });
  });

  test('a reader that goes away is no failure, and the work is done', async () => {
    await using place = await openWorkplace();
    const end = await runInShell(
      place,
      `{ ${cliInShell()} sync 2>&1; echo "ended with $?" >ended; } | head -n 1`,
    );
    expect(end.stdout).toMatch(/^sync: .*\n$/);
    expect(end.stderr).toBe('');
    expect(readFileSync(join(place.path, 'ended'), 'utf8')).toBe('ended with 0\n');
    expect(await place.run(['status'])).toMatchObject({ code: 0 });
  });

  test('help to a reader that goes away', async () => {
    await using place = await openWorkplace();
    const end = await runInShell(
      place,
      `${cliInShell()} sync --help | true; echo "\${PIPESTATUS[0]}"`,
    );
    expect(end).toEqual({ stdout: '0\n', stderr: '' });
  });

  test.skipIf(!existsSync('/dev/full'))(
    'a result that cannot be written is a failure',
    async () => {
      await using place = await openWorkplace();
      await place.run(['sync']);
      const end = await runInShell(place, `${cliInShell()} status --json 2>&1 >/dev/full; echo $?`);
      expect(end.stdout).toMatch(
        /^error: The result could not be written: .*ENOSPC.*\nnext: {2}.*\n75\n$/,
      );
    },
  );

  test('the process ends at once although connections are kept alive', async () => {
    await using place = await openWorkplace();
    const sync = startCli({ args: ['sync'], cwd: place.path, env: place.env });
    await sync.said('finished in ');
    const saidMs = Date.now();
    expect(await sync.ended).toMatchObject({ code: 0 });
    expect(Date.now() - saidMs).toBeLessThan(2000);
  });
});

/** What a command of bash writes; its own exit code does not count. */
function runInShell(
  place: Workplace,
  command: string,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], ...place.env };
    execFile(
      'bash',
      ['--norc', '-c', command],
      { cwd: place.path, env },
      (_error, stdout, stderr) => resolve({ stdout, stderr }),
    );
  });
}

function makeQuarantine(
  place: Workplace,
  { synced, rows }: { readonly synced: CliEnd; readonly rows: number },
): void {
  expect(synced.code).toBe(0);
  const db = new Database(join(place.path, 'langfuse-mlflow.db'));
  const { source, from_ms: fromMs } = db.prepare('SELECT source, from_ms FROM windows').get() as {
    source: string;
    from_ms: number;
  };
  const insert = db.prepare(
    `INSERT INTO quarantine (source, window_from_ms, trace_id, id, reason, raw, first_seen_ms, last_seen_ms, attempts)
     VALUES (?, ?, 'trace', ?, 'it could not be read', NULL, 0, 0, 1)`,
  );
  db.transaction(() => {
    for (let row = 0; row < rows; row += 1) insert.run(source, fromMs, `row-${row}`);
  })();
  db.close();
}

describe('a fault of the worker itself', () => {
  test.each([
    ['an exception', "throw new Error('boom in a timer')"],
    ['a rejection', "Promise.reject(new Error('boom in a timer'))"],
  ])('%s that nobody handles', async (_case, fault) => {
    const code = `const timer = setInterval(() => {
      if (process.listenerCount('uncaughtException') === 0) return;
      clearInterval(timer);
      ${fault};
    }, 5);`;
    await using place = await openWorkplace({ faults: [{ kind: 'delay', delayMs: 20_000 }] });
    const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
    const call = { cwd: place.path, env: place.env, nodeArgs };
    const [end, asJson] = await Promise.all([
      runCli({ ...call, args: ['sync'] }),
      runCli({ ...call, args: ['sync', '--json'] }),
    ]);
    expect(end.code).toBe(4);
    expect(end.stdout).toBe('');
    expect(end.stderr).toMatch(
      /Error: boom in a timer\n +at [^]*\nerror: boom in a timer\nnext: {2}This is a fault of the worker; .*lines above/,
    );
    expectNoSecret(end);
    expect(asJson.code).toBe(4);
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      error: { code: 'INTERNAL', message: 'boom in a timer', exit_code: 4 },
    });
    expect(asJson.stderr).toMatch(/Error: boom in a timer\n +at /);
  });

  test('a command that waits for what can never happen is no success', async () => {
    await using place = await openWorkplace({
      faults: [{ kind: 'rate_limited', retryAfterSeconds: 40 }],
    });
    // Timers that hold nobody: the wait of a rate limit is then nothing that keeps node alive.
    const code =
      'const set = globalThis.setTimeout; globalThis.setTimeout = (...args) => set(...args).unref();';
    const end = await runCli({
      args: ['sync'],
      cwd: place.path,
      env: { ...place.env, SYNC_LANGFUSE_MAX_WAIT: '2m' },
      nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(code)}`],
    });
    expect(end.code).toBe(4);
    expect(end.stderr).toMatch(/error: The command stopped without a result\./);
  });
});
