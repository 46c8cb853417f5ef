import { describe, expect, it } from 'vitest';
import { toRequestFiles } from '../../src/report/request-files.ts';
import { aFact, aFailedFact } from '../support/a-fact.ts';
import { aContent, answer, assistant, system, user } from './a-content.ts';

function filesOf(request: Parameters<typeof toRequestFiles>[0]): Record<string, string> {
  return Object.fromEntries(toRequestFiles(request).map(({ path, text }) => [path, text]));
}

describe('toRequestFiles', () => {
  it('writes prompt and response of a success', () => {
    const content = aContent(
      [system('Be kind.'), user([{ type: 'text', text: 'Hi' }])],
      answer('Hello'),
    );
    const files = toRequestFiles({ fact: aFact(), content });
    expect(files).toEqual([
      {
        path: 'prompt.txt',
        contentType: 'text/plain; charset=utf-8',
        text: 'system: Be kind.\nuser: Hi\n',
      },
      { path: 'response.txt', contentType: 'text/plain; charset=utf-8', text: 'Hello\n' },
    ]);
  });

  it('makes tool calls, results and images visible', () => {
    const call = { id: 'c', function: { name: 'read', arguments: '{"path":"a"}' } };
    const content = aContent(
      [
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c', content: 'text of a' },
        user([{ type: 'image_url', image_url: { url: 'data:image/png;base64,QUJD' } }]),
      ],
      { ...(answer('Next.') as object), tool_calls: [call] },
    );
    expect(filesOf({ fact: aFact(), content })).toEqual({
      'prompt.txt':
        'assistant: [tool call read({ "path": "a" })]\ntool: text of a\nuser: [image/png, 3 bytes, not shown]\n',
      'response.txt': 'Next.\n[tool call read({ "path": "a" })]\n',
    });
  });

  it('writes every choice', () => {
    const output = { choices: [{ message: { content: 'one' } }, { message: { content: 'two' } }] };
    expect(filesOf({ fact: aFact(), content: aContent([], output) })['response.txt']).toBe(
      'one\n\ntwo\n',
    );
  });

  it('writes the whole error of a failure and no response', () => {
    const text = `litellm.Timeout: ${'x'.repeat(5000)}`;
    const fact = aFailedFact({ status_message: text.slice(0, 4000) });
    expect(filesOf({ fact, content: aContent([user('Hi')], text) })).toEqual({
      'prompt.txt': 'user: Hi\n',
      'error.txt': `${text}\n`,
    });
  });

  it.each([
    ['the text was not read', null],
    ['the output was redacted', aContent([], 'redacted-by-litellm', { messages: null })],
  ])('falls back to the status message where %s', (_case, content) => {
    const files = filesOf({ fact: aFailedFact({ status_message: 'boom' }), content });
    expect(files).toEqual({ 'error.txt': 'boom\n' });
  });

  it('writes no file for what is unknown', () => {
    expect(toRequestFiles({ fact: aFact(), content: null })).toEqual([]);
    expect(filesOf({ fact: aFact(), content: aContent([user('Embed')], null) })).toEqual({
      'prompt.txt': 'user: Embed\n',
    });
    expect(filesOf({ fact: aFailedFact({ status_message: null }), content: null })).toEqual({
      'error.txt': '(no message)\n',
    });
  });

  it('writes an input that is no list of messages as it is', () => {
    const content = aContent([], 'out', { messages: null, input: { query: 'x' } });
    expect(filesOf({ fact: aFact(), content })['prompt.txt']).toBe('{\n  "query": "x"\n}\n');
  });

  it('keeps text whole, but for control characters', () => {
    const long = 'y'.repeat(300_000);
    const files = filesOf({
      fact: aFact(),
      content: aContent([assistant(`\u001b[1m${long}\0\ud800`)], 'ok'),
    });
    expect(files['prompt.txt']).toBe(`assistant: ${long}\ufffd\n`);
  });
});
