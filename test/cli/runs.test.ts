/** Runs that do something: exit codes, what is printed, and what a second run leaves as it was. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CliEnd } from './built-cli.ts';
import {
  dayName,
  days,
  expectNoSecret,
  findClosedPort,
  hashFiles,
  openWorkplace,
  secrets,
  smallTraffic,
  startMs,
} from './workplace.ts';

interface Summary {
  readonly exit_code: number;
  readonly windows: { readonly planned: number; readonly read: number; readonly failed: unknown[] };
  readonly rows: { readonly quarantined: number };
  readonly runs: { readonly created: number; readonly updated: number };
  readonly totals: { readonly requests: number; readonly attempts: number };
  readonly mlflow: { readonly writes: number };
}

/** The one object on stdout; its exit code is that of the process. */
function toSummary(end: CliEnd): Summary {
  const summary = JSON.parse(end.stdout) as Summary;
  expect(summary.exit_code).toBe(end.code);
  expectNoSecret(end);
  return summary;
}

describe('sync', () => {
  test('twice: the second time nothing is written, and status is satisfied', async () => {
    await using place = await openWorkplace();
    const first = toSummary(await place.run(['sync', '--json']));
    expect(first).toMatchObject({
      exit_code: 0,
      windows: { planned: days, read: days, failed: [] },
    });
    expect(first.runs.created).toBeGreaterThan(0);
    const mlflow = readFileSync(join(place.path, 'mlflow.db'));
    const second = toSummary(await place.run(['sync', '--json']));
    expect(second).toMatchObject({
      exit_code: 0,
      windows: { read: days, failed: [] },
      runs: { created: 0, updated: 0 },
      mlflow: { writes: 0 },
      totals: first.totals,
    });
    expect(readFileSync(join(place.path, 'mlflow.db')).equals(mlflow)).toBe(true);

    const before = hashFiles(place.path);
    const status = await place.run(['status']);
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(status.stdout).toMatch(/Complete .*nothing is due/);
    expect(status.stdout).toMatch(
      /State .*: \d+\.\d MB \(\d+\.\d MB free\), [1-9]\d* calls since 20\d\d-.*Z, [1-9]\d* texts, \d+ scores\n$/,
    );
    expect(hashFiles(place.path)).toEqual(before);
  });

  test('for people: a line a window on stderr, the table on stdout', async () => {
    await using place = await openWorkplace();
    const end = await place.run(['sync']);
    expectNoSecret(end);
    expect(end.stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^sync: http:\/\/127\.0\.0\.1:\d+ \(v2\) -> sqlite:\/\/\/mlflow\.db$/),
      expect.stringMatching(/^3 windows to read, /),
      ...[0, 1, 2].flatMap((index): unknown[] => [
        expect.stringMatching(new RegExp(`^${dayName(index)}: \\d+ rows read, .*generations$`)),
        expect.stringMatching(new RegExp(`^${dayName(index)}: runs \\d+ created, `)),
      ]),
      ...linesAfterTheWindows(end),
      expect.stringMatching(/^finished in .*: 3 windows done, /),
    ]);
    expect(end.stdout).toMatch(/│ model .*│ requests │/);
    expect(end.stdout).toMatch(/\nWindows {3}3 of 3 read, 3 new or changed, 0 unchanged/);
  });

  test('a version 4 server in legacy mode is read by its legacy API, and to the same numbers', async () => {
    await using place = await openWorkplace();
    await using legacy = await openWorkplace({ mode: 'v4-legacy-mode' });
    const totals = toSummary(await place.run(['sync', '--json'])).totals;
    const end = await legacy.run(['sync']);
    expect(end).toMatchObject({ code: 0 });
    expect(end.stderr).toMatch(/^sync: .* \(legacy\) -> /m);
    const again = toSummary(
      await legacy.run(['backfill', '--from', dayName(0), '--to', dayName(3), '--json']),
    );
    expect(again.totals.attempts).toBe(totals.attempts);
  });

  test('a wait beyond the limit in the middle: 75, finished windows kept, status behind', async () => {
    await using place = await openWorkplace();
    place.server.setFaults([
      {
        kind: 'rate_limited',
        retryAfterSeconds: 40,
        path: '/api/public/v2/observations',
        when: (request) => (request.query.get('fromStartTime') ?? '').startsWith(dayName(1)),
      },
    ]);
    const end = await place.run(['sync']);
    expect(end.code).toBe(75);
    expect(end.stderr).toMatch(
      new RegExp(
        `^${dayName(1)}: failed with LANGFUSE_RATE_LIMITED: .*\\. Next: Langfuse asked to wait longer`,
        'm',
      ),
    );
    expect(end.stdout).toMatch(new RegExp(`FAILED +${dayName(1)}: .*\\n +next: `));
    const status = await place.run(['status']);
    expect(status.code).toBe(3);
    expect(status.stdout).toMatch(/BEHIND by 48\.0 h/);

    place.server.setFaults([]);
    expect(toSummary(await place.run(['sync', '--json']))).toMatchObject({
      exit_code: 0,
      windows: { failed: [] },
    });
    expect(await place.run(['status'])).toMatchObject({ code: 0 });
  });

  test('a row that cannot be read: 4, the rest is there, and status names the row', async () => {
    await using place = await openWorkplace();
    const poisoned = smallTraffic().observations.find((row) => row.startMs > startMs + 86_400_000);
    if (poisoned === undefined) throw new Error('no row on the second day');
    place.server.setFaults([{ kind: 'poison_row', id: poisoned.id, maxRows: 0 }]);
    const end = await place.run(['sync']);
    expect(end.code).toBe(4);
    expect(end.stdout).toMatch(/Rows .*1 QUARANTINED \(langfuse-mlflow status\)/);
    const status = await place.run(['status']);
    expect(status.code).toBe(4);
    expect(status.stdout).toMatch(/Complete .*nothing is due/);
    expect(status.stdout).toContain('Quarantine ');
    const asJson = JSON.parse((await place.run(['status', '--json'])).stdout) as {
      sources: { quarantine: { window: string }[] }[];
    };
    expect(asJson.sources[0]?.quarantine).toHaveLength(1);
    expect(asJson.sources[0]?.quarantine[0]?.window).toMatch(new RegExp(`^${dayName(1)}`));
  });

  test('a list that is empty though the server has rows: 4, the other days are there', async () => {
    await using place = await openWorkplace();
    place.server.setFaults([
      {
        kind: 'empty_list',
        path: '/api/public/v2/observations',
        when: (request) => (request.query.get('fromStartTime') ?? '').startsWith(dayName(1)),
      },
    ]);
    const end = await place.run(['sync']);
    expectNoSecret(end);
    expect(end.code).toBe(4);
    expect(end.stdout).toMatch(
      new RegExp(
        `FAILED +${dayName(1)}: The v2 API shows no row .*\\n +next: .*SYNC_LANGFUSE_READER.*SYNC_EMPTY_CHECK=off`,
      ),
    );
    expect(await place.run(['status'])).toMatchObject({ code: 3 });
    expect(await place.run(['sync', '--empty-check', 'off'])).toMatchObject({ code: 0 });
  });

  test('a secret from a file is as secret', async () => {
    await using place = await openWorkplace();
    const file = join(place.path, 'secret');
    writeFileSync(file, `${secrets.wrong}\n`);
    const end = await place.run(['sync', '--langfuse-secret-key-file', file], {
      LANGFUSE_SECRET_KEY: '',
      SYNC_LOG_LEVEL: 'debug',
    });
    expect(end.code).toBe(2);
    expectNoSecret(end);
  });
});

