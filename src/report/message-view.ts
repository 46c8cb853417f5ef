/** One message of any dialect (OpenAI chat, OpenAI Responses, Anthropic, Gemini, a bare string) as a role and parts. */
import { toParts, toToolCall, toToolResult, type Part } from './content-parts.ts';
import { renderJson } from './shown-json.ts';
import { isRecord, pick, pickText, toDecoded, type UnknownRecord } from './untrusted.ts';

export interface MessageView {
  /** `system`, `user`, `assistant`, `tool`, … as written; untrusted. */
  readonly role: string;
  readonly parts: readonly Part[];
}

/** What LiteLLM writes in the place of a text that it was told not to log. */
export const redactedText = 'redacted-by-litellm';

/** The view of one message; `role` is used where the message names none. */
export function toMessageView(message: unknown, role: string): MessageView {
  if (!isRecord(message)) return { role, parts: toParts(message) };
  const inner = pick(message, 'message');
  const said = isRecord(inner) && pickText(message, 'role') === null ? inner : message;
  return toItemView(said) ?? toChatView(said, role);
}

/** The messages of an output: one for a chat answer or a text, several for Responses API items or several choices. */
export function toOutputMessages(output: unknown): MessageView[] {
  const decoded = toDecoded(output);
  if (decoded === null || decoded === undefined || decoded === '') return [];
  if (Array.isArray(decoded)) {
    const areMessages = decoded.every((item) => isRecord(item) && isMessageLike(item));
    if (areMessages) return decoded.map((item) => toMessageView(item, 'assistant'));
    const parts = toParts(decoded);
    const areUnknown = parts.every((part) => part.kind === 'other');
    return [
      {
        role: 'assistant',
        parts: areUnknown ? [{ kind: 'other', json: renderJson(decoded) }] : parts,
      },
    ];
  }
  if (isRecord(decoded)) {
    for (const key of ['choices', 'output', 'messages']) {
      const list = pick(decoded, key);
      if (Array.isArray(list) && list.every(isRecord)) {
        return list.map((item) => toMessageView(item, 'assistant'));
      }
    }
  }
  return [toMessageView(decoded, 'assistant')];
}

/** True where nothing but LiteLLM's redaction mark is left of a message. */
export function isRedacted(view: MessageView): boolean {
  return (
    view.parts.length > 0 &&
    view.parts.every((part) => 'text' in part && part.text === redactedText)
  );
}

/**
 * Text that is equal for the same message however it is written: an answer as LiteLLM logged it, and the same
 * answer as the client sends it back. Reasoning does not count where there is anything else, since clients
 * drop it.
 */
export function toSignature(view: MessageView): string {
  const said = view.parts.filter((part) => part.kind !== 'reasoning');
  const parts = said.length === 0 ? view.parts : said;
  const merged: string[] = [];
  let texts: string[] = [];
  const flush = (): void => {
    if (texts.length > 0) merged.push(`text:${texts.join('\n').trim()}`);
    texts = [];
  };
  for (const part of parts) {
    if (part.kind === 'text') texts.push(part.text);
    else {
      flush();
      merged.push(toPartSignature(part));
    }
  }
  flush();
  return JSON.stringify([view.role, ...merged]);
}

function toPartSignature(part: Exclude<Part, { kind: 'text' }>): string {
  if (part.kind === 'tool_call') {
    const sent = typeof part.arguments === 'string' ? part.arguments : renderJson(part.arguments);
    return JSON.stringify([part.kind, part.id, part.name, sent]);
  }
  if (part.kind === 'tool_result') return JSON.stringify([part.kind, part.id, part.text.trim()]);
  return JSON.stringify(part);
}

function isMessageLike(item: UnknownRecord): boolean {
  if (pickText(item, 'role') !== null || isRecord(pick(item, 'message'))) return true;
  return itemTypes.has(pickText(item, 'type') ?? '');
}

const itemTypes: ReadonlySet<string> = new Set([
  'message',
  'function_call',
  'custom_tool_call',
  'function_call_output',
  'custom_tool_call_output',
  'reasoning',
]);

