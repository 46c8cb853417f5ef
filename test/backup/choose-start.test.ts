import { describe, expect, test } from 'vitest';
import { chooseStart } from '../../src/backup/choose-start.ts';
import type { LocalLineage, LocalState } from '../../src/backup/local-copy.ts';

const names = { file: '/state.db', url: 's3://bucket/key' };

/** A file that came from generation 5 and was not used since. */
const aLineage: LocalLineage = {
  lineage: 'line',
  generation: 5,
  copyWriter: 'night 5',
  writer: 'night 5, here',
  isAhead: false,
};

function aFile(lineage: Partial<LocalLineage> | null, isEmpty = false): LocalState {
  return {
    kind: 'present',
    isEmpty,
    lineage: lineage && { ...aLineage, ...lineage },
    holder: null,
  };
}

function aCopy(generation: number, writer = `night ${generation}`, lineage = 'line') {
  return { lineage, generation, writer };
}

describe('without one of the two', () => {
  test.each([
    ['neither', { kind: 'missing' } as const],
    ['a file that was never backed up', aFile(null)],
    ['a file whose backup was deleted', aFile({ isAhead: true })],
  ])('%s: the file goes on', (_name, local) => {
    expect(chooseStart(local, null, names)).toEqual({ kind: 'keep', why: 'no-backup' });
  });

  test.each([
    ['no file', { kind: 'missing' } as const],
    ['a file that nothing was read with', aFile(null, true)],
    ['an empty file of another lineage', aFile({ lineage: 'other' }, true)],
  ])('%s: the copy goes on', (_name, local) => {
    expect(chooseStart(local, aCopy(5), names)).toEqual({ kind: 'restore', why: 'missing' });
  });
});

describe('with both', () => {
  test('the copy that the file came from: the file, whether it was used since or not', () => {
    for (const isAhead of [false, true]) {
      const start = chooseStart(aFile({ isAhead }), aCopy(5), names);
      expect(start).toEqual({ kind: 'keep', why: 'same' });
    }
  });

  test('a newer copy: the copy, where the file was not used since its own', () => {
    const start = chooseStart(aFile({}), aCopy(6), names);
    expect(start).toEqual({ kind: 'restore', why: 'older' });
  });

  test('a newer copy that was made of this very file, whose worker died before it knew: the file', () => {
    const file = aFile({ isAhead: true, writer: 'night 6' });
    expect(chooseStart(file, aCopy(6), names)).toEqual({ kind: 'keep', why: 'own' });
  });

  test('an older copy that was put back: the file', () => {
    for (const isAhead of [false, true]) {
      const start = chooseStart(aFile({ isAhead }), aCopy(4), names);
      expect(start).toEqual({ kind: 'keep', why: 'newer' });
    }
  });
});

describe('a fork is refused', () => {
  test.each([
    ['a newer copy, and the file was used', aFile({ isAhead: true }), aCopy(6), /have gone on/],
    ['two of one generation', aFile({}), aCopy(5, 'another night'), /have gone on/],
    ['another lineage', aFile({}), aCopy(9, 'night 9', 'other'), /nothing to do with each other/],
    ['a file that was never backed up', aFile(null), aCopy(1), /nothing to do with each other/],
  ])('%s', (_name, local, copy, message) => {
    expect(() => chooseStart(local, copy, names)).toThrow(
      expect.objectContaining({
        code: 'BACKUP_FORKED',
        message: expect.stringMatching(message),
        hint: expect.stringMatching(/state file away .* backup away/),
      }),
    );
  });
});
