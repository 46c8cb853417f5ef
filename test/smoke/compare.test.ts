import { describe, expect, test } from 'vitest';
import { differences, type Seen } from '../../src/smoke/compare.ts';
import { toScratchName } from '../../src/smoke/scratch.ts';

const seen: Seen = { promptTokens: 10, completionTokens: 20, costUsd: 0.3 };
const compared = (expected: Partial<Seen>, found: Partial<Seen>): string[] =>
  differences(
    { place: 'A', seen: { ...seen, ...expected } },
    { place: 'B', seen: { ...seen, ...found } },
  );

describe('two places agree', () => {
  test.each([
    ['on the same', {}, {}],
    ['where the first does not know', { promptTokens: null, costUsd: null }, { costUsd: 1 }],
    ['where adding up lost the last bit', { costUsd: 0.3 }, { costUsd: 0.1 + 0.2 }],
    ['where nothing was billed and nothing is known', { costUsd: 0 }, { costUsd: null }],
  ])('%s', (_, expected, found) => {
    expect(compared(expected, found)).toEqual([]);
  });
});

describe('two places differ', () => {
  test.each([
    ['one token', {}, { promptTokens: 11 }, 'B has 11 prompt tokens, A has 10'],
    ['lost tokens', {}, { completionTokens: null }, 'B has no completion tokens, A has 20'],
    ['another cost', {}, { costUsd: 0.300001 }, 'B has a cost of $0.300001, A of $0.3'],
    [
      'a cost where there was none',
      { costUsd: 0 },
      { costUsd: 0.1 },
      'B has a cost of $0.1, A of $0',
    ],
    ['a lost cost', {}, { costUsd: null }, 'B has no cost, A has $0.3'],
  ])('by %s', (_, expected, found, words) => {
    expect(compared(expected, found)).toEqual([words]);
  });
});

describe('the scratch experiment', () => {
  test('is that of sync with -smoke, or another that ends so', () => {
    expect(toScratchName({ asked: null, configured: 'team' })).toBe('team-smoke');
    expect(toScratchName({ asked: 'x-smoke', configured: 'team' })).toBe('x-smoke');
  });

  test.each([
    ['team', 'team'],
    ['prod', 'team'],
    ['team-smoke', 'team-smoke'],
  ])('is never %s where sync writes to %s: its runs are deleted', (asked, configured) => {
    expect(() => toScratchName({ asked, configured })).toThrow(/deletes every run/);
  });
});
