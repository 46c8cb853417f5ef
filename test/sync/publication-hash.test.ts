import { describe, expect, it } from 'vitest';
import { openState } from '../../src/store/open-state.ts';
import { getWindow, setInputHash } from '../../src/store/windows.ts';
import { toPublicationBasis } from '../../src/sync/publication-hash.ts';
import { foldedSource, foldPages, interval } from '../support/folding.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const dayMs = 86_400_000;
const firstMs = Date.UTC(2026, 10, 2);
const day = (index: number): ReturnType<typeof interval> =>
  interval(firstMs + index * dayMs, firstMs + (index + 1) * dayMs);

describe('a window is due again', () => {
  it.each([
    ['when it changes itself', 7, true],
    ['when the day before changes', 6, true],
    ['when the same weekday before changes', 0, true],
    ['but not when another day changes', 5, false],
  ])('%s', (_name, changed, isDue) => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    for (const index of [0, 5, 6, 7]) foldPages(state, day(index), [{ generations: [] }]);
    const basis = (): string => {
      const row = getWindow(state, foldedSource, day(7).fromMs);
      return row === null ? '' : toPublicationBasis(state, row);
    };
    const before = basis();
    setInputHash(state, { source: foldedSource, fromMs: day(changed).fromMs, inputHash: 'other' });
    expect(basis() !== before).toBe(isDue);
  });
});
