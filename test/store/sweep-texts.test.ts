import { describe, expect, it } from 'vitest';
import { openContents } from '../../src/store/contents.ts';
import { openState, type State } from '../../src/store/open-state.ts';
import { sweepTexts } from '../../src/store/sweep-texts.ts';
import { aGeneration } from '../support/builders.ts';
import { foldedSource, foldPages, interval } from '../support/folding.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const hour = 3_600_000;
const start = Date.UTC(2026, 2, 4);
const first = interval(start, start + hour);
const second = interval(start + hour, start + 2 * hour);

const call = (id: string, startMs: number): ReturnType<typeof aGeneration> =>
  aGeneration({ traceId: 't', id, startMs, updatedMs: startMs });

function putText(state: State, id: string, texts: readonly string[], updatedMs = 1): void {
  openContents(state).put([
    {
      source: foldedSource,
      traceId: 't',
      id,
      updatedMs,
      toolCalls: null,
      content: {
        input: { messages: texts.map((content) => ({ role: 'user', content })), tools: ['x'] },
        output: `to ${texts.at(-1)}`,
      },
    },
  ]);
}

const textsOf = (state: State, id: string): unknown => {
  const content = openContents(state).get({ source: foldedSource, traceId: 't', id });
  return content && [...(content.messages ?? []).map((one) => one.message), content.output];
};
const countTexts = (state: State): unknown =>
  state.db.prepare('SELECT count(*) FROM messages').pluck().get();

describe('sweeping texts', () => {
  it('deletes what only a call had that Langfuse deleted, and keeps what another call shares', () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    putText(state, 'a', ['shared', 'secret']);
    putText(state, 'b', ['shared', 'kept']);
    foldPages(state, first, [{ generations: [call('a', start), call('b', start + 1)] }]);
    expect(sweepTexts(state)).toBe(0);
    expect(countTexts(state)).toBe(6);
    const kept = textsOf(state, 'b');
    foldPages(state, first, [{ generations: [call('b', start + 1)] }]);
    expect(sweepTexts(state)).toBe(2);
    expect(textsOf(state, 'a')).toBeNull();
    expect(textsOf(state, 'b')).toEqual(kept);
    expect(sweepTexts(state)).toBe(0);
  });

  it('deletes the text that a newer one took the place of', () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    putText(state, 'a', ['before']);
    foldPages(state, first, [{ generations: [call('a', start)] }]);
    putText(state, 'a', ['after'], 2);
    const after = textsOf(state, 'a');
    expect(sweepTexts(state)).toBe(2);
    expect(textsOf(state, 'a')).toEqual(after);
    expect(countTexts(state)).toBe(3);
  });

  it('keeps the text of a call that moved to another window', () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    putText(state, 'a', ['moved']);
    foldPages(state, first, [{ generations: [call('a', start)] }]);
    const text = textsOf(state, 'a');
    foldPages(state, second, [{ generations: [call('a', start + hour)] }]);
    expect(state.db.prepare('SELECT count(*) FROM released_calls').pluck().get()).toBe(1);
    expect(sweepTexts(state)).toBe(0);
    expect(textsOf(state, 'a')).toEqual(text);
  });
});
