/** The worker starts no program: nothing that others wrote can become a command. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const source = fileURLToPath(new URL('../../src/', import.meta.url));

test('no module runs a program or text as code', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  expect(files.length).toBeGreaterThan(300);
  const ways = /['"](?:node:)?(?:child_process|vm|cluster)['"]|\beval\(|new Function\(/;
  expect(files.filter((path) => ways.test(readFileSync(join(source, path), 'utf8')))).toEqual([]);
});
