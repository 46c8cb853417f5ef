import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { ProgressEvent } from '../../src/shared/progress.ts';
import { dayMs, toInstant, type Interval } from '../../src/shared/time.ts';
import { createLineProgress } from '../../src/telemetry/create-line-progress.ts';
import { createProgress } from '../../src/telemetry/create-progress.ts';
import { renderElapsed, renderProgressLine } from '../../src/telemetry/render-progress-line.ts';

const day = (index: number): Interval => ({
  fromMs: toInstant(Date.UTC(2026, 10, 24) + index * dayMs),
  toMs: toInstant(Date.UTC(2026, 10, 25) + index * dayMs),
});
const runs = { created: 3, updated: 1, unchanged: 0, deleted: 0 };

/** A run of two windows, the second of which fails. */
const events: ProgressEvent[] = [
  { kind: 'run_started', command: 'sync', source: 'https://l (v2)', target: 'sqlite:///mlflow.db' },
  { kind: 'windows_planned', windows: 2, span: { fromMs: day(0).fromMs, toMs: day(1).toMs } },
  { kind: 'window_read_progress', window: day(0), rows: 1000, elapsedMs: 500 },
  {
    kind: 'window_folded',
    window: day(0),
    rows: 1200,
    generations: 1000,
    quarantined: 1,
    elapsedMs: 600,
  },
  { kind: 'experiment_not_described', message: 'not allowed' },
  { kind: 'run_made_again', window: day(0), name: 'session\u001b[31m a', runId: 'abc' },
  { kind: 'window_restored', window: day(0) },
  { kind: 'window_published', window: day(0), runs },
  {
    kind: 'window_failed',
    window: day(1),
    code: 'LANGFUSE_UNREACHABLE',
    message: 'No answer from https://l.',
    hint: 'Run again.',
  },
  { kind: 'run_finished', windowsDone: 1, windowsFailed: 1, rows: 1200, runs, elapsedMs: 65_000 },
];

const lines = [
  'sync: https://l (v2) -> sqlite:///mlflow.db',
  '2 windows to read, 2026-11-24T00:00:00.000Z to 2026-11-26T00:00:00.000Z',
  '2026-11-24: 1,200 rows read, 2,000 rows/s, 1,000 generations, 1 row set aside',
  'the experiment keeps its description as it is: not allowed',
  '2026-11-24: the run session [31m a had been deleted in MLflow (abc); it was made again',
  '2026-11-24: read again for calls that had been pruned',
  '2026-11-24: runs 3 created, 1 updated, 0 unchanged',
  '2026-11-25: failed with LANGFUSE_UNREACHABLE: No answer from https://l. Next: Run again.',
  'finished in 1m 05s: 1 window done, 1 failed, 1,200 rows, runs 3 created, 1 updated, 0 unchanged',
];

describe('plain lines', () => {
  test.each([
    ['gone', 'whose process is gone'],
    ['expired', 'which let it run out'],
  ] as const)('a lease of one that is %s', (why, how) => {
    expect(
      renderProgressLine({ kind: 'lease_taken_over', holder: 'host\u001b[31m (process 7)', why }),
    ).toBe(`the lease of the state file was taken over from host [31m (process 7), ${how}`);
  });

  test('a line an event', () => {
    const written: string[] = [];
    const { report } = createLineProgress({ write: (text) => written.push(text) });
    for (const event of events) report(event);
    expect(written.join('')).toBe(`${lines.join('\n')}\n`);
  });

  test('a window that is read for long says so every ten seconds of its own', () => {
    const written: string[] = [];
    const { report } = createLineProgress({ write: (text) => written.push(text) });
    for (let elapsedMs = 1_000; elapsedMs <= 25_000; elapsedMs += 1_000) {
      for (const window of [day(0), day(1)]) {
        report({ kind: 'window_read_progress', window, rows: elapsedMs, elapsedMs });
      }
    }
    expect(written).toEqual([
      '2026-11-24: 10,000 rows read, 1,000 rows/s\n',
      '2026-11-25: 10,000 rows read, 1,000 rows/s\n',
      '2026-11-24: 20,000 rows read, 1,000 rows/s\n',
      '2026-11-25: 20,000 rows read, 1,000 rows/s\n',
    ]);
  });

  test('nothing to do, and no time passed', () => {
    expect(renderProgressLine({ kind: 'windows_planned', windows: 0, span: null })).toBe(
      'nothing to read: every window is up to date',
    );
    expect(
      renderProgressLine({ kind: 'window_read_progress', window: day(0), rows: 1, elapsedMs: 0 }),
    ).toBe('2026-11-24: 1 row read');
  });

  test.each([
    [0, '0.0s'],
    [9_949, '9.9s'],
    [9_950, '10s'],
    [59_499, '59s'],
    [59_500, '1m 00s'],
    [7_800_000, '2h 10m'],
  ])('%i ms is %s', (elapsedMs, text) => {
    expect(renderElapsed(elapsedMs)).toBe(text);
  });
});

class Screen extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns = 200;

  constructor({ isTTY }: { isTTY: boolean }) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

async function show({ isTTY, isQuiet }: { isTTY: boolean; isQuiet: boolean }): Promise<string> {
  const screen = new Screen({ isTTY });
  // cli-progress asks of a terminal only what Screen has.
  const stream = screen as unknown as NodeJS.WriteStream;
  using display = await createProgress({ stream, isQuiet });
  for (const event of events) {
    display.report(event);
    if (event.kind === 'window_published') display.write('a log line\n');
  }
  return screen.text;
}

describe('the display that fits', () => {
  test('a pipe gets plain lines without any control character', async () => {
    const text = await show({ isTTY: false, isQuiet: false });
    expect(text.split('\n').filter((line) => line !== 'a log line')).toEqual([...lines, '']);
  });

  test('--json gets nothing but what is written on purpose', async () => {
    expect(await show({ isTTY: true, isQuiet: true })).toBe('a log line\n');
  });

  test('a terminal gets a bar, with failures and log lines above it', async () => {
    const text = await show({ isTTY: true, isQuiet: false });
    expect(text).toContain('2/2 windows  1,200 rows  2,000 rows/s');
    expect(text).toContain('a log line\n');
    expect(text).toContain(`${lines[4]}\n`);
    expect(text).toContain(`${lines[5]}\n`);
    expect(text).toContain(`${lines[7]}\n`);
    expect(text.endsWith(`${lines[8]}\n`)).toBe(true);
    // The cursor that was hidden is shown again.
    expect(text.lastIndexOf('\u001b[?25h')).toBeGreaterThan(text.lastIndexOf('\u001b[?25l'));
  });

  test('a display that is left early gives the terminal back and writes what waits', async () => {
    const screen = new Screen({ isTTY: true });
    {
      using display = await createProgress({
        stream: screen as unknown as NodeJS.WriteStream,
        isQuiet: false,
      });
      for (const event of events.slice(0, 3)) display.report(event);
      display.write('last words\n');
    }
    expect(screen.text).toContain('last words\n');
    expect(screen.text.lastIndexOf('\u001b[?25h')).toBeGreaterThan(
      screen.text.lastIndexOf('\u001b[?25l'),
    );
  });
});
