import { describe, expect, it } from 'vitest';
import { aContent, answer, assistant, system, user } from './a-content.ts';
import { aTurn, countOf, render, turnOf } from './a-transcript.ts';

describe('resent histories', () => {
  const base = [system('S'), user('task one'), assistant('step one'), user('result one')];

  it('marks a condensed history and shows only what is new', () => {
    const transcript = render([
      aTurn(aContent(base, answer('step two'))),
      aTurn(aContent([...base, assistant('step two'), user('result two')], answer('step three'))),
      aTurn(
        aContent(
          [system('S'), user('summary so far'), assistant('step three'), user('result three')],
          answer('step four'),
        ),
      ),
    ]);
    expect(turnOf(transcript, 3)).toContain(
      '**History was edited or condensed here** (5 messages dropped, 2 new), compared with turn 2.',
    );
    for (const text of [
      'task one',
      'step one',
      'step two',
      'result two',
      'step three',
      'summary so far',
    ]) {
      expect(countOf(transcript, text)).toBe(1);
    }
    expect(turnOf(transcript, 3)).toMatch(/summary so far[\s\S]*result three[\s\S]*step four/);
  });

  it('marks a history that was condensed to its first message and a summary', () => {
    const transcript = render([
      aTurn(aContent([system('S'), user('task')], answer('a1'))),
      aTurn(aContent([system('S'), user('task'), assistant('a1'), user('r1')], answer('a2'))),
      aTurn(aContent([system('S'), user('task'), user('<summary>')], answer('a3'))),
      aTurn(
        aContent(
          [system('S'), user('task'), user('<summary>'), assistant('a3'), user('r3')],
          answer('a4'),
        ),
      ),
    ]);
    expect(turnOf(transcript, 3)).toContain('(3 messages dropped, 1 new), compared with turn 2.');
    expect(turnOf(transcript, 4)).not.toMatch(/edited|Continues|Branches/);
  });

  it('marks a history that went back', () => {
    const longer = [
      ...base,
      assistant('step two'),
      user('result two'),
      assistant('step three'),
      user('more'),
    ];
    const transcript = render([
      aTurn(aContent(longer, answer('step four'))),
      aTurn(aContent(base, answer('another step two'))),
    ]);
    expect(turnOf(transcript, 2)).toContain('(5 messages dropped, 0 new), compared with turn 1.');
    expect(turnOf(transcript, 2)).toContain('another step two');
  });

  it('tells a branch by the turn that it leaves', () => {
    const transcript = render([
      aTurn(aContent(base, answer('step two'))),
      aTurn(aContent([...base, assistant('step two'), user('this way')], answer('a'))),
      aTurn(aContent([...base, assistant('step two'), user('that way')], answer('b'))),
    ]);
    expect(turnOf(transcript, 3)).toContain(
      'Branches off after turn 1, without the 2 messages that turn 2 had after it.',
    );
    expect(turnOf(transcript, 3)).not.toContain('edited');
    expect(countOf(transcript, 'step two')).toBe(1);
  });

  it('keeps threads apart that run side by side', () => {
    const one = [system('Agent one'), user('go')];
    const two = [system('Agent two'), user('go')];
    const transcript = render([
      aTurn(aContent(one, answer('one: a'))),
      aTurn(aContent(two, answer('two: a'))),
      aTurn(aContent([...one, assistant('one: a'), user('one: r')], answer('one: b'))),
      aTurn(aContent([...two, assistant('two: a'), user('two: r')], answer('two: b'))),
    ]);
    expect(turnOf(transcript, 2)).toContain('A new conversation.');
    expect(turnOf(transcript, 2)).toContain('**user** (the same message as in turn 1)');
    expect(turnOf(transcript, 3)).toContain('Continues turn 1.');
    expect(turnOf(transcript, 4)).toContain('Continues turn 2.');
    expect(transcript).not.toContain('edited');
    for (const text of [
      'Agent one',
      'Agent two',
      'one: a',
      'two: a',
      'one: r',
      'two: r',
      'one: b',
      'two: b',
    ]) {
      expect(countOf(transcript, text)).toBe(1);
    }
  });

  it('does not take a second thread with the same system prompt for an edit', () => {
    const transcript = render([
      aTurn(aContent([system('S'), user('task')], answer('a'))),
      aTurn(aContent([system('S'), user('name this')], answer('b'))),
    ]);
    expect(turnOf(transcript, 2)).toContain('A new conversation.');
    expect(turnOf(transcript, 2)).toContain('**system** (the same message as in turn 1)');
    expect(transcript).not.toContain('edited');
  });

  it('refers to a message that was really sent twice instead of hiding or repeating it', () => {
    const transcript = render([
      aTurn(aContent([user('continue')], answer('a'))),
      aTurn(aContent([user('continue'), assistant('a'), user('continue')], answer('b'))),
    ]);
    expect(countOf(transcript, 'continue')).toBe(1);
    expect(turnOf(transcript, 2)).toContain('**user** (the same message as in turn 1)');
  });

  it('folds many such references into one line', () => {
    const transcript = render([
      aTurn(aContent([system('S'), user('one'), user('two')], answer('a'))),
      aTurn(aContent([system('other'), user('one'), user('two'), user('three')], answer('b'))),
    ]);
    expect(turnOf(transcript, 2)).toContain('(2 messages already shown in turn 1)');
  });

  it('knows an answer again however the client sends it back', () => {
    const call = {
      id: 'call_1',
      type: 'function',
      function: { name: 'read', arguments: '{"path": "a"}' },
    };
    const transcript = render([
      aTurn(
        aContent([user('q')], {
          ...(answer(null) as object),
          reasoning_content: 'hm',
          tool_calls: [call],
        }),
      ),
      aTurn(
        aContent(
          [
            user('q'),
            // As Anthropic clients resend it: blocks, no reasoning, arguments as an object, a moving cache mark.
            {
              role: 'assistant',
              content: [{ type: 'tool_use', id: 'call_1', name: 'read', input: { path: 'a' } }],
            },
            {
              role: 'user',
              content: [
                {
                  type: 'tool_result',
                  tool_use_id: 'call_1',
                  content: [{ type: 'text', text: 'contents of a' }],
                  cache_control: { type: 'ephemeral' },
                },
              ],
            },
          ],
          answer('  fine\n'),
        ),
      ),
      aTurn(
        aContent(
          [
            user('q'),
            {
              role: 'assistant',
              content: [{ type: 'tool_use', id: 'call_1', name: 'read', input: { path: 'a' } }],
            },
            {
              role: 'user',
              content: [
                {
                  type: 'tool_result',
                  tool_use_id: 'call_1',
                  content: [{ type: 'text', text: 'contents of a' }],
                },
              ],
            },
            assistant([{ type: 'text', text: 'fine' }]),
            user('thanks'),
          ],
          answer('bye'),
        ),
      ),
    ]);
    expect(countOf(transcript, '`read`')).toBe(1);
    expect(countOf(transcript, 'contents of a')).toBe(1);
    expect(countOf(transcript, 'fine')).toBe(1);
    expect(transcript).not.toMatch(/edited|same message|Continues/);
  });

  it('follows the item lists of the Responses API', () => {
    const output = [
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' },
      { type: 'function_call', call_id: 'fc_1', name: 'shell', arguments: '{"cmd":"ls"}' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'listing' }] },
    ];
    const transcript = render([
      aTurn(aContent([user('list')], output)),
      aTurn(
        aContent(
          [
            user('list'),
            ...output,
            { type: 'function_call_output', call_id: 'fc_1', output: 'a.txt' },
          ],
          answer('one file'),
        ),
      ),
    ]);
    expect(turnOf(transcript, 2)).toMatch(
      /^\s+.*\n\ntrace .*\n\n\*\*tool\*\*: tool result \(`fc_1`\)/,
    );
    expect(countOf(transcript, 'listing')).toBe(1);
    expect(countOf(transcript, '`shell`')).toBe(1);
  });

  it('shows only the changed lines of a system prompt that changes with every request', () => {
    const prompt = (mark: string): unknown =>
      system(`billing ${mark}\n${'Long instructions that stay.\n'.repeat(50)}`);
    const transcript = render([
      aTurn(aContent([prompt('aaa'), user('q')], answer('a1'))),
      aTurn(aContent([prompt('bbb'), user('q'), assistant('a1'), user('q2')], answer('a2'))),
    ]);
    expect(countOf(transcript, 'Long instructions that stay.')).toBe(50);
    const second = turnOf(transcript, 2);
    expect(second).toContain('(1 message dropped, 2 new), compared with turn 1.');
    expect(second).toContain(
      '**system** as in turn 1, but for these lines (0 lines above and 51 lines below are the same):',
    );
    expect(second).toContain('billing bbb');
    expect(countOf(transcript, 'a1')).toBe(1);
  });
});
