import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxKeyLength, toMetricKey, toParamKey, toTagKey } from '../../src/mlflow/keys.ts';

/** MLflow's own rule (mlflow/utils/validation.py), written down again: what it would refuse or change. */
function isTakenByMlflow(key: string): boolean {
  const characters = Array.from(key);
  const isAllowed = characters.every((character) => /^[\p{L}\p{N}_/.\- :]$/u.test(character));
  const normalized = toPosixNormalPath(key);
  const isUnique =
    normalized === key &&
    normalized !== '.' &&
    !normalized.startsWith('..') &&
    !normalized.startsWith('/');
  return isAllowed && isUnique && characters.length <= 250;
}

/** Python's posixpath.normpath. */
function toPosixNormalPath(path: string): string {
  if (path === '') return '.';
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (part !== '..' || !path.startsWith('/')) kept.push(part);
  }
  const text = `${path.startsWith('/') ? '/' : ''}${kept.join('/')}`;
  return text === '' ? '.' : text;
}

const anyName = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({
    unit: fc.constantFrom('a', '/', '.', ' ', ':', '-', 'ü', '😀', '\0', '\uD800'),
    maxLength: 600,
  }),
);

describe('toMetricKey', () => {
  test('whatever goes in, MLflow takes what comes out', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        expect(isTakenByMlflow(toMetricKey(name))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('never sends a colon, which not every server takes', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        expect(toMetricKey(name)).not.toContain(':');
      }),
    );
  });

  test('is idempotent', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const key = toMetricKey(name);
        expect(toMetricKey(key)).toBe(key);
      }),
    );
  });

  test('two names stay two keys', () => {
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        fc.pre(a.toWellFormed().normalize('NFC') !== b.toWellFormed().normalize('NFC'));
        expect(toMetricKey(a)).not.toBe(toMetricKey(b));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    'latency_ms/p95',
    'langfuse_mlflow.key',
    'mlflow.note.content',
    'with space',
    'größe/日本',
    '.hidden',
    'a..b',
    'x'.repeat(250),
  ])('leaves a name alone that is a key: %s', (name) => {
    expect(toMetricKey(name)).toBe(name);
    expect(toTagKey(name)).toBe(name);
    expect(toParamKey(name)).toBe(name);
  });

  test.each([
    ['score: correct?', /^score_ correct__[0-9a-f]{8}$/],
    ['a/../b', /^a\/_\/b_[0-9a-f]{8}$/],
    ['/absolute', /^absolute_[0-9a-f]{8}$/],
    ['a//b/', /^a\/b_[0-9a-f]{8}$/],
    ['.', /^__[0-9a-f]{8}$/],
    ['..x', /^_x_[0-9a-f]{8}$/],
    ['', /^_[0-9a-f]{8}$/],
    ['a:b', /^a_b_[0-9a-f]{8}$/],
    ['a\n', /^a__[0-9a-f]{8}$/],
  ])('keeps the readable part of %j', (name, expected) => {
    expect(toMetricKey(name)).toMatch(expected);
  });

  test('cuts a long name by characters and tells two of them apart', () => {
    const [one, two] = ['1', '2'].map((end) => toMetricKey(`${'ü'.repeat(300)}${end}`));
    expect(Array.from(one ?? '')).toHaveLength(maxKeyLength);
    expect(one).not.toBe(two);
  });
});
