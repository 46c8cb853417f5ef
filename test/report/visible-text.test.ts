import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toVisibleLine, toVisibleText } from '../../src/report/visible-text.ts';

// oxlint-disable-next-line no-control-regex -- control characters are what must not be there
const forbidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe('toVisibleText', () => {
  it.each([
    ['a NUL', 'a\0b', 'ab'],
    ['a lone surrogate', 'a\ud83db', 'a\ufffdb'],
    ['an emoji of several code points', '👩‍💻', '👩‍💻'],
    ['colours', '\u001b[31;1mred\u001b[0m', 'red'],
    ['an escape of one byte', '\u009b2Jgone', 'gone'],
    ['a window title, whose text stays', '\u001b]0;title\u0007text', ']0;titletext'],
    [
      'an escape without an end, which must hide nothing',
      '\u001b]8;;all of this',
      ']8;;all of this',
    ],
    ['line breaks of every kind', 'a\r\nb\rc\u2028d\u0085e', 'a\nb\nc\nd\ne'],
    ['a right-to-left override', 'user\u202Etxt.exe', 'user[U+202E]txt.exe'],
    ['an isolate', '\u2066x\u2069', '[U+2066]x[U+2069]'],
    ['tab and newline, which stay', '\ta\n', '\ta\n'],
  ])('shows %s', (_case, text, expected) => {
    expect(toVisibleText(text)).toBe(expected);
  });

  it('leaves no control character, bidi control or lone surrogate, and is stable', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = toVisibleText(text);
        expect(shown).not.toMatch(forbidden);
        expect(shown.isWellFormed()).toBe(true);
        expect(toVisibleText(shown)).toBe(shown);
      }),
    );
  });

  it('takes time in proportion to the text on unfinished escapes', () => {
    expect(toVisibleText('\u001b['.repeat(200_000))).toBe('['.repeat(200_000));
    expect(toVisibleText(`\u001b[${'1;'.repeat(200_000)}`)).toHaveLength(400_001);
  });
});

describe('toVisibleLine', () => {
  it('puts everything on one line', () => {
    expect(toVisibleLine('  a\r\n\t b\u2028c ')).toBe('a b c');
  });
});
