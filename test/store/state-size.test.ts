import { describe, expect, it } from 'vitest';
import { openContents } from '../../src/store/contents.ts';
import { openState } from '../../src/store/open-state.ts';
import { readStateSize } from '../../src/store/state-size.ts';
import { foldedSource } from '../support/folding.ts';
import { openTempFolder } from '../support/temp-folder.ts';

describe('the size of the state file', () => {
  it('counts the texts, the bytes they take, and the bytes that are free after them', () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    const before = readStateSize(state);
    expect(before).toMatchObject({ calls: 0, oldestWindowMs: null, texts: 0, scores: 0 });
    const content = (at: number): { input: unknown; output: unknown } => ({
      input: Array.from({ length: 400 }, (_, index) => `${at * index}`).join(' '),
      output: { at },
    });
    openContents(state).put(
      Array.from({ length: 50 }, (_, at) => ({
        source: foldedSource,
        traceId: 't',
        id: `${at}`,
        updatedMs: 1,
        toolCalls: null,
        content: content(at + 1),
      })),
    );
    const full = readStateSize(state);
    expect(full.texts).toBe(100);
    expect(full.bytes).toBeGreaterThan(before.bytes + 20_000);
    state.db.exec('DELETE FROM messages');
    const emptied = readStateSize(state);
    expect(emptied).toMatchObject({ bytes: full.bytes, texts: 0 });
    expect(emptied.freeBytes).toBeGreaterThan(20_000);
  });
});
