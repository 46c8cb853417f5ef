/**
 * Which earlier turn a request continues, and which of its messages that history has not told yet.
 *
 * Agents resend the whole history, several threads may run in one session, and a history may be condensed on the
 * way. All histories seen so far form one tree whose edges are messages, so that a request finds its longest known
 * beginning in as many steps as it has messages, whatever number of threads there is.
 */
import type { KnownMessage } from './message-registry.ts';

export type Continuation =
  /** The first request of a thread. */
  | { readonly kind: 'starts' }
  /** The whole input of `turn` again: a retry, or a second answer to the same. */
  | { readonly kind: 'repeats'; readonly turn: number }
  /** `turn` and what came after it. */
  | { readonly kind: 'continues'; readonly turn: number }
  /** As `continues`, where turn `other` had already gone on from there by `dropped` messages. */
  | {
      readonly kind: 'branches';
      readonly turn: number;
      readonly other: number;
      readonly dropped: number;
    }
  /** Goes on from `turn`, without `dropped` of its messages (its answer included). */
  | { readonly kind: 'edits'; readonly turn: number; readonly dropped: number };

export interface Placement {
  readonly continuation: Continuation;
  /** For each message of the input whether it is new in its thread. */
  readonly isNew: readonly boolean[];
}

export interface ConversationHistory {
  /** Places the input of `turn`; turns are numbered upwards. */
  place(turn: number, input: readonly KnownMessage[]): Placement;
  /** What the model answered in `turn`: the next request of its thread holds it. */
  addOutput(turn: number, output: readonly KnownMessage[]): void;
}

interface Node {
  /** Latest turn whose history goes through here. */
  passedBy: number;
  /** Latest turn whose input ends here, and whose answer does; -1 for none. */
  inputOf: number;
  outputOf: number;
  readonly next: Map<number, Node>;
}

export function createConversationHistory(): ConversationHistory {
  const root = createNode();
  const historyOf = new Map<number, KnownMessage[]>();
  const endOf = new Map<number, Node>();
  const lastTurnOf = new Map<number, number>();

  const extend = (turn: number, from: Node, messages: readonly KnownMessage[]): Node => {
    let node = from;
    for (const message of messages) {
      let next = node.next.get(message.id);
      if (next === undefined) {
        next = createNode();
        node.next.set(message.id, next);
      }
      next.passedBy = turn;
      node = next;
      lastTurnOf.set(message.id, turn);
    }
    endOf.set(turn, node);
    return node;
  };

  const longestKnown = (input: readonly KnownMessage[]): { node: Node; length: number } => {
    let node = root;
    let length = 0;
    for (const message of input) {
      const next = node.next.get(message.id);
      if (next === undefined) break;
      node = next;
      length += 1;
    }
    return { node, length };
  };

  const edit = (base: number, input: readonly KnownMessage[]): Placement => {
    const history = historyOf.get(base) ?? [];
    const left = new Map<number, number>();
    for (const { id } of history) left.set(id, (left.get(id) ?? 0) + 1);
    const isNew = input.map(({ id }) => {
      const count = left.get(id) ?? 0;
      left.set(id, count - 1);
      return count <= 0;
    });
    const kept = isNew.filter((isFresh) => !isFresh).length;
    const dropped = history.length - kept;
    return { continuation: { kind: 'edits', turn: base, dropped }, isNew };
  };

  const decide = (input: readonly KnownMessage[]): Placement => {
    const { node, length } = longestKnown(input);
    const isNew = input.map((_message, position) => position >= length);
    const end = Math.max(node.inputOf, node.outputOf);
    if (length === 0 && input.length === 0) return { continuation: { kind: 'starts' }, isNew };
    if (length === input.length) {
      if (node.inputOf >= 0)
        return { continuation: { kind: 'repeats', turn: node.inputOf }, isNew };
      if (node.outputOf >= 0) {
        return { continuation: { kind: 'continues', turn: node.outputOf }, isNew };
      }
      return edit(node.passedBy, input);
    }
    if (length > 0 && end >= 0 && end === node.passedBy) {
      return { continuation: { kind: 'continues', turn: end }, isNew };
    }
    const kept = input
      .slice(length)
      .findLast(({ id, isAgentMade }) => isAgentMade && lastTurnOf.has(id));
    const keptFrom = kept === undefined ? undefined : lastTurnOf.get(kept.id);
    if (keptFrom !== undefined) return edit(keptFrom, input);
    // Where the answer of a turn is left out too, its thread was condensed to its beginning.
    if (node.outputOf >= 0) {
      const other = node.passedBy;
      const dropped = (historyOf.get(other)?.length ?? length) - length;
      return { continuation: { kind: 'branches', turn: node.outputOf, other, dropped }, isNew };
    }
    if (input.slice(0, length).some((message) => !message.isSystem))
      return edit(node.passedBy, input);
    return { continuation: { kind: 'starts' }, isNew: input.map(() => true) };
  };

  return {
    place: (turn, input) => {
      const placement = decide(input);
      extend(turn, root, input).inputOf = turn;
      historyOf.set(turn, [...input]);
      return placement;
    },
    addOutput: (turn, output) => {
      extend(turn, endOf.get(turn) ?? root, output).outputOf = turn;
      historyOf.get(turn)?.push(...output);
    },
  };
}

function createNode(): Node {
  return { passedBy: -1, inputOf: -1, outputOf: -1, next: new Map() };
}
