import type { StoredContent } from '../store/contents.ts';
import type { Fact } from '../store/fact.ts';
import { toAttemptKey } from './fact-text.ts';
import { toCounted } from './counted.ts';
import { createSessionSums } from './session-head.ts';
import { renderAttempt, renderTurnHeading, type EarlierAttempts } from './turn-heading.ts';
import { createTurnTeller } from './turn-text.ts';

export interface TranscriptLimits {
  /** Of one message. */
  readonly messageCharacters: number;
  /** Of the whole transcript in UTF-8, but for its head and its last line. */
  readonly bytes: number;
}

export const defaultTranscriptLimits: TranscriptLimits = {
  messageCharacters: 20_000,
  bytes: 2_000_000,
};

export interface TranscriptTurn {
  readonly fact: Fact;
  /** Null where the text was not read. A message's body is looked at only when its hash is new. */
  readonly content: StoredContent | null;
}

/**
 * `transcript.md`: one agent session for reading, as Markdown. A message that a request resends is not shown again;
 * an edited or condensed history is marked, and threads that run side by side are told apart. All text of others
 * stands in fences or code spans. What is cut or not read is said. `turns` come in order of time and may be made
 * lazily.
 */
export function renderTranscript(session: {
  readonly sessionId: string;
  /** Where Langfuse shows the session. */
  readonly url: string;
  readonly turns: Iterable<TranscriptTurn>;
  /** Of which calls text is kept, as it is set; default `all`. */
  readonly textMode?: string;
  readonly limits?: Partial<TranscriptLimits>;
}): string {
  const limits = { ...defaultTranscriptLimits, ...session.limits };
  const teller = createTurnTeller(limits.messageCharacters, toMissingText(session.textMode));
  const sums = createSessionSums();
  const attempts = new Map<string, EarlierAttempts>();
  const blocks: string[] = [];
  let bytes = 0;
  let number = 0;
  let cutInTurn: number | null = null;
  let textMissing = 0;

  for (const { fact, content } of session.turns) {
    number += 1;
    sums.add(fact);
    textMissing += Number(content === null);
    if (cutInTurn !== null) continue;
    const earlier = attempts.get(fact.request_id) ?? null;
    const attempt = renderAttempt(fact, earlier);
    if (earlier !== null || fact.request_id === toAttemptKey(fact)) {
      attempts.set(fact.request_id, { count: (earlier?.count ?? 0) + 1, lastTurn: number });
    }
    const told = concat(
      renderTurnHeading(number, fact),
      attempt === null ? [] : [attempt],
      teller.tell({ number, fact, content }),
    );
    for (const block of told) {
      const size = Buffer.byteLength(block) + 2;
      if (bytes + size > limits.bytes) {
        cutInTurn = number;
        break;
      }
      bytes += size;
      blocks.push(block);
    }
  }

  const head = sums.render({
    sessionId: session.sessionId,
    url: session.url,
    textMissing,
    textMode: session.textMode ?? 'all',
    masked: countMarks(blocks),
  });
  const end =
    cutInTurn === null
      ? []
      : [
          `**The transcript is cut here** at its limit of ${toCounted(limits.bytes, 'byte')}. Not shown: the rest of turn ${cutInTurn} and ${toCounted(number - cutInTurn, 'more turn')}.`,
        ];
  return `${[...head, ...blocks, ...end].join('\n\n')}\n`;
}

function toMissingText(textMode = 'all'): string {
  return textMode === 'all'
    ? 'The text of this call was not read.'
    : `The text of this call is not kept (SYNC_CONTENT=${textMode}).`;
}

/** What was masked in the text that is shown, by kind. */
function countMarks(blocks: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const block of blocks) {
    for (const [, kind = ''] of block.matchAll(/\[redacted: ([^\]\n]{1,64})\]/g)) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
  }
  return counts;
}

function* concat(...lists: readonly Iterable<string>[]): Generator<string> {
  for (const list of lists) yield* list;
}
