/** The text of one call: of its input only what its thread has not shown yet, then its answer or error. */
import type { StoredContent } from '../store/contents.ts';
import type { Fact } from '../store/fact.ts';
import { toChangedLines } from './changed-lines.ts';
import { toPartText } from './content-parts.ts';
import {
  createConversationHistory,
  type Continuation,
  type ConversationHistory,
} from './conversation-history.ts';
import { toCounted } from './counted.ts';
import { cutText } from './cut-text.ts';
import { renderCodeSpan, renderFence } from './markdown-fence.ts';
import { renderParts, renderRole } from './message-markdown.ts';
import {
  createMessageRegistry,
  type MessageRegistry,
  type MetMessage,
} from './message-registry.ts';
import { isRedacted, redactedText, toOutputMessages } from './message-view.ts';
import { isErrorText, toErrorText } from './request-files.ts';
import { isRecord, pick, pickText } from './untrusted.ts';
import { renderJson } from './shown-json.ts';
import { toVisibleText } from './visible-text.ts';

/** System prompts that a changed one is compared with. */
const mostPrompts = 8;
const mostTools = 50;

export interface TurnTeller {
  /** Blocks of Markdown, made one after the other so that a reader can stop. */
  tell(turn: {
    readonly number: number;
    readonly fact: Fact;
    readonly content: StoredContent | null;
  }): Iterable<string>;
}

/**
 * Tells the turns of one session in order; `maxCharacters` is what is shown of one message, `missingText` stands for a
 * text that is not there.
 */
export function createTurnTeller(maxCharacters: number, missingText: string): TurnTeller {
  const registry = createMessageRegistry();
  const history = createConversationHistory();
  const prompts: { readonly turn: number; readonly text: string }[] = [];
  const toolLists = new Set<string>();

  function* tellMessage(turn: number, met: MetMessage): Generator<string> {
    met.known.shownInTurn = turn;
    const view = met.view();
    const role = renderRole(view.role);
    if (met.known.isSystem) {
      const text = toVisibleText(view.parts.map(toPartText).join('\n'));
      const change = findChange(prompts, text);
      prompts.push({ turn, text });
      if (prompts.length > mostPrompts) prompts.shift();
      if (change !== null) {
        yield `${role} as in turn ${change.turn}, but for these lines (${toCounted(change.linesBefore, 'line')} above and ${toCounted(change.linesAfter, 'line')} below are the same):`;
        yield change.changed === ''
          ? '(lines left out)'
          : renderFence({ text: cutText(change.changed, maxCharacters), language: 'text' });
        return;
      }
    }
    const [first = '', ...rest] = renderParts(view, maxCharacters);
    yield first.startsWith('`') ? `${role}\n\n${first}` : `${role}: ${first}`;
    yield* rest;
  }

  /** Shows what was never shown, and refers to the rest. */
  function* tellMessages(turn: number, messages: readonly MetMessage[]): Generator<string> {
    let known: MetMessage[] = [];
    for (const met of messages) {
      if (met.known.shownInTurn === null || met.known.isEmpty) {
        yield* refer(known);
        known = [];
        yield* tellMessage(turn, met);
      } else known.push(met);
    }
    yield* refer(known);
  }

  function* tellInput(turn: number, content: StoredContent): Generator<string> {
    const met = content.messages?.map((message) => registry.ofStored(message)) ?? [];
    if (content.messages === null || met.every(({ known }) => known.isBare)) {
      yield* tellPlainInput(turn, content, registry, tellMessages);
      return;
    }
    if (met.every(({ known }) => known.isRedacted)) {
      yield `Input: ${toCounted(met.length, 'message')}, redacted by LiteLLM.`;
      return;
    }
    const input = met.map(({ known }) => known);
    const { continuation, isNew } = history.place(turn, input);
    const fresh = met.filter((_message, position) => isNew[position]);
    const note = renderContinuation(turn, continuation, fresh.length);
    if (note !== null) yield note;
    yield* tellMessages(turn, fresh);
  }

  return {
    *tell({ number, fact, content }) {
      if (content === null) {
        yield missingText;
        if (fact.is_error === 1) yield* tellError(fact, content, maxCharacters);
        return;
      }
      yield* tellTools(content.rest, toolLists);
      yield* tellInput(number, content);
      if (fact.is_error === 1) yield* tellError(fact, content, maxCharacters);
      if (isErrorText(fact, content)) return;
      yield* tellOutput({ number, fact, content, registry, history, tellMessages });
    },
  };
}

type TellMessages = (turn: number, messages: readonly MetMessage[]) => Iterable<string>;

