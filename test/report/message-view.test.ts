import { describe, expect, it } from 'vitest';
import {
  isRedacted,
  toMessageView,
  toOutputMessages,
  toSignature,
} from '../../src/report/message-view.ts';

const call = { kind: 'tool_call', id: 'c1', name: 'read', arguments: { path: 'a' } };

describe('toMessageView', () => {
  it.each<[string, unknown, unknown]>([
    ['a bare string', 'hello', { role: 'input', parts: [{ kind: 'text', text: 'hello' }] }],
    ['null', null, { role: 'input', parts: [] }],
    ['a number', 7, { role: 'input', parts: [{ kind: 'other', json: '7' }] }],
    [
      'an OpenAI text',
      { role: 'user', content: 'hi' },
      { role: 'user', parts: [{ kind: 'text', text: 'hi' }] },
    ],
    [
      'OpenAI parts',
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: ' ' },
        ],
      },
      { role: 'user', parts: [{ kind: 'text', text: 'a' }] },
    ],
    [
      'OpenAI tool calls beside null content',
      {
        role: 'assistant',
        content: null,
        function_call: null,
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'read', arguments: '{"path":"a"}' } },
        ],
      },
      { role: 'assistant', parts: [call] },
    ],
    [
      'arguments that are no JSON',
      {
        role: 'assistant',
        tool_calls: [{ id: 'c1', function: { name: 'read', arguments: '{"path": a' } }],
      },
      { role: 'assistant', parts: [{ ...call, arguments: '{"path": a' }] },
    ],
    [
      'arguments with a number that JSON.parse would change',
      {
        role: 'assistant',
        tool_calls: [
          { id: 'c1', function: { name: 'read', arguments: '{"n":12345678901234567890}' } },
        ],
      },
      { role: 'assistant', parts: [{ ...call, arguments: '{"n":12345678901234567890}' }] },
    ],
    [
      'the older function_call',
      {
        role: 'assistant',
        content: '',
        function_call: { name: 'read', arguments: '{"path":"a"}' },
      },
      { role: 'assistant', parts: [{ ...call, id: null }] },
    ],
    [
      'a tool result',
      { role: 'tool', tool_call_id: 'c1', content: 'done' },
      {
        role: 'tool',
        parts: [{ kind: 'tool_result', id: 'c1', name: null, isError: false, text: 'done' }],
      },
    ],
    [
      'Anthropic blocks: thinking, text, tool_use',
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 'xyz' },
          { type: 'text', text: 'I read it.' },
          { type: 'tool_use', id: 'c1', name: 'read', input: { path: 'a' } },
        ],
      },
      {
        role: 'assistant',
        parts: [{ kind: 'reasoning', text: 'hm' }, { kind: 'text', text: 'I read it.' }, call],
      },
    ],
    [
      'an Anthropic tool result with an image',
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'c1',
            is_error: true,
            content: [
              { type: 'text', text: 'failed' },
              {
                type: 'image',
                source: { type: 'base64', media_type: 'image/png', data: 'QUJD'.repeat(30) },
              },
            ],
          },
        ],
      },
      {
        role: 'user',
        parts: [
          {
            kind: 'tool_result',
            id: 'c1',
            name: null,
            isError: true,
            text: 'failed\n[image/png, 90 bytes, not shown]',
          },
        ],
      },
    ],
    [
      'the same call said twice',
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 'c1', name: 'read', input: { path: 'a' } }],
        tool_calls: [{ id: 'c1', function: { name: 'read', arguments: '{"path":"a"}' } }],
      },
      { role: 'assistant', parts: [call] },
    ],
    [
      'reasoning said twice, as text and as blocks',
      {
        role: 'assistant',
        content: 'ok',
        reasoning_content: 'hm',
        thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: 'x' }],
      },
      {
        role: 'assistant',
        parts: [
          { kind: 'reasoning', text: 'hm' },
          { kind: 'text', text: 'ok' },
        ],
      },
    ],
    [
      'a refusal',
      { role: 'assistant', content: null, refusal: 'no' },
      { role: 'assistant', parts: [{ kind: 'refusal', text: 'no' }] },
    ],
    [
      'a choice',
      { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'hi' } },
      { role: 'assistant', parts: [{ kind: 'text', text: 'hi' }] },
    ],
    [
      'Gemini parts',
      {
        role: 'model',
        parts: [{ text: 'hi' }, { functionCall: { name: 'read', args: { path: 'a' } } }],
      },
      {
        role: 'model',
        parts: [
          { kind: 'text', text: 'hi' },
          { ...call, id: null },
        ],
      },
    ],
    [
      'Bedrock Converse blocks',
      {
        role: 'assistant',
        content: [
          { text: 'hi' },
          { toolUse: { toolUseId: 'c1', name: 'read', input: { path: 'a' } } },
        ],
      },
      { role: 'assistant', parts: [{ kind: 'text', text: 'hi' }, call] },
    ],
    [
      'a block of no known kind',
      { role: 'user', content: [{ type: 'hologram', depth: 3 }] },
      {
        role: 'user',
        parts: [{ kind: 'other', json: '{\n  "type": "hologram",\n  "depth": 3\n}' }],
      },
    ],
    [
      'a Responses function call output',
      { type: 'function_call_output', call_id: 'c1', output: 'done' },
      {
        role: 'tool',
        parts: [{ kind: 'tool_result', id: 'c1', name: null, isError: false, text: 'done' }],
      },
    ],
    [
      'a Responses reasoning summary',
      { type: 'reasoning', id: 'rs', summary: [{ type: 'summary_text', text: 'thought' }] },
      { role: 'assistant', parts: [{ kind: 'reasoning', text: 'thought' }] },
    ],
    [
      'an object that is no message',
      { a: 1 },
      { role: 'input', parts: [{ kind: 'other', json: '{\n  "a": 1\n}' }] },
    ],
  ])('reads %s', (_case, message, expected) => {
    expect(toMessageView(message, 'input')).toEqual(expected);
  });
});

