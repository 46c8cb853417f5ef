import { describe, expect, it } from 'vitest';
import { openContents } from '../../src/store/contents.ts';
import { openState } from '../../src/store/open-state.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const key = { source: 's', traceId: 't', id: 'a' };
const system = {
  role: 'system',
  content: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
};
const question = { role: 'user', content: 'Why?' };

describe('stored text', () => {
  it('comes back as it was, without cache marks, and keeps a resent message once', () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    const contents = openContents(state);
    const plainSystem = { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] };
    contents.put([
      {
        ...key,
        updatedMs: 1,
        toolCalls: 0,
        content: {
          input: { messages: [system, question], tools: ['x'] },
          output: { content: 'So.' },
        },
      },
      {
        ...key,
        id: 'b',
        updatedMs: 1,
        toolCalls: 1,
        content: { input: { messages: [plainSystem, question] }, output: null },
      },
    ]);
    const first = contents.get(key);
    expect(first?.messages?.map((one) => one.message)).toEqual([plainSystem, question]);
    expect(first?.rest).toEqual({ tools: ['x'] });
    expect(first?.output).toEqual({ content: 'So.' });
    const second = contents.get({ ...key, id: 'b' });
    expect(second?.messages?.map((one) => one.hash)).toEqual(
      first?.messages?.map((one) => one.hash),
    );
    expect(second?.output).toBeNull();
    expect(state.db.prepare('SELECT COUNT(*) FROM messages').pluck().get()).toBe(4);
  });

  it('keeps an input that is no list of messages, and null', () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    const contents = openContents(state);
    for (const input of ['redacted-by-litellm', null, { prompt: 'x' }, 7]) {
      contents.put([{ ...key, updatedMs: 0, toolCalls: null, content: { input, output: 'o' } }]);
      expect(contents.get(key)).toMatchObject({ messages: null, input, output: 'o' });
    }
  });

  it('lets the newest version win whatever comes first', () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    const contents = openContents(state);
    const put = (updatedMs: number, output: string): void =>
      contents.put([{ ...key, updatedMs, toolCalls: 0, content: { input: null, output } }]);
    put(2, 'new');
    put(1, 'old');
    expect(contents.get(key)?.output).toBe('new');
    put(3, 'newer');
    expect(contents.get(key)?.output).toBe('newer');
  });

  it('knows nothing of a row whose text was never stored', () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    expect(openContents(state).get(key)).toBeNull();
  });
});
