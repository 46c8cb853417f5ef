/** Rows that could not be read are tried again: by each sync, however old their window, and on demand. */
import { describe, expect, test } from 'vitest';
import type { SampleFault } from '../../src/demo/faults.ts';
import type { CliEnd } from './built-cli.ts';
import {
  dayName,
  days,
  expectNoSecret,
  expectRefusal,
  openWorkplace,
  smallTraffic,
  startMs,
  type Workplace,
} from './workplace.ts';

const dayMs = 86_400_000;

/** Only new windows and those that must be read again: the first day is older than every lookback. */
const noLookback = { SYNC_LOOKBACK: '0s' };

function findRow(day: number): string {
  const row = smallTraffic().observations.find(
    ({ startMs: atMs, type }) => type === 'GENERATION' && atMs >= startMs + day * dayMs,
  );
  if (row === undefined) throw new Error(`no row on day ${day}`);
  return row.id;
}

const poisonOf = (day: number): SampleFault => ({
  kind: 'poison_row',
  id: findRow(day),
  maxRows: 0,
});

interface Summary {
  readonly windows: Readonly<Record<string, unknown>>;
  readonly rows: { readonly quarantined: number };
  readonly runs: { readonly created: number; readonly updated: number };
  readonly totals: { readonly attempts: number };
}

function toSummary(end: CliEnd): Summary {
  expectNoSecret(end);
  return JSON.parse(end.stdout) as Summary;
}

async function readQuarantine(place: Workplace): Promise<{ window: string; attempts: number }[]> {
  const status = await place.run(['status', '--json']);
  const { sources } = JSON.parse(status.stdout) as {
    sources: { quarantine: { window: string; attempts: number }[] }[];
  };
  return sources.flatMap(({ quarantine }) => quarantine);
}

/** Attempts by what is published of each day, read again. */
async function countAttempts(place: Workplace): Promise<number> {
  const range = ['--from', dayName(0), '--to', dayName(days)];
  return toSummary(await place.run(['backfill', ...range, '--json'])).totals.attempts;
}

describe('quarantined rows', () => {
  test('backfill --quarantined reads their windows and no other; 4 while one remains, then 0', async () => {
    await using place = await openWorkplace();
    await using untroubled = await openWorkplace();
    place.server.setFaults([poisonOf(0), poisonOf(2)]);
    expect(await place.run(['sync'], noLookback)).toMatchObject({ code: 4 });
    const status = await place.run(['status']);
    expect(status.code).toBe(4);
    expect(status.stdout).toContain(
      'each sync reads these windows again; at once: langfuse-mlflow backfill --quarantined\n',
    );

    place.server.setFaults([poisonOf(2)]);
    const half = await place.run(['backfill', '--quarantined', '--json']);
    expect(half.code).toBe(4);
    expect(toSummary(half)).toMatchObject({
      command: 'backfill',
      windows: { planned: 2, read: 2, unchanged: 1, failed: [] },
      rows: { quarantined: 1 },
    });
    expect(await readQuarantine(place)).toMatchObject([
      { window: expect.stringContaining(dayName(2)), attempts: 2 },
    ]);

    place.server.setFaults([]);
    const whole = await place.run(['backfill', '--quarantined', '--json']);
    expect(whole.code).toBe(0);
    const summary = toSummary(whole);
    expect(summary).toMatchObject({ windows: { planned: 1, read: 1 }, rows: { quarantined: 0 } });
    expect(summary.runs.updated).toBeGreaterThan(0);
    expect(await readQuarantine(place)).toEqual([]);
    expect(await place.run(['status'])).toMatchObject({ code: 0 });

    await untroubled.run(['sync']);
    expect(await countAttempts(place)).toBe(await countAttempts(untroubled));
    const none = await place.run(['backfill', '--quarantined', '--json']);
    expect(none.code).toBe(0);
    expect(toSummary(none)).toMatchObject({ windows: { planned: 0 }, mlflow: { writes: 0 } });
  });

  test('the next sync tries again too, in a window that is older than its lookback', async () => {
    await using place = await openWorkplace();
    place.server.setFaults([poisonOf(0)]);
    await place.run(['sync'], noLookback);
    place.server.setFaults([]);
    const next = await place.run(['sync', '--json'], noLookback);
    expect(next.code).toBe(0);
    expect(toSummary(next)).toMatchObject({ windows: { planned: 1, read: 1 } });
    expect(await readQuarantine(place)).toEqual([]);
  });

  test('without a state file there is nothing to try again', async () => {
    await using place = await openWorkplace();
    await expectRefusal(place, {
      args: ['backfill', '--quarantined'],
      expected: {
        exitCode: 2,
        code: 'STATE_UNUSABLE',
        message: /There is no state file|does not exist/,
        next: /\S/,
      },
    });
  });
});
