/** deploy/cdk by itself: it type-checks, has no lint, and makes the checked-in CloudFormation. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { templateFolder } from '../../deploy/template.ts';
import { openTempFolder } from '../../support/temp-folder.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, 'deploy/cdk');
const execute = promisify(execFile);

/** What a program prints; where it fails, an Error with all that it said. */
async function run(program: string, parts: readonly string[]): Promise<string> {
  try {
    return (await execute(program, parts, { cwd: folder })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

/** Installs what deploy/cdk asks for, unless it is there in this version. */
async function install(): Promise<string | null> {
  const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { version: string }>;
  };
  const isThere = ['aws-cdk-lib', 'constructs', 'tsx', 'typescript'].every((name) => {
    const path = `node_modules/${name}/package.json`;
    if (!existsSync(join(folder, path))) return false;
    const { version } = JSON.parse(read(path)) as { version: string };
    return version === packages[`node_modules/${name}`]?.version;
  });
  if (isThere) return null;
  try {
    await run('npm', ['ci', '--no-audit', '--no-fund']);
    return null;
  } catch (error) {
    return `deploy/cdk could not be installed: ${String(error)}`;
  }
}

describe('deploy/cdk', () => {
  let problem: string | null = null;

  beforeAll(async () => {
    problem = await install();
    if (problem !== null && process.env.CI === 'true') throw new Error(problem);
  });

  beforeEach((context) => {
    if (problem !== null) context.skip(problem);
  });

  test('makes the checked-in templates; if not: npx tsx bin/synth.ts in deploy/cdk', async () => {
    using temp = openTempFolder();
    await run(join(folder, 'node_modules/.bin/tsx'), ['bin/synth.ts', temp.path]);
    const read = (from: string): Record<string, unknown> =>
      Object.fromEntries(
        readdirSync(from)
          .toSorted()
          .map((file) => [file, readFileSync(join(from, file), 'utf8')]),
      );
    const made = read(temp.path);
    expect(Object.keys(made).length).toBeGreaterThan(0);
    expect(read(templateFolder)).toEqual(made);
  });

  test('type-checks by its own compiler', async () => {
    const tsc = join(folder, 'node_modules/.bin/tsc');
    await run(tsc, ['-p', 'tsconfig.json']);
    expect(await run(tsc, ['--showConfig'])).toContain('./bin/app.ts');
  });

  test('has no lint', async () => {
    const said = await run(join(root, 'node_modules/.bin/oxlint'), [
      '-c',
      'oxlint.json',
      '--type-aware',
      '.',
    ]);
    expect(said).toMatch(/Found 0 warnings and 0 errors[\s\S]*on [1-9]\d* files/);
  });
});
