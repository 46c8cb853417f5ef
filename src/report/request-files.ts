/** The files of a single request's run: what the earlier per-request callback wrote, under the same names. */
import type { StoredContent } from '../store/contents.ts';
import type { Fact } from '../store/fact.ts';
import { toPartText } from './content-parts.ts';
import { redactedText, toMessageView, toOutputMessages, type MessageView } from './message-view.ts';
import { renderJson } from './shown-json.ts';
import { toVisibleText } from './visible-text.ts';

export interface RequestFile {
  readonly path: string;
  readonly contentType: string;
  readonly text: string;
}

const contentType = 'text/plain; charset=utf-8';

/**
 * `prompt.txt` (`role: content`, one message after the other), `response.txt` (the text of every choice and part,
 * tool calls visible) and, of a failure, `error.txt`. A file whose content was not read or is absent is left out.
 * Images and files are notes; nothing else is cut.
 */
export function toRequestFiles(request: {
  readonly fact: Fact;
  readonly content: StoredContent | null;
}): RequestFile[] {
  const { fact, content } = request;
  const answers =
    content === null || isErrorText(fact, content) ? [] : toOutputMessages(content.output);
  const texts: [path: string, text: string | null][] = [
    ['prompt.txt', content === null ? null : toPromptText(content)],
    ['response.txt', answers.length === 0 ? null : answers.map(toContentText).join('\n\n')],
    ['error.txt', fact.is_error === 1 ? toErrorText(fact, content) : null],
  ];
  return texts.flatMap(([path, text]) =>
    text === null ? [] : [{ path, contentType, text: `${toVisibleText(text)}\n` }],
  );
}

/**
 * The text of a failure, in full where the output repeats it: the status message of a fact is cut at 4,000
 * characters.
 */
export function toErrorText(fact: Fact, content: StoredContent | null): string {
  const { output } = content ?? { output: null };
  const told = typeof output === 'string' && output.trim() !== '' && output !== redactedText;
  return told ? output : (fact.status_message ?? '(no message)');
}

/** LiteLLM repeats the text of an exception as the output of the failed call: it is no answer. */
export function isErrorText(fact: Fact, content: StoredContent): boolean {
  return fact.is_error === 1 && typeof content.output === 'string';
}

function toPromptText(content: StoredContent): string | null {
  if (content.messages !== null) {
    const views = content.messages.map(({ message }) => toMessageView(message, 'input'));
    return views.map((view) => `${view.role}: ${toContentText(view)}`).join('\n');
  }
  if (content.input === null) return null;
  return typeof content.input === 'string' ? content.input : renderJson(content.input);
}

function toContentText(view: MessageView): string {
  return view.parts.map(toPartText).join('\n');
}