/** The view of an item of the Responses API, null for anything else. */
function toItemView(item: UnknownRecord): MessageView | null {
  switch (pickText(item, 'type')) {
    case 'function_call':
    case 'custom_tool_call': {
      const id = pickText(item, 'call_id', 'id');
      const name = pickText(item, 'name');
      const call = toToolCall({ id, name, arguments: pick(item, 'arguments', 'input') });
      return { role: 'assistant', parts: [call] };
    }
    case 'function_call_output':
    case 'custom_tool_call_output': {
      const result = {
        id: pickText(item, 'call_id', 'id'),
        name: null,
        isError: false,
        content: pick(item, 'output'),
      };
      return { role: 'tool', parts: [toToolResult(result)] };
    }
    case 'reasoning': {
      if (pickText(item, 'role') !== null) return null;
      const told = [...toParts(pick(item, 'summary')), ...toParts(pick(item, 'content'))];
      const text = told.flatMap((part) => ('text' in part ? [part.text] : [])).join('\n');
      // The id keeps two hidden thoughts apart.
      const hidden = `(not shown by the provider, ${pickText(item, 'id') ?? 'no id'})`;
      const shown = text === '' ? hidden : text;
      return { role: 'assistant', parts: [{ kind: 'reasoning', text: shown }] };
    }
    default:
      return null;
  }
}

function toChatView(message: UnknownRecord, fallbackRole: string): MessageView {
  const role = pickText(message, 'role') ?? fallbackRole;
  const content = pick(message, 'content', 'parts');
  if (role === 'tool' || role === 'function') {
    const result = {
      id: pickText(message, 'tool_call_id'),
      name: pickText(message, 'name'),
      isError: false,
      content,
    };
    const parts = toParts(content);
    const isWrapped = parts.length > 0 && parts.every((part) => part.kind === 'tool_result');
    return { role, parts: isWrapped ? parts : [toToolResult(result)] };
  }
  const parts = toParts(content);
  const reasoning = parts.some((part) => part.kind === 'reasoning') ? [] : toReasoning(message);
  const calls = toCalls(message).filter((call) => !parts.some((part) => isSameCall(part, call)));
  const refusal = pickText(message, 'refusal');
  const told: Part[] = [
    ...reasoning,
    ...parts,
    ...(refusal === null ? [] : [{ kind: 'refusal' as const, text: refusal }]),
    ...calls,
  ];
  const isMessage = 'role' in message || 'content' in message || told.length > 0;
  return { role, parts: isMessage ? told : [{ kind: 'other', json: renderJson(message) }] };
}

/** LiteLLM writes the same reasoning as a text and, for Anthropic, as blocks with signatures. */
function toReasoning(message: UnknownRecord): Part[] {
  const text = pickText(message, 'reasoning_content', 'reasoning');
  if (text !== null && text.trim() !== '') return [{ kind: 'reasoning', text }];
  return toParts(pick(message, 'thinking_blocks')).filter((part) => part.kind === 'reasoning');
}

function toCalls(message: UnknownRecord): Part[] {
  const listed = pick(message, 'tool_calls');
  const legacy = pick(message, 'function_call');
  const calls =
    Array.isArray(listed) && listed.length > 0 ? listed : isRecord(legacy) ? [legacy] : [];
  return calls.map((call: unknown): Part => {
    if (!isRecord(call)) return { kind: 'other', json: renderJson(call) };
    const named = pick(call, 'function', 'custom');
    const body = isRecord(named) ? named : call;
    return toToolCall({
      id: pickText(call, 'id'),
      name: pickText(body, 'name'),
      arguments: pick(body, 'arguments', 'input'),
    });
  });
}

/** A message may say the same call twice, as `tool_calls` and as a block of its content. */
function isSameCall(a: Part, b: Part): boolean {
  if (a.kind !== 'tool_call' || b.kind !== 'tool_call') return false;
  if (a.id !== null || b.id !== null) return a.id === b.id;
  return a.name === b.name && renderJson(a.arguments) === renderJson(b.arguments);
}
