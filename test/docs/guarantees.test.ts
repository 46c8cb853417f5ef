/** Every promise of docs/guarantees.md names tests that are there. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const lines = readFileSync(`${root}docs/guarantees.md`, 'utf8').split('\n');
const rows = lines
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Promise '))
  .map((line) => line.slice(2, -2).split(' | '))
  .map(([promise = '', , tests = '']) => ({ promise: promise.slice(0, 80), tests }));

/** As it stands in the source: a title in single quotes may hold escaped ones. */
const read = (path: string): string =>
  readFileSync(`${root}${path}`, 'utf8').replaceAll(String.raw`\'`, "'");

/** What stands between double quotes, without what is left out (…). */
const quoted = (text: string): string[] =>
  [...text.matchAll(/"([^"]+)"/g)].flatMap(([, title = '']) =>
    title
      .split('…')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

describe('the table of guarantees', () => {
  test('is one table in each section', () => {
    const heads = lines.filter((line) => line.startsWith('| Promise '));
    expect(heads).toHaveLength(lines.filter((line) => line.startsWith('## ')).length);
    const torn = lines.filter(
      (line, at) => line.startsWith('| ') && lines[at - 1] === '' && !line.startsWith('| Promise '),
    );
    expect(torn).toEqual([]);
  });

  test.each(rows)('$promise', ({ tests }) => {
    const paths = [...tests.matchAll(/`(test\/[^`]+\.ts)`/g)].map(([, path = '']) => path);
    expect(paths).not.toEqual([]);
    expect(paths.filter((path) => !existsSync(`${root}${path}`))).toEqual([]);
    const text = paths.map(read).join('\n');
    expect(quoted(tests).filter((title) => !text.includes(title))).toEqual([]);
  });
});