/** Windows that late scores touched are published again, a line each. */
function linesAfterTheWindows(end: CliEnd): string[] {
  return end.stderr
    .trimEnd()
    .split('\n')
    .slice(2 + 2 * days, -1);
}

describe('doctor', () => {
  test('every plane is fine: an experiment that is not there is not made', async () => {
    await using place = await openWorkplace();
    const end = await place.run(['doctor']);
    expectNoSecret(end);
    expect(end).toMatchObject({ code: 0, stderr: '' });
    expect(end.stdout).toMatch(
      /ok .*langfuse .*reader .*v2[^]*ok .*mlflow .*experiment .*does not exist yet[^]*ok .*state .*does not exist yet/,
    );
    expect(hashFiles(place.path)).toEqual({});
  });

  test('with an experiment a probe run is written and taken away; the state is not touched', async () => {
    await using place = await openWorkplace();
    await place.run(['sync']);
    const { 'langfuse-mlflow.db': state } = hashFiles(place.path);
    const end = await place.run(['doctor', '--json']);
    expect(JSON.parse(end.stdout)).toMatchObject({ ok: true, exit_code: 0, failures: [] });
    expect(hashFiles(place.path)['langfuse-mlflow.db']).toBe(state);
    expect(await place.run(['sync'])).toMatchObject({ code: 0 });
  });

  test('a plane that fails hides no other', async () => {
    await using place = await openWorkplace();
    const end = await place.run(['doctor'], {
      LANGFUSE_SECRET_KEY: secrets.wrong,
      MLFLOW_TRACKING_URI: `http://127.0.0.1:${await findClosedPort()}`,
    });
    expectNoSecret(end);
    expect(end.code).toBe(2);
    expect(end.stdout).toMatch(/FAIL .*langfuse[^]*FAIL .*mlflow[^]*ok .*state/);
    expect(end.stdout.match(/^next: /gm)).toHaveLength(2);
    expect(existsSync(join(place.path, 'langfuse-mlflow.db'))).toBe(false);
  });
});
