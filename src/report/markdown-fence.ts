/** Places in Markdown that text of others can't break out of (CommonMark 0.31, §4.5 fences, §6.1 code spans). */
import { headOf } from './cut-text.ts';
import { toVisibleLine, toVisibleText } from './visible-text.ts';

const maxSpanLength = 200;

/** A fenced block of visible text, its fence longer than any run of backticks inside; ends without a line break. */
export function renderFence(block: {
  readonly text: string;
  readonly language: 'text' | 'json';
}): string {
  const text = toVisibleText(block.text);
  const fence = '`'.repeat(Math.max(3, longestTicks(text) + 1));
  return `${fence}${block.language}\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}`;
}

/** A code span on one line, cut at 200 characters with an ellipsis; `(empty)` for nothing visible. */
export function renderCodeSpan(text: string): string {
  const line = toVisibleLine(text);
  if (line === '') return '(empty)';
  const shown = line.length > maxSpanLength ? `${headOf(line, maxSpanLength)}…` : line;
  const ticks = '`'.repeat(longestTicks(shown) + 1);
  const isPadded = shown.startsWith('`') || shown.endsWith('`');
  return isPadded ? `${ticks} ${shown} ${ticks}` : `${ticks}${shown}${ticks}`;
}

/** A link whose address can't end it early; a code span where `url` is no http or https URL. */
export function renderLink(link: { readonly label: string; readonly url: string }): string {
  const parsed = URL.canParse(link.url) ? new URL(link.url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return renderCodeSpan(link.url);
  const href = parsed.href.replaceAll(
    /[^A-Za-z0-9\-._~:/?#@!$&'*+,;=%]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return `[${link.label}](<${href}>)`;
}

function longestTicks(text: string): number {
  let longest = 0;
  for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  return longest;
}