describe('media', () => {
  const noteOf = (block: unknown): unknown =>
    toMessageView({ role: 'user', content: [block] }, 'input').parts[0];

  it.each<[string, unknown, string]>([
    [
      'a Langfuse reference',
      {
        type: 'image_url',
        image_url: { url: '@@@langfuseMedia:type=image/png|id=syn7|source=base64_data_uri@@@' },
      },
      '[image/png, Langfuse media syn7]',
    ],
    [
      'a reference in the place of Anthropic data',
      {
        type: 'image',
        source: { type: 'base64', data: '@@@langfuseMedia:type=image/jpeg|id=a|source=bytes@@@' },
      },
      '[image/jpeg, Langfuse media a]',
    ],
    [
      'a data URI',
      { type: 'input_image', image_url: 'data:image/png;base64,QUJDRA==' },
      '[image/png, 4 bytes, not shown]',
    ],
    [
      'a data URI of text',
      { type: 'image_url', image_url: { url: 'data:image/svg+xml,<svg/>' } },
      '[image/svg+xml, 6 characters, not shown]',
    ],
    [
      'a URL without its query',
      { type: 'image_url', image_url: 'https://h.example/a.png?sig=1#x' },
      '[image at https://h.example/a.png, query not shown]',
    ],
    ['a file by id', { type: 'file', file: { file_id: 'file-abc' } }, '[file file-abc]'],
    [
      'a file by data',
      { type: 'file', file: { file_data: 'data:application/pdf;base64,QUJD', filename: 'x.pdf' } },
      '[application/pdf, 3 bytes, not shown]',
    ],
    ['nothing at all', { type: 'image' }, '[image]'],
    [
      'Gemini inline data',
      { inlineData: { mimeType: 'audio/mp3', data: 'QUJD'.repeat(20) } },
      '[audio/mp3, 60 bytes, not shown]',
    ],
  ])('notes %s', (_case, block, note) => {
    expect(noteOf(block)).toEqual({ kind: 'media', note });
  });
});

describe('toOutputMessages', () => {
  it.each<[string, unknown, (string | undefined)[][]]>([
    ['null', null, []],
    ['an empty text', '', []],
    ['a text', 'hi', [['hi']]],
    ['a chat message', { content: 'hi', role: 'assistant', tool_calls: null }, [['hi']]],
    ['a chat message as JSON text', '{"content":"hi","role":"assistant"}', [['hi']]],
    ['a list of messages', [{ role: 'assistant', content: 'hi' }], [['hi']]],
    [
      'a whole response',
      { choices: [{ message: { content: 'a' } }, { message: { content: 'b' } }] },
      [['a'], ['b']],
    ],
    ['Anthropic content', { role: 'assistant', content: [{ type: 'text', text: 'hi' }] }, [['hi']]],
    [
      'bare blocks',
      [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
      [['a', 'b']],
    ],
    [
      'a Responses answer',
      {
        output: [
          { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'hi' }] },
        ],
      },
      [['hi']],
    ],
    ['text that only looks like JSON', "{'content': 'hi'}", [["{'content': 'hi'}"]]],
  ])('reads %s', (_case, output, texts) => {
    const read = toOutputMessages(output).map((view) =>
      view.parts.map((part) => ('text' in part ? part.text : undefined)),
    );
    expect(read).toEqual(texts);
  });

  it('keeps a list of unknown things together', () => {
    const [view, ...rest] = toOutputMessages([{ relevance_score: 1 }, { relevance_score: 2 }]);
    expect(rest).toEqual([]);
    expect(view?.parts).toHaveLength(1);
  });
});

describe('toSignature', () => {
  const signatureOf = (message: unknown): string => toSignature(toMessageView(message, 'input'));

  it('tells apart calls, results and roles', () => {
    const messages = [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: 'x' },
      { role: 'tool', tool_call_id: 'a', content: 'x' },
      { role: 'tool', tool_call_id: 'b', content: 'x' },
      { role: 'assistant', tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }] },
      { role: 'assistant', tool_calls: [{ id: 'b', function: { name: 'f', arguments: '{}' } }] },
      { role: 'assistant', reasoning_content: 'x' },
      { role: 'assistant', reasoning_content: 'y' },
    ];
    expect(new Set(messages.map(signatureOf)).size).toBe(messages.length);
  });

  it('is the same with and without reasoning, and for text and text parts', () => {
    const plain = signatureOf({ role: 'assistant', content: 'x' });
    expect(signatureOf({ role: 'assistant', content: [{ type: 'text', text: 'x\n' }] })).toBe(
      plain,
    );
    expect(signatureOf({ role: 'assistant', content: 'x', reasoning_content: 'hm' })).toBe(plain);
  });
});

it('isRedacted is true only where nothing else is left', () => {
  const of = (message: unknown): boolean => isRedacted(toMessageView(message, 'input'));
  expect(of({ role: 'user', content: 'redacted-by-litellm' })).toBe(true);
  expect(
    of({
      role: 'assistant',
      content: 'redacted-by-litellm',
      reasoning_content: 'redacted-by-litellm',
    }),
  ).toBe(true);
  expect(of({ role: 'user', content: 'so redacted-by-litellm' })).toBe(false);
  expect(of({ role: 'user', content: '' })).toBe(false);
});
