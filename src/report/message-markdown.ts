/** One message as Markdown: its texts in fences, everything else told in lines of our own. */
import { toCount } from '../runs/note.ts';
import { toArgumentsText, toPartText, type Part } from './content-parts.ts';
import { headOf, notShownMark } from './cut-text.ts';
import { renderCodeSpan, renderFence } from './markdown-fence.ts';
import { withoutInlineMedia } from './media-note.ts';
import { redactedText, type MessageView } from './message-view.ts';
import { renderJson } from './shown-json.ts';
import { isRecord } from './untrusted.ts';
import { toVisibleText } from './visible-text.ts';

/** What a part takes of a message's budget beside its text, so that a thousand tiny parts are cut too. */
const charactersPerPart = 100;
/** A shorter string stays in the JSON of its call. */
const minBlockLength = 80;

const knownRoles: ReadonlySet<string> = new Set([
  'system',
  'developer',
  'user',
  'assistant',
  'model',
  'tool',
  'function',
  'input',
]);

/** The role of a message in bold; one that nobody defines is shown as code. */
export function renderRole(role: string): string {
  return knownRoles.has(role) ? `**${role}**` : renderCodeSpan(role);
}

/**
 * The parts of a message, each a note or a fence, without its role. At most about `maxCharacters` of text are
 * shown; what is missing is said.
 */
export function renderParts(view: MessageView, maxCharacters: number): string[] {
  const lines: string[] = [];
  let left = maxCharacters + charactersPerPart;
  const fence = (text: string, language: 'text' | 'json'): void => {
    const visible = toVisibleText(text);
    const head = headOf(visible, Math.max(0, left));
    left -= head.length;
    if (head !== '') lines.push(renderFence({ text: head, language }));
    if (head.length < visible.length) lines.push(notShownMark(visible.slice(head.length)).trim());
  };
  for (const [position, part] of view.parts.entries()) {
    if (left <= 0) {
      const rest = view.parts.slice(position);
      const text = rest.map(toPartText).join('');
      lines.push(`${toCount(rest.length)} more parts: ${notShownMark(text).trim()}`);
      break;
    }
    left -= charactersPerPart;
    renderPart(part, { lines, fence });
  }
  return lines.length === 0 ? ['(empty)'] : lines;
}

interface Sink {
  readonly lines: string[];
  readonly fence: (text: string, language: 'text' | 'json') => void;
}

function renderPart(part: Part, { lines, fence }: Sink): void {
  switch (part.kind) {
    case 'text':
      if (part.text === redactedText) lines.push('(redacted by LiteLLM)');
      else fence(part.text, 'text');
      return;
    case 'reasoning':
      lines.push('reasoning:');
      fence(withoutInlineMedia(part.text), 'text');
      return;
    case 'refusal':
      lines.push('refusal:');
      fence(part.text, 'text');
      return;
    case 'tool_call':
      renderCall(part, { lines, fence });
      return;
    case 'tool_result':
      lines.push(
        `${part.isError ? 'failed tool result' : 'tool result'}${toTitle(part)}${part.text === '' ? ' (empty)' : ''}`,
      );
      if (part.text !== '') fence(part.text, 'text');
      return;
    case 'media':
      lines.push(renderCodeSpan(part.note));
      return;
    case 'other':
      fence(part.json, 'json');
  }
}

/** A file that an agent writes is one long string in its arguments: it is shown as text below them. */
function renderCall(call: Part & { kind: 'tool_call' }, { lines, fence }: Sink): void {
  lines.push(`tool call${toTitle(call)}`);
  if (!isRecord(call.arguments)) {
    const text = toArgumentsText(call.arguments);
    if (text !== '') fence(text, 'text');
    return;
  }
  const blocks = Object.entries(call.arguments).filter(
    (entry): entry is [string, string] =>
      typeof entry[1] === 'string' && entry[1].includes('\n') && entry[1].length >= minBlockLength,
  );
  const shownBelow = Object.fromEntries(
    blocks.map(([name, text]) => [
      name,
      `(${toCount(text.split('\n').length)} lines, shown below)`,
    ]),
  );
  fence(renderJson({ ...call.arguments, ...shownBelow }), 'json');
  for (const [name, text] of blocks) {
    lines.push(`${renderCodeSpan(name)}:`);
    fence(withoutInlineMedia(text), 'text');
  }
}

function toTitle(part: { readonly name: string | null; readonly id: string | null }): string {
  const name = part.name === null ? '' : ` ${renderCodeSpan(part.name)}`;
  return part.id === null ? name : `${name} (${renderCodeSpan(part.id)})`;
}
