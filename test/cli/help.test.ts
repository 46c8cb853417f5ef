/** What the command line says about itself, and what it refuses before anything is looked at. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { commandNames } from '../../src/config/command-names.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { runCli } from './built-cli.ts';
import { expectFailure, expectJsonFailure, hashFiles, secrets } from './workplace.ts';

/** Writes the address of each module that is loaded to stderr. */
const hooks = `
  import { writeSync } from 'node:fs';
  export async function load(url, context, next) {
    writeSync(2, 'loaded ' + url + '\\n');
    return next(url, context);
  }`;
const registration = `
  import { register } from 'node:module';
  register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});`;
const recorder = `data:text/javascript,${encodeURIComponent(registration)}`;

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

describe('help', () => {
  test.each(['langfuse-mlflow', ...commandNames])('of %s', async (name) => {
    using folder = openTempFolder();
    const args = name === 'langfuse-mlflow' ? ['--help'] : [name, '--help'];
    const end = await runCli({ args, cwd: folder.path });
    expect(end).toMatchObject({ code: 0, stderr: '' });
    await expect(end.stdout).toMatchFileSnapshot(`help/${name}.txt`);
    expect(hashFiles(folder.path)).toEqual({});
  });

  test.each(['--help', '--version', 'sync --help', 'sync --no-such-option'])(
    '%s loads no more than it needs',
    async (command) => {
      const args = command.split(' ');
      using folder = openTempFolder();
      const end = await runCli({ args, cwd: folder.path, nodeArgs: ['--import', recorder] });
      const loaded = end.stderr.split('\n').filter((line) => line.startsWith('loaded file:'));
      const packages = loaded.flatMap((line) => /node_modules\/([^/]+)\//.exec(line)?.[1] ?? []);
      expect([...new Set(packages)].sort()).toEqual(['commander', 'zod']);
      const rooms = loaded.flatMap((line) => /\/dist\/(\w+)\//.exec(line)?.[1] ?? []);
      expect([...new Set(rooms)].sort()).toEqual([
        'cli',
        'config',
        'report',
        'shared',
        'telemetry',
      ]);
    },
  );

  test('the same recorder sees what a command that works loads', async () => {
    using folder = openTempFolder();
    const end = await runCli({
      args: ['status'],
      cwd: folder.path,
      nodeArgs: ['--import', recorder],
    });
    expect(end.stderr).toMatch(/node_modules\/better-sqlite3\//);
    expect(end.stderr).toMatch(/node_modules\/pino\//);
  });

  test('the version', async () => {
    using folder = openTempFolder();
    const call = { cwd: folder.path };
    expect(await runCli({ ...call, args: ['--version'] })).toMatchObject({
      code: 0,
      stdout: `${version}\n`,
    });
    const asJson = await runCli({ ...call, args: ['--version', '--json'] });
    expect(JSON.parse(asJson.stdout)).toEqual({ version });
    const help = await runCli({ ...call, args: ['sync', '--help', '--json'] });
    expect(JSON.parse(help.stdout)).toEqual({ help: expect.stringContaining('--state-file') });
  });
});

const usage = { exitCode: 2, code: 'USAGE', next: /--help/ } as const;

describe('usage', () => {
  test('no command: the help, as a failure', async () => {
    using folder = openTempFolder();
    const end = await runCli({ args: [], cwd: folder.path });
    expect(end).toMatchObject({ code: 2, stdout: '' });
    expect(end.stderr).toMatch(/^Usage: langfuse-mlflow \[options\] \[command\]/);
    const asJson = await runCli({ args: ['--json'], cwd: folder.path });
    expectJsonFailure(asJson, { ...usage, message: /unknown option '--json'/ });
  });

  test('--json in place of a value is said, as JSON', async () => {
    using folder = openTempFolder();
    const end = await runCli({ args: ['status', '--state-file', '--json'], cwd: folder.path });
    const message = /--state-file needs a value, and was followed by the flag --json/;
    expectJsonFailure(end, { ...usage, message });
    expect(hashFiles(folder.path)).toEqual({});
  });

  test.each([
    [
      'an unknown option',
      ['sync', '--lookbakc', '3d'],
      /unknown option '--lookbakc'\n\(Did you mean --lookback\?\)/,
    ],
    ['an unknown command', ['snyc'], /unknown command 'snyc'\n\(Did you mean sync\?\)/],
    [
      'a missing option',
      ['backfill', '--to', '2026-11-01'],
      /backfill without --from: give --from and --to, or --quarantined alone/,
    ],
    [
      'a range with --quarantined',
      ['backfill', '--quarantined', '--from', '2026-10-01', '--to', '2026-11-01'],
      /--quarantined with --from and --to: .*takes no range/,
    ],
    ['a missing value', ['sync', '--state-file'], /option '--state-file <FILE>' argument missing/],
    [
      'a flag in place of a value',
      ['sync', '--log-level', 'debug', '--state-file', '--no-request-runs'],
      /--state-file needs a value, and was followed by the flag --no-request-runs/,
    ],
    [
      'a flag with its own value in place of a value',
      ['status', '--log-level', '--state-file=state.db'],
      /--log-level needs a value, and was followed by the flag --state-file\.$/m,
    ],
    ['a word too many', ['sync', 'now'], /too many arguments/],
    [
      'a secret as a flag, whose value is not repeated',
      ['sync', `--langfuse-secret-key=${secrets.wrong}`],
      /unknown option '--langfuse-secret-key=\*\*\*'/,
    ],
    ['a secret in place of a command', [secrets.wrong], /unknown command 'sk-\*\*\*'/],
  ])('%s', async (_case, args, message) => {
    using folder = openTempFolder();
    const [forPeople, asJson] = await Promise.all([
      runCli({ args, cwd: folder.path }),
      runCli({ args: [...args.slice(0, 1), '--json', ...args.slice(1)], cwd: folder.path }),
    ]);
    expectFailure(forPeople, { ...usage, message });
    expectJsonFailure(asJson, { ...usage, message });
    expect(hashFiles(folder.path)).toEqual({});
  });
});
