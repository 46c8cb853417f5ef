/** The lease of a worker that was killed on this machine is taken over at once, and no other. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { startCli, type CliProcess } from './built-cli.ts';
import { dayName, expectFailure, openWorkplace, type Workplace } from './workplace.ts';

/** A sync that holds the lease, and will for a minute: its second day is answered late. */
async function startHolder(place: Workplace): Promise<CliProcess> {
  place.server.setFaults([
    {
      kind: 'delay',
      delayMs: 60_000,
      path: '/api/public/v2/observations',
      when: ({ query }) => (query.get('fromStartTime') ?? '').startsWith(dayName(1)),
    },
  ]);
  const sync = startCli({ args: ['sync'], cwd: place.path, env: place.env });
  await sync.said(`${dayName(0)}: runs`);
  place.server.setFaults([]);
  return sync;
}

async function kill(sync: CliProcess): Promise<void> {
  sync.child.kill('SIGKILL');
  await sync.ended;
}

function change(place: Workplace, sql: string): void {
  const db = new Database(join(place.path, 'langfuse-mlflow.db'));
  expect(db.prepare(sql).run().changes).toBe(1);
  db.close();
}

const busy = {
  exitCode: 75,
  code: 'STATE_BUSY',
  message: /Another worker \(.* \(process \d+\)\) is using .*; its lease runs until/,
  next: /wait for it to end/,
} as const;

describe.runIf(process.platform === 'linux')('a worker that was killed', () => {
  test('is not waited for: the next run goes on where it ended', async () => {
    await using place = await openWorkplace();
    await kill(await startHolder(place));
    const next = await place.run(['sync', '--lookback', '0s', '--json']);
    expect(next).toMatchObject({ code: 0 });
    expect(JSON.parse(next.stdout)).toMatchObject({
      windows: { planned: 2, failed: [] },
      lease_taken_from: { holder: expect.stringMatching(/ \(process \d+\)$/), why: 'gone' },
    });
    const after = await place.run(['sync', '--json']);
    expect(after).toMatchObject({ code: 0 });
    expect(JSON.parse(after.stdout)).toMatchObject({ lease_taken_from: null });
  });

  test('of a lease that ran out is named to people too', async () => {
    await using place = await openWorkplace();
    await kill(await startHolder(place));
    change(place, "UPDATE lease SET boot_id = 'another', expires_ms = 1");
    const next = await place.run(['sync']);
    expect(next).toMatchObject({ code: 0 });
    expect(next.stderr).toMatch(/taken over from .* \(process \d+\), which let it run out/);
    expect(next.stdout).toMatch(
      /\nTook over from .* \(process \d+\), which ended without handing its lease back\n/,
    );
  });

  test('is waited for while it is only stopped', async () => {
    await using place = await openWorkplace();
    const sync = await startHolder(place);
    sync.child.kill('SIGSTOP');
    try {
      expectFailure(await place.run(['sync']), busy);
    } finally {
      await kill(sync);
    }
    expect(await place.run(['sync'])).toMatchObject({ code: 0 });
  });

  test.each([
    ['another boot or machine', "boot_id = 'another'"],
    ['another container', "namespaces = 'pid:[1] time:[1]'"],
    ['a version or system that does not tell', 'started_ticks = NULL'],
  ])('of %s, is waited for', async (_case, damage) => {
    await using place = await openWorkplace();
    await kill(await startHolder(place));
    change(place, `UPDATE lease SET ${damage}`);
    expectFailure(await place.run(['sync']), busy);
  });

  test('whose pid another process has by now, is not waited for', async () => {
    await using place = await openWorkplace();
    await kill(await startHolder(place));
    // The pid of this test lives, and was not started then.
    change(place, `UPDATE lease SET pid = ${process.pid}`);
    expect(await place.run(['sync'])).toMatchObject({ code: 0 });
  });
});
