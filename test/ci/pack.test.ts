/** The package that `npm pack` makes, as somebody would install it: whole, with nothing beside the product, and it runs. */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { days, openWorkplace, type Workplace } from '../cli/workplace.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const execFileLater = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const sources = ['src', 'migrations', 'docs', 'test', 'scripts', 'deploy', 'tsconfig.json'];
const files = ['tsconfig.build.json', 'package.json', 'LICENSE', 'README.md', 'CHANGELOG.md'];

describe('npm pack', () => {
  const folder = openTempFolder();
  const installed = join(folder.path, 'package');
  let packed: readonly { readonly path: string; readonly size: number }[] = [];
  let place: Workplace;

  beforeAll(async () => {
    // A checkout without a build: what is packed is compiled for it.
    const checkout = join(folder.path, 'checkout');
    mkdirSync(checkout);
    for (const name of [...sources, ...files, '.env.example', 'crontab'])
      cpSync(join(root, name), join(checkout, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
    const said = execFileSync('npm', ['pack', '--json', '--pack-destination', folder.path], {
      cwd: checkout,
      encoding: 'utf8',
    });
    const [made] = JSON.parse(said) as { filename: string; files: typeof packed }[];
    packed = made?.files ?? [];
    execFileSync('tar', ['-xzf', join(folder.path, made?.filename ?? ''), '-C', folder.path]);
    symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'));
    place = await openWorkplace();
  });

  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  test('holds the compiled command, its migrations and its pages, and nothing else', () => {
    const tops = new Set(packed.map(({ path }) => path.split('/')[0]));
    expect(tops).toEqual(
      new Set(['dist', 'migrations', 'docs', '.env.example', 'crontab', ...files.slice(1)]),
    );
    expect(packed.filter(({ path }) => path.endsWith('.ts'))).toEqual([]);
    expect(packed.filter(({ path }) => path.startsWith('migrations/')).length).toBeGreaterThan(10);
    // Pages and pictures included; a state file or a cache that slipped in would be larger.
    expect(packed.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(8_000_000);
  });

  test('its command tells its version, and syncs', async () => {
    const { bin, version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
      bin: Record<string, string>;
      version: string;
    };
    const entry = join(installed, bin['langfuse-mlflow'] ?? '');
    expect(readFileSync(entry, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    const run = async (...args: string[]): Promise<string> => {
      const env = { PATH: process.env['PATH'], ...place.env };
      const ended = await execFileLater(process.execPath, [entry, ...args], {
        cwd: place.path,
        env,
      });
      return ended.stdout;
    };
    expect((await run('--version')).trim()).toBe(version);
    const summary = JSON.parse(await run('sync', '--json')) as { windows: { read: number } };
    expect(summary.windows.read).toBe(days);
  });
});
