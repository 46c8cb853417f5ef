/** `verify` and `recover` as people and machines call them: what is printed, and how they end. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  dayName,
  days,
  expectNoSecret,
  expectRefusal,
  openWorkplace,
  smallTraffic,
  type Workplace,
} from './workplace.ts';

const stateFiles = ['', '-wal', '-shm'].map((suffix) => `langfuse-mlflow.db${suffix}`);

/** Langfuse forgets a call, as when someone deletes it. */
function deleteCall(place: Workplace): string {
  const row = smallTraffic().observations.find((one) => one.truth.kind === 'generation');
  if (row === undefined) throw new Error('no call');
  place.server.store.deleteObservation(row);
  return row.id;
}

describe('verify', () => {
  test('is clean after a sync, says in numbers what was compared, and names what then drifts', async () => {
    await using place = await openWorkplace();
    expect((await place.run(['sync'])).code).toBe(0);
    const mlflow = readFileSync(join(place.path, 'mlflow.db'));
    const clean = await place.run(['verify']);
    expect(clean.code).toBe(0);
    expect(clean.stdout).toMatch(/1\. Does the state file hold what Langfuse has\? Yes\./);
    expect(clean.stdout).toMatch(/2\. Does MLflow hold what the state file describes\? Yes\./);
    expect(clean.stdout).toMatch(/3\. Are there runs that should not exist\? No\./);
    expect(clean.stdout).toMatch(/compared +\d+ runs, [\d,]+ metrics, \d+ trend points/);
    expect(clean.stdout).toMatch(/No drift\.\n$/);

    const id = deleteCall(place);
    const people = await place.run(['verify', '--from', dayName(0), '--to', dayName(days)]);
    expectNoSecret(people);
    expect(people.code).toBe(3);
    expect(people.stdout).toContain(`generation ${id} of trace `);
    expect(people.stdout).toContain('is no longer in Langfuse');
    expect(people.stdout).toMatch(/DRIFT in 1 window and 0 runs\. Run again with --repair/);
    const machine = await place.run(['verify', '--json']);
    expect(machine.code).toBe(3);
    expect(JSON.parse(machine.stdout)).toMatchObject({
      command: 'verify',
      clean: false,
      exit_code: 3,
      langfuse: {
        windows: days,
        drift: [{ unread: false, emptied: false, rows: [{ of: 'generation', kind: 'extra', id }] }],
      },
      mlflow: { drift: [], artifacts_not_checked: null },
      repair: null,
    });
    expect(readFileSync(join(place.path, 'mlflow.db')).equals(mlflow)).toBe(true);

    const repaired = await place.run(['verify', '--repair']);
    expect(repaired.code).toBe(0);
    expect(repaired.stdout).toMatch(/Mended +1 window read again, 0 runs put right\.\n$/);
    const again = await place.run(['verify', '--repair', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({
      clean: true,
      exit_code: 0,
      repair: { windows_read_again: [], windows_left: [], mended: [], left: [] },
    });
  });

  test('does not call a day clean that one list shows empty and another does not', async () => {
    await using place = await openWorkplace();
    const list = '/api/public/v2/observations';
    place.server.setFaults([
      {
        kind: 'empty_list',
        path: list,
        when: ({ query }) => (query.get('fromStartTime') ?? '').startsWith(dayName(1)),
      },
    ]);
    expect((await place.run(['sync', '--empty-check', 'off'])).code).toBe(0);
    const people = await place.run(['verify']);
    expect(people.code).toBe(3);
    expect(people.stdout).toMatch(/what Langfuse has\? NOT KNOWN for 1 window\.\n/);
    expect(people.stdout).toMatch(/\n {3}NOT CHECKED The v2 API shows no row .*\n {5}next: Run/);
    expect(people.stdout).toMatch(/No drift in what could be compared\.\n$/);
    const machine = await place.run(['verify', '--repair', '--json']);
    expect(JSON.parse(machine.stdout)).toMatchObject({
      clean: false,
      exit_code: 3,
      langfuse: {
        drift: [],
        not_trusted: [{ window: dayName(1), code: 'LANGFUSE_NOT_EMPTY' }],
      },
    });
    expect((await place.run(['verify', '--empty-check', 'off'])).code).toBe(0);
  });

  test('--mode counts asks once, says how far to trust it, and sends on to the full mode', async () => {
    await using place = await openWorkplace();
    expect((await place.run(['sync'])).code).toBe(0);
    const clean = await place.run(['verify', '--mode', 'counts']);
    expectNoSecret(clean);
    expect(clean.code).toBe(0);
    expect(clean.stdout).toMatch(/Counted .* and 1 request to the metrics API/);
    expect(clean.stdout).toMatch(/How far this is to be trusted: .*\n.*late row/);
    expect(clean.stdout).toMatch(/No difference that is not explained\.\n$/);

    deleteCall(place);
    const people = await place.run(['verify', '--mode', 'counts']);
    expect(people.code).toBe(3);
    expect(people.stdout).toMatch(
      /DRIFT +window .* model .*: Langfuse [\d,]+ rows, .*; state file /,
    );
    expect(people.stdout).toMatch(/DRIFT in 1 places?\.\n$/);
    const machine = await place.run(['verify', '--mode', 'counts', '--json']);
    expect(machine.code).toBe(3);
    const { differences, ...rest } = JSON.parse(machine.stdout) as {
      differences: { verdict: string }[];
    };
    expect(rest).toMatchObject({
      command: 'verify',
      mode: 'counts',
      clean: false,
      windows: days,
      langfuse_requests: 1,
      unread: [],
      exit_code: 3,
    });
    expect(differences.filter(({ verdict }) => verdict !== 'explained')).toMatchObject([
      { verdict: 'fewer' },
    ]);
  });

  test('has nothing to say where nothing was synced, and makes no file', async () => {
    await using place = await openWorkplace();
    await expectRefusal(place, {
      args: ['verify'],
      expected: {
        exitCode: 2,
        code: 'STATE_UNUSABLE',
        message: /There is no state file .* yet/,
        next: /langfuse-mlflow sync/,
      },
    });
  });

  test.each([
    { args: ['--from', 'soon'], message: /--from soon: / },
    {
      args: ['--mode', 'counts', '--repair'],
      message: /--repair needs to know the rows, and --mode counts knows none/,
    },
    { args: ['--mode', 'quick'], message: /--mode "quick": there are full and counts/ },
    { args: ['--from', '2026-11-02', '--to', '2026-11-01'], message: /is not after --from/ },
  ])('refuses $args', async ({ args, message }) => {
    await using place = await openWorkplace();
    await expectRefusal(place, {
      args: ['verify', ...args],
      expected: { exitCode: 2, code: 'USAGE', message, next: /--help|without --mode counts/ },
    });
  });
});

describe('recover', () => {
  test('takes up the runs of a lost state file, after sync has named the choices', async () => {
    await using place = await openWorkplace();
    expect((await place.run(['sync'])).code).toBe(0);
    for (const file of stateFiles) rmSync(join(place.path, file), { force: true });
    const lost = {
      exitCode: 2,
      code: 'STATE_LOST',
      message:
        /already holds runs of Langfuse project .*and the state file .* has never written there/,
      next: /recover.*SYNC_STATE_FILE.*MLFLOW_EXPERIMENT_NAME/,
    };
    for (const args of [['sync'], ['backfill', '--from', dayName(0), '--to', dayName(1)]]) {
      const end = await place.run([...args, '--json']);
      expect(JSON.parse(end.stdout)).toMatchObject({ error: { code: 'STATE_LOST', exit_code: 2 } });
      expect(end.code).toBe(2);
    }
    const people = await place.run(['sync']);
    expect(people.stderr).toMatch(lost.message);
    expect(people.stderr).toMatch(lost.next);

    const recovered = await place.run(['recover', '--json']);
    expect(recovered.code).toBe(0);
    expect(JSON.parse(recovered.stdout)).toMatchObject({
      command: 'recover',
      windows: { count: days, from: `${dayName(0)}T00:00:00.000Z` },
      runs: { window: days },
      incomplete: 0,
      duplicates: 0,
      exit_code: 0,
    });
    const status = await place.run(['status', '--json']);
    expect(status.code).toBe(3);
    const sync = await place.run(['sync', '--json']);
    expect(JSON.parse(sync.stdout)).toMatchObject({
      exit_code: 0,
      windows: { read: days, failed: [] },
      mlflow: { writes: 0 },
    });
    expect((await place.run(['status'])).code).toBe(0);
    expect((await place.run(['verify'])).code).toBe(0);
  });

  test('says when there is nothing to recover', async () => {
    await using place = await openWorkplace();
    const end = await place.run(['recover', '--json']);
    expect(JSON.parse(end.stdout)).toMatchObject({
      error: { code: 'USAGE', message: expect.stringContaining('nothing to recover') },
    });
    expect(end.code).toBe(2);
  });
});
