/** The messages met so far in a session, each once, however often requests resend them. */
import { hashText } from '../shared/hash.ts';
import type { StoredMessage } from '../store/contents.ts';
import { isRedacted, toMessageView, toSignature, type MessageView } from './message-view.ts';

/** One distinct message. */
export interface KnownMessage {
  readonly id: number;
  readonly role: string;
  readonly isSystem: boolean;
  /** Made by a model or a tool: two threads do not have the same one by chance. */
  readonly isAgentMade: boolean;
  readonly isRedacted: boolean;
  /** Nothing to show, and so nothing to refer to. */
  readonly isEmpty: boolean;
  /** A number or a list, as embedding calls send tokens. */
  readonly isBare: boolean;
  /** The turn that showed it; null until then. */
  shownInTurn: number | null;
}

export interface MetMessage {
  readonly known: KnownMessage;
  /** Its body. */
  readonly view: () => MessageView;
}

export interface MessageRegistry {
  /** Reads the body only when its hash is new. */
  ofStored(stored: StoredMessage): MetMessage;
  ofView(view: MessageView): MetMessage;
}

export function createMessageRegistry(): MessageRegistry {
  const byHash = new Map<string, KnownMessage>();
  const bySignature = new Map<string, KnownMessage>();

  const know = (view: MessageView, isBare: boolean): KnownMessage => {
    const signature = hashText(toSignature(view)).toString('latin1');
    const found = bySignature.get(signature);
    if (found !== undefined) return found;
    const known: KnownMessage = {
      id: bySignature.size,
      role: view.role,
      isSystem: view.role === 'system' || view.role === 'developer',
      isAgentMade: isAgentMade(view),
      isRedacted: isRedacted(view),
      isEmpty: view.parts.length === 0,
      isBare,
      shownInTurn: null,
    };
    bySignature.set(signature, known);
    return known;
  };

  return {
    ofStored: (stored) => {
      const found = byHash.get(stored.hash);
      if (found !== undefined) {
        return { known: found, view: () => toMessageView(stored.message, 'input') };
      }
      const { message } = stored;
      const view = toMessageView(message, 'input');
      const isBare =
        typeof message !== 'string' && (typeof message !== 'object' || Array.isArray(message));
      const known = know(view, isBare);
      byHash.set(stored.hash, known);
      return { known, view: () => view };
    },
    ofView: (view) => ({ known: know(view, false), view: () => view }),
  };
}

const agentRoles: ReadonlySet<string> = new Set(['assistant', 'model', 'tool', 'function']);

function isAgentMade(view: MessageView): boolean {
  return (
    agentRoles.has(view.role) ||
    view.parts.some((part) => part.kind === 'tool_call' || part.kind === 'tool_result')
  );
}
