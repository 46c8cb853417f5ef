/** Nothing that others wrote may stand outside of a fence or a code span. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toVisibleText } from '../../src/report/visible-text.ts';
import { aContent } from './a-content.ts';
import { aTurn, render } from './a-transcript.ts';
import { readMarkdown } from './read-markdown.ts';

/** Every kind of line that the renderer itself writes, code spans replaced. */
const ownLines: readonly RegExp[] = [
  /^$/,
  /^# Session (‹code›|\(empty\))$/,
  /^\[Open in Langfuse\]\(<https:\/\/langfuse\.example\/[A-Za-z0-9%/-]*>\)$/,
  /^- (no calls|[\d :.-]+UTC to [\d :.-]+UTC|[\d,]+ calls? in [\d,]+ requests?, [\d,]+ failed)$/,
  /^- models: ((‹code›|\(empty\))(, )?)+( and \d+ more)?$/,
  /^- (tokens|cost): [\w$.,() ]+$/,
  /^- text: not read of [\d,]+ calls?$/,
  /^## Turn \d+ · [\d :.-]+ UTC · (‹code›|\(empty\))$/,
  /^[\w$.,() ']+( · [\w$.,() ']+)+$/,
  /^trace (‹code›|\(empty\)) · observation (‹code›|\(empty\))$/,
  /^(A new conversation\.|The text of this call was not read\.|No (in|out)put was recorded\.)$/,
  /^(Input: [\d,]+ messages?, redacted by LiteLLM\.|(Input|Answer): redacted by LiteLLM\.)$/,
  /^((The same input as in|Continues) turn \d+|Branches off after turn \d+, without the [\d,]+ messages? that turn \d+ had after it)\.$/,
  /^(Attempt \d+ of its request, after turn \d+\.)?( ?Another attempt followed\.)?$/,
  /^\*\*History was edited or condensed here\*\* \([\d,]+ messages? dropped, \d+ new\), compared with turn \d+\.$/,
  /^Tools offered \(\d+\): ((‹code›|\(empty\))(, )?)+( and \d+ more)?$/,
  /^\*\*Error\*\* (‹code›|\(empty\))(, HTTP \d+)?$/,
  /^((\*\*(system|user|assistant|tool|input)\*\*|‹code›|\(empty\))(: )?)?((‹code›|\(empty\)):?|\(redacted by LiteLLM\)|reasoning:|refusal:|(tool call|(failed )?tool result)( ‹code›| \(empty\))?( \((‹code›|\(empty\))\))?( \(empty\))?)?$/,
  /^(\*\*(system|user|assistant|tool|input)\*\*|‹code›|\(empty\)) \(the same message as in turn \d+\)$/,
  /^\*\*system\*\* as in turn \d+, but for these lines \([\d,]+ lines? above and [\d,]+ lines? below are the same\):$/,
  /^\(lines left out\)$/,
  /^\([\d,]+ messages already shown in turns? \d+( to \d+)?\)$/,
  /^([\d,]+ more parts: )?\(… [\d,]+ characters not shown\)$/,
];

function strangeLines(transcript: string): string[] {
  return readMarkdown(transcript).lines.filter((line) => !ownLines.some((own) => own.test(line)));
}

