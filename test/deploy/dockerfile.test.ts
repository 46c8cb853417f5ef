/** The Dockerfile as it is read for scripts/prove-container.sh, and what that reading refuses. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findIgnoredSources, parseDockerfile } from '../../scripts/parse-dockerfile.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

test('the final stage runs nothing but the worker, as a user that is a number', () => {
  const stages = parseDockerfile(read('Dockerfile'));
  expect(stages.map(({ image, name }) => [image, name])).toEqual([
    ['node:22-bookworm', 'build'],
    ['node:22-bookworm-slim', null],
  ]);
  const final = stages.at(-1);
  expect(final?.steps.filter(({ instruction }) => instruction === 'USER')).toEqual([
    { instruction: 'USER', words: ['10001:10001'], from: null },
  ]);
  expect(final?.entrypoint).toEqual(['node', '/app/dist/cli.js']);
  expect(final?.cmd).toEqual(['sync']);
});

test('nothing is copied that .dockerignore leaves out', () => {
  const stages = parseDockerfile(read('Dockerfile'));
  expect(findIgnoredSources(stages, read('.dockerignore'))).toEqual([]);
  expect(findIgnoredSources(stages, '*\n!src\n!package.json')).toEqual([
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'LICENSE',
    'migrations',
  ]);
  expect(() => findIgnoredSources(stages, 'node_modules')).toThrow(
    'node_modules is not known here',
  );
});

test('lines go on after a backslash, comments between them too, and arguments are filled in', () => {
  const [stage] = parseDockerfile(
    'ARG V=24\nFROM node:${V}-x AS a\nRUN one && \\\n  # why\n  two\nCOPY --from=b /c d /e/\nENV A=1 B=/x\n',
  );
  expect(stage).toMatchObject({
    image: 'node:24-x',
    name: 'a',
    steps: [
      { instruction: 'RUN', words: ['one && two'], from: null },
      { instruction: 'COPY', words: ['/c', 'd', '/e/'], from: 'b' },
      { instruction: 'ENV', words: ['A=1', 'B=/x'], from: null },
    ],
  });
});

test.each([
  ['FROM a\nADD x /y', 'line 2: ADD is not known here'],
  ['RUN x', 'line 1: RUN x before FROM'],
  ['FROM ${V}', 'line 1: no ARG V'],
  ['FROM a\nRUN --mount=type=cache x', 'a plain command only'],
  ['FROM a\nCOPY --chown=1 x /y', 'sources and a destination only'],
  ['FROM a\nCOPY $x /y', 'a variable outside of FROM and RUN'],
  ['FROM a\nCMD node cli.js', 'a JSON list of words only'],
  ['# nothing', 'no FROM'],
])('%j is refused', (text, words) => {
  expect(() => parseDockerfile(text)).toThrow(words);
});
