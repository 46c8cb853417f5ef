import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { expect, test } from 'vitest';
import { generatedPages } from '../../scripts/generated-pages.ts';
import { listSettings } from '../../src/config/list-settings.ts';
import { ExitCode, errorCatalogue } from '../../src/shared/errors.ts';
import { keys, parse } from './settings-input.ts';

const readPage = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

test.each(Object.keys(generatedPages))('%s is up to date (else run `npm run generate`)', (path) => {
  expect(readPage(path)).toBe(generatedPages[path]?.());
});

test('every setting is in .env.example and in the reference', () => {
  const example = readPage('.env.example');
  const reference = readPage('docs/configuration.md');
  for (const { setting } of listSettings()) {
    expect(example).toMatch(new RegExp(`^(# )?${setting.env[0]}=`, 'm'));
    for (const name of setting.env) expect(reference).toContain(`\`${name}\``);
  }
});

test('.env.example with every default uncommented means the same as no file', () => {
  const uncommented = readPage('.env.example').replaceAll(
    /^# (?=[A-Z0-9_]+=)(?!.*=\/run\/secrets\/)/gm,
    '',
  );
  expect(Object.keys(parseEnv(uncommented)).length).toBe(listSettings().length);
  const files = { '.env': uncommented };
  expect(parse({ env: keys, flags: { envFile: '.env' }, files })).toEqual(parse({ env: keys }));
});

test('every error and exit code is on the error page', () => {
  const page = readPage('docs/errors.md');
  for (const [code, { exitCode, hint }] of Object.entries(errorCatalogue)) {
    expect(page).toContain(`| \`${code}\` | ${exitCode} |`);
    expect(page).toContain(hint.replaceAll('|', String.raw`\|`));
  }
  for (const code of Object.values(ExitCode))
    expect(page).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
});
