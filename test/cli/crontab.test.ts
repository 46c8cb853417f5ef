/** The crontab at the top level, run by its own lines with the environment that cron gives. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readLocalRuns } from '../support/local-runs.ts';
import { cliInShell } from './built-cli.ts';
import { expectNoSecret, openWorkplace, type Workplace } from './workplace.ts';

const text = readFileSync(fileURLToPath(new URL('../../crontab', import.meta.url)), 'utf8');

/** As cron reads it (crontab(5)): lines `NAME=value`, and five fields and a command. */
function parseCrontab(): { variables: Record<string, string>; commands: string[] } {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const variables: Record<string, string> = {};
  const commands: string[] = [];
  for (const line of lines) {
    const [, name = '', value = ''] = /^([A-Z]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name !== '') variables[name] = value;
    else commands.push(/^(?:[\d*/,-]+\s+){5}(.+)$/.exec(line)?.[1] ?? `no command: ${line}`);
  }
  return { variables, commands };
}

/** Runs a line's command as cron does, with the three paths inside the workplace, and its programs found there first. */
async function runLine(
  place: Workplace,
  command: string,
): Promise<{ readonly mail: string; readonly log: string }> {
  const { variables } = parseCrontab();
  const programs = join(place.path, 'bin');
  mkdirSync(programs, { recursive: true });
  const program = join(programs, 'langfuse-mlflow');
  writeFileSync(program, `#!/bin/sh\nexec ${cliInShell()} "$@"\n`);
  chmodSync(program, 0o755);
  const env = {
    LOGNAME: 'worker',
    HOME: place.path,
    ...variables,
    PATH: `${programs}:${variables['PATH']}`,
    FOLDER: place.path,
    SETTINGS: join(place.path, 'settings.env'),
    LOG: join(place.path, 'log'),
  };
  writeFileSync(env.LOG, '');
  const mail = await new Promise<string>((resolve) => {
    execFile(
      variables['SHELL'] ?? '/bin/sh',
      ['-c', command],
      { cwd: '/', env },
      (_error, stdout, stderr) => resolve(stdout + stderr),
    );
  });
  return { mail, log: readFileSync(env.LOG, 'utf8') };
}

function writeSettings(place: Workplace, changes: Readonly<Record<string, string>> = {}): void {
  const lines = Object.entries({ ...place.env, ...changes }).map(
    ([name, value]) => `${name}=${value}`,
  );
  writeFileSync(join(place.path, 'settings.env'), lines.join('\n'), { mode: 0o600 });
}

describe('crontab', () => {
  const { commands } = parseCrontab();

  test('is one that cron takes', () => {
    expect(commands.map((command) => /langfuse-mlflow (\w+)/.exec(command)?.[1])).toEqual([
      'sync',
      'verify',
    ]);
    expect(text.endsWith('\n')).toBe(true);
    for (const line of text.split('\n')) expect(line.length).toBeLessThan(999);
    // cron makes a line break of it.
    for (const command of commands) expect(command).not.toContain('%');
  });

  test('a night and a Sunday: no mail, all in the log, runs in mlflow.db', async () => {
    await using place = await openWorkplace();
    writeSettings(place);
    for (const command of commands) {
      const { mail, log } = await runLine(place, command);
      expect(mail).toBe('');
      expect(log.length).toBeGreaterThan(100);
    }
    expect(readLocalRuns(place.path).length).toBeGreaterThan(10);
  });

  test('a night that fails: one mail with the exit code and the log', async () => {
    await using place = await openWorkplace();
    writeSettings(place, { LANGFUSE_SECRET_KEY: 'sk-lf-wrong-secret-99d1' });
    const { mail, log } = await runLine(place, commands[0] ?? '');
    expect(mail).toBe(
      `langfuse-mlflow sync ended with exit code 2; see ${join(place.path, 'log')}\n`,
    );
    expect(log).toMatch(/^error: /m);
    expectNoSecret({ code: 2, stdout: mail, stderr: log, elapsedMs: 0 });
  });
});