function* tellPlainInput(
  turn: number,
  content: StoredContent,
  registry: MessageRegistry,
  tellMessages: TellMessages,
): Generator<string> {
  const input = content.messages?.map(({ message }) => message) ?? content.input;
  if (input === null || (Array.isArray(input) && input.length === 0))
    yield 'No input was recorded.';
  else if (input === redactedText) yield 'Input: redacted by LiteLLM.';
  else {
    const part =
      typeof input === 'string'
        ? ({ kind: 'text', text: input } as const)
        : ({ kind: 'other', json: renderJson(input) } as const);
    yield* tellMessages(turn, [registry.ofView({ role: 'input', parts: [part] })]);
  }
}

function* tellOutput(told: {
  readonly number: number;
  readonly fact: Fact;
  readonly content: StoredContent;
  readonly registry: MessageRegistry;
  readonly history: ConversationHistory;
  readonly tellMessages: TellMessages;
}): Generator<string> {
  const { number, content } = told;
  const views = toOutputMessages(content.output);
  if (views.length === 0) {
    if (told.fact.is_error === 0) yield 'No output was recorded.';
    return;
  }
  if (views.every(isRedacted)) {
    yield 'Answer: redacted by LiteLLM.';
    return;
  }
  const output = views.map((view) => told.registry.ofView(view));
  if (content.messages !== null) {
    told.history.addOutput(
      number,
      output.map(({ known }) => known),
    );
  }
  yield* told.tellMessages(number, output);
}

function* tellError(
  fact: Fact,
  content: StoredContent | null,
  maxCharacters: number,
): Generator<string> {
  const status = fact.http_status === null ? '' : `, HTTP ${fact.http_status}`;
  yield `**Error** ${renderCodeSpan(fact.error_class ?? '(unknown)')}${status}`;
  const text = toVisibleText(toErrorText(fact, content));
  yield renderFence({ text: cutText(text, maxCharacters), language: 'text' });
}

/** Names of the tools beside the messages, once for each list of them. */
function* tellTools(rest: unknown, told: Set<string>): Generator<string> {
  if (!isRecord(rest)) return;
  const lists = [pick(rest, 'tools'), pick(rest, 'functions')].filter(Array.isArray);
  const names = lists.flat().map((tool: unknown) => {
    if (!isRecord(tool)) return '(no name)';
    const named = pick(tool, 'function');
    return pickText(isRecord(named) ? named : tool, 'name', 'type') ?? '(no name)';
  });
  const key = JSON.stringify(names);
  if (names.length === 0 || told.has(key)) return;
  told.add(key);
  const more = names.length > mostTools ? ` and ${names.length - mostTools} more` : '';
  yield `Tools offered (${names.length}): ${names.slice(0, mostTools).map(renderCodeSpan).join(', ')}${more}`;
}

function* refer(known: readonly MetMessage[]): Generator<string> {
  const [first] = known;
  if (first === undefined) return;
  const turns = known.map((met) => met.known.shownInTurn ?? 0);
  const from = turns.reduce((a, b) => Math.min(a, b));
  const to = turns.reduce((a, b) => Math.max(a, b));
  const where = from === to ? `turn ${from}` : `turns ${from} to ${to}`;
  yield known.length === 1
    ? `${renderRole(first.known.role)} (the same message as in ${where})`
    : `(${toCounted(known.length, 'message')} already shown in ${where})`;
}

function renderContinuation(
  turn: number,
  continuation: Continuation,
  fresh: number,
): string | null {
  switch (continuation.kind) {
    case 'starts':
      return turn === 1 ? null : 'A new conversation.';
    case 'repeats':
      return `The same input as in turn ${continuation.turn}.`;
    case 'continues':
      return continuation.turn === turn - 1 ? null : `Continues turn ${continuation.turn}.`;
    case 'branches':
      return `Branches off after turn ${continuation.turn}, without the ${toCounted(continuation.dropped, 'message')} that turn ${continuation.other} had after it.`;
    case 'edits':
      return `**History was edited or condensed here** (${toCounted(continuation.dropped, 'message')} dropped, ${fresh} new), compared with turn ${continuation.turn}.`;
  }
}

function findChange(
  prompts: readonly { readonly turn: number; readonly text: string }[],
  text: string,
): { turn: number; linesBefore: number; changed: string; linesAfter: number } | null {
  let best: ReturnType<typeof findChange> = null;
  for (const prompt of prompts.toReversed()) {
    const change = toChangedLines(prompt.text, text);
    if (change === null) continue;
    if (best === null || change.changed.length < best.changed.length) {
      best = { turn: prompt.turn, ...change };
    }
  }
  return best;
}