/** Text made to break out of Markdown, mixed with text of every kind. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '```',
        '````text',
        '~~~',
        '`',
        '\n',
        '\r',
        '\r\n',
        '\n\n# heading\n',
        '\n---\n',
        '\n    code\n',
        '<script>alert(1)</script>',
        '<!-- ',
        '](http://evil.example)',
        '![x](http://evil.example/x.png)',
        '\n> quote',
        '\n| a | b |\n|---|---|',
        '\u2028# line separator',
        '\u0085# next line',
        '\u001b[31m',
        '\u001b]8;;http://evil.example\u0007',
        '\u202e',
        '\0',
        '\ud800',
        '\udfff',
        '👩‍💻',
        '_i_',
        'Error',
        '@@@langfuseMedia:type=<b>|id=`x`|source=\n@@@',
        'data:image/png;base64,AAAAAAAAAAAAAAAAAAAAAAAA',
      ),
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.string({ unit: fc.constantFrom('`', '\n', ' ', '#', '<', 'a'), maxLength: 12 }),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => pieces.join(''));

const longPrompt = 'A line of instructions.\n'.repeat(60);

const hostileMessage: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  hostileText.map((text) => ({ role: 'system', content: `${longPrompt}${text}\n${longPrompt}` })),
  fc.record({ role: hostileText, content: hostileText }),
  fc.record({ role: fc.constantFrom('user', 'assistant', 'tool', 'system'), content: hostileText }),
  fc.record({
    role: fc.constantFrom('assistant', 'tool'),
    tool_call_id: hostileText,
    reasoning_content: hostileText,
    content: fc.array(
      fc.oneof(
        fc.record({
          type: fc.constantFrom('text', 'thinking', 'refusal'),
          text: hostileText,
          thinking: hostileText,
        }),
        fc.record({
          type: fc.constant('tool_use'),
          id: hostileText,
          name: hostileText,
          input: fc.dictionary(hostileText, hostileText),
        }),
        fc.record({
          type: fc.constant('tool_result'),
          tool_use_id: hostileText,
          content: hostileText,
        }),
        fc.record({ type: fc.constant('image_url'), image_url: fc.record({ url: hostileText }) }),
        fc.record({ type: hostileText, value: fc.jsonValue() }),
      ),
      { maxLength: 3 },
    ),
    tool_calls: fc.array(
      fc.record({
        id: hostileText,
        function: fc.record({ name: hostileText, arguments: hostileText }),
      }),
      { maxLength: 2 },
    ),
  }),
  fc.jsonValue(),
);

const hostileFact = fc.record({
  model: hostileText,
  trace_id: hostileText,
  is_error: fc.constantFrom(0, 1),
  error_class: fc.option(hostileText, { nil: null }),
  status_message: fc.option(hostileText, { nil: null }),
  cost_source: hostileText,
});

const hostileTurn = fc
  .record({
    fact: hostileFact,
    messages: fc.array(hostileMessage, { maxLength: 4 }),
    output: hostileMessage,
    rest: fc.option(
      fc.record({ tools: fc.array(fc.record({ name: hostileText }), { maxLength: 3 }) }),
    ),
    isList: fc.boolean(),
  })
  .map(({ fact, messages, output, rest, isList }) =>
    aTurn(
      aContent(messages, output, {
        rest,
        ...(isList ? {} : { messages: null, input: messages[0] ?? null }),
      }),
      fact,
    ),
  );

describe('a hostile session', () => {
  it('writes no line outside of fences and code spans', () => {
    fc.assert(
      fc.property(fc.array(hostileTurn, { maxLength: 3 }), (turns) => {
        const transcript = render(turns);
        const { isOpen } = readMarkdown(transcript);
        expect(isOpen).toBe(false);
        expect(strangeLines(transcript)).toEqual([]);
        expect(transcript.isWellFormed()).toBe(true);
        // Nothing more is changed by a second cleaning: no control character, no bidi control.
        expect(toVisibleText(transcript)).toBe(transcript);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps every text whole inside its fence', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        fc.pre(!/langfuseMedia|data:/.test(text));
        const { fences } = readMarkdown(
          render([aTurn(aContent([{ role: 'user', content: text }], null))]),
        );
        const shown = toVisibleText(text);
        if (shown.trim() === '') return;
        expect(fences.map((fence) => fence.text)).toEqual([
          shown.endsWith('\n') ? shown.slice(0, -1) : shown,
        ]);
      }),
    );
  });

  it('lets no address end its link', () => {
    const url = 'https://langfuse.example/sessions/a>)[x](javascript:alert(1))\n# h';
    expect(render([], {}, url)).toContain(
      '\n[Open in Langfuse](<https://langfuse.example/sessions/a%3E%29%5Bx%5D%28javascript:alert%281%29%29#%20h>)\n',
    );
    expect(render([], {}, 'javascript:alert(1)')).toContain('\n`javascript:alert(1)`\n');
  });

  it('reads deeply nested JSON without failing', () => {
    const depth = 50_000;
    const deep = JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as unknown;
    let nested: unknown = 'core';
    for (let level = 0; level < 5000; level += 1) {
      nested = [{ type: 'tool_result', tool_use_id: 'x', content: nested }];
    }
    const content = (messages: unknown[], output: unknown): ReturnType<typeof aContent> => ({
      messages: messages.map((message, index) => ({ hash: `${index}`, message })),
      input: null,
      rest: null,
      output,
    });
    const transcript = render([
      aTurn(
        content([{ role: 'user', content: deep }, deep, { message: { message: nested } }], deep),
      ),
      aTurn(content([{ role: 'tool', content: nested }], nested)),
    ]);
    expect(transcript).toContain('more entries nested here, not shown)');
    expect(readMarkdown(transcript).isOpen).toBe(false);
  });
});
