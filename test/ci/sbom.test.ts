/** What is installed for production, in a form that other programs read; and what is known of its faults. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openTempFolder } from '../support/temp-folder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface Manifest {
  readonly dependencies?: Record<string, string>;
}

/** Names of the packages that are reached from the production dependencies of package.json. */
function readInstalled(): Set<string> {
  const found = new Set<string>();
  const follow = (folder: string): void => {
    const { dependencies = {} } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as Manifest;
    for (const name of Object.keys(dependencies)) {
      if (found.has(name)) continue;
      found.add(name);
      const nested = join(folder, 'node_modules', name);
      follow(existsSync(nested) ? nested : join(root, 'node_modules', name));
    }
  };
  follow(root);
  return found;
}

test('npm run sbom lists every production dependency with its version', () => {
  const text = execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: root, encoding: 'utf8' });
  const bom = JSON.parse(text) as {
    bomFormat: string;
    components: { name: string; version: string; purl: string }[];
  };
  expect(bom.bomFormat).toBe('CycloneDX');
  const listed = new Map(bom.components.map((one) => [one.name, one.version]));
  // Counted from what is installed, and not from the lock file, which the list is made by.
  const wanted = readInstalled();
  expect(wanted.size).toBeGreaterThan(50);
  expect([...wanted].filter((name) => !listed.has(name))).toEqual([]);
  for (const tool of ['vitest', 'oxlint', 'playwright-core']) expect(listed.has(tool)).toBe(false);
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
