/** `report` as people and machines call it: a page of a range from the state file alone, and how it ends where there is none. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readHtml } from '../report/html/read-html.ts';
import {
  dayName,
  days,
  expectNoSecret,
  expectRefusal,
  hashFiles,
  openWorkplace,
  type Workplace,
} from './workplace.ts';

let place: Workplace;
let ofAll: Counted;
let ofLater: Counted;

beforeAll(async () => {
  place = await openWorkplace();
  await place.run(['sync']);
  ofAll = countFacts(0);
  ofLater = countFacts(1);
}, 120_000);
afterAll(async () => {
  await place[Symbol.asyncDispose]();
});

const range = (from: number, to: number): string[] => [
  '--from',
  dayName(from),
  '--to',
  dayName(to),
];

interface Counted {
  readonly requests: number;
  readonly errors: number;
  readonly tokens: number;
}

/** What the state file holds from a day on, counted by hand. */
function countFacts(from: number): Counted {
  const file = join(place.path, 'langfuse-mlflow.db');
  const db = new Database(file, { readonly: true });
  const row = db
    .prepare(
      `SELECT SUM(is_final_attempt) AS requests, SUM(is_final_attempt * is_error) AS errors, SUM(total_tokens) AS tokens
       FROM facts WHERE not_counted IS NULL AND start_ms >= ?`,
    )
    .get(Date.parse(dayName(from)));
  db.close();
  // A reader leaves an empty log behind, which the next writer would take away.
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  return row as Counted;
}

describe('report', () => {
  test('of all days is one page whose totals are those of the state file, without Langfuse and MLflow', async () => {
    const before = hashFiles(place.path);
    const nowhere = {
      LANGFUSE_BASE_URL: 'http://127.0.0.1:9',
      MLFLOW_TRACKING_URI: 'http://127.0.0.1:9',
    };
    const end = await place.run(['report', ...range(0, days), '--out', 'all.html'], nowhere);
    expect({ code: end.code, stderr: end.stderr }).toEqual({ code: 0, stderr: '' });
    expectNoSecret(end);
    const { requests, errors, tokens } = ofAll;
    expect(requests).toBeGreaterThan(50);
    expect(end.stdout).toContain(
      `Report    all.html: ${dayName(0)} to ${dayName(days - 1)}, ${days} windows\n`,
    );
    expect(end.stdout).toContain(`Traffic   ${requests} requests, ${errors} failed, known cost $`);
    const page = readHtml(readFileSync(join(place.path, 'all.html'), 'utf8'));
    const total = (name: string): string | undefined =>
      page
        .find((element) => element.attributes['data-total'] === name)
        ?.children.find((cell) => cell.attributes['data-metric'] === name)?.attributes[
        'data-value'
      ];
    expect([total('requests'), total('total_tokens')]).toEqual([String(requests), String(tokens)]);
    const { 'all.html': _, ...after } = hashFiles(place.path);
    expect(after).toEqual(before);
  });

  test('--json tells the same numbers, and which days were not read', async () => {
    const end = await place.run(['report', ...range(1, days + 2), '--out', 'some.html', '--json']);
    expect(end.code).toBe(0);
    const answer = JSON.parse(end.stdout) as Record<string, unknown>;
    expect(answer).toMatchObject({
      file: 'some.html',
      windows: days - 1,
      windows_not_read: [days, days + 1].map((day) => `${dayName(day)}T00:00:00.000Z`),
      metrics: { requests: ofLater.requests },
    });
  });

  test('replaces a page that is there, and leaves it as it is where it can’t write one', async () => {
    const file = join(place.path, 'again.html');
    writeFileSync(file, 'an older page');
    const backwards = [...range(2, 1), '--out', 'again.html'];
    await expectUsage(backwards, { message: /is not after/, next: /--help/ });
    const unread = [...range(20, 21), '--out', 'again.html'];
    await expectUsage(unread, { message: /holds no window/, next: /status/ });
    expect(readFileSync(file, 'utf8')).toBe('an older page');
    expect((await place.run(['report', ...range(0, 1), '--out', 'again.html'])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>/i);
  });

  test('a folder that is not there and a range that begins within a day are refused with the next step', async () => {
    const nowhere = [...range(0, 1), '--out', join('nowhere', 'page.html')];
    await expectUsage(nowhere, { message: /can't be written/, next: /folder/ });
    const half = ['--from', `${dayName(0)}T06:00:00Z`, '--to', dayName(1), '--out', 'page.html'];
    await expectUsage(half, { message: /No window begins at/, next: /--help/ });
  });

  test('makes no state file where there is none', async () => {
    const args = ['report', ...range(0, 1), '--out', 'page.html'];
    const end = await place.run(args, { SYNC_STATE_FILE: 'none.db' });
    expect(end.code).not.toBe(0);
    expect(['none.db', 'page.html'].filter((name) => existsSync(join(place.path, name)))).toEqual(
      [],
    );
  });
});

async function expectUsage(
  args: readonly string[],
  said: { readonly message: RegExp; readonly next: RegExp },
): Promise<void> {
  const expected = { exitCode: 2, code: 'USAGE', ...said };
  await expectRefusal(place, { args: ['report', ...args], expected });
}
