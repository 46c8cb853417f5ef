/** What is installed for production, in a form that other programs read; and what is known of its faults. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openTempFolder } from '../support/temp-folder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('npm run sbom lists every production dependency with its version', () => {
  const text = execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: root, encoding: 'utf8' });
  const bom = JSON.parse(text) as {
    bomFormat: string;
    components: { name: string; version: string; purl: string }[];
  };
  expect(bom.bomFormat).toBe('CycloneDX');
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; dev?: boolean; devOptional?: boolean }>;
  };
  const wanted = Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && entry.dev !== true && entry.devOptional !== true)
    .map(([path, entry]) => `${path.replace(/^.*node_modules\//, '')}@${entry.version}`);
  const listed = bom.components.map((one) => `${one.name}@${one.version}`);
  expect(wanted.length).toBeGreaterThan(50);
  expect(wanted.filter((one) => !listed.includes(one))).toEqual([]);
  expect(listed.filter((one) => one.startsWith('vitest@'))).toEqual([]);
});

describe('npm run audit', () => {
  /** With another `npm audit` in the place of the real one. */
  function audit(answer: string): { code: number | null; said: string } {
    using folder = openTempFolder();
    const npm = join(folder.path, 'npm');
    writeFileSync(npm, `#!/bin/sh\ncat <<'END'\n${answer}\nEND\n`);
    chmodSync(npm, 0o755);
    const { status, stdout } = spawnSync(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), join(root, 'scripts/audit.ts')],
      {
        cwd: root,
        encoding: 'utf8',
        env: { ...process.env, PATH: `${folder.path}${delimiter}${process.env.PATH}` },
      },
    );
    return { code: status, said: stdout };
  }
  const counted = (high: number, total: number): string =>
    JSON.stringify({ metadata: { vulnerabilities: { high, critical: 0, total } } });

  test.each([
    ['a high fault fails', counted(1, 3), 1, '3 known faults, 1 high'],
    ['a low one is told', counted(0, 2), 0, '2 known faults, 0 high'],
    [
      'a registry without the service is told',
      '{"message":"405 Method Not Allowed"}',
      0,
      'NOT AUDITED',
    ],
    ['so is one that answers nonsense', '<html>', 0, 'NOT AUDITED'],
  ])('%s', (_case, answer, code, said) => {
    const end = audit(answer);
    expect(end.said).toContain(said);
    expect(end.code).toBe(code);
  });
});
