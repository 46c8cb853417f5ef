/** A disk that is full, for a real process: the system refuses any file to grow over a size. */
import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';
import { openTempFolder } from '../support/temp-folder.ts';
import { cliInShell, runCli, type CliEnd } from './built-cli.ts';
import { readResult } from './read-result.ts';
import { openWorkplace, type Workplace } from './workplace.ts';

/** A sync whose files may not grow over `kilobytes`. */
function syncWithin(place: Workplace, kilobytes: number): Promise<Omit<CliEnd, 'elapsedMs'>> {
  const command = `ulimit -f ${kilobytes} && exec ${cliInShell()} sync`;
  const env = { PATH: process.env['PATH'], ...place.env };
  return new Promise((resolve) => {
    const child = execFile(
      'bash',
      ['--norc', '-c', command],
      { cwd: place.path, env },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

test('ends with 75 and what to do wherever the disk is full, and the next run ends as if it never was', async () => {
  await using place = await openWorkplace();
  const finished: number[] = [];
  for (const kilobytes of [100, 400, 700, 1000]) {
    const end = await syncWithin(place, kilobytes);
    expect(end.code).toBe(75);
    const said = `${end.stdout}${end.stderr}`;
    expect(said).toMatch(/langfuse-mlflow\.db can't be written: /);
    expect(said).toMatch(
      /next: +Free some disk space, or point SYNC_STATE_FILE at a writable disk/,
    );
    expect(said).not.toMatch(/^\s+at /m);
    finished.push(Number(/^Windows +(\d+) of \d+ read/m.exec(end.stdout)?.[1] ?? 0));
  }
  // Once before anything was made, and once between two windows.
  expect(finished[0]).toBe(0);
  expect(finished.at(-1)).toBe(1);

  expect(await place.run(['sync'])).toMatchObject({ code: 0 });
  expect(await place.run(['verify'])).toMatchObject({ code: 0 });
  using clean = openTempFolder();
  const whole = { args: ['sync'], cwd: clean.path, env: place.env };
  expect(await runCli(whole)).toMatchObject({ code: 0 });
  expect(readResult(place.path)).toEqual(readResult(clean.path));
});
