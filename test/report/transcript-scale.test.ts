/** A 200-request agent session whose history grows to 150,000 tokens: each message once, small, and little work. */
import { describe, expect, it } from 'vitest';
import { renderTranscript, type TranscriptTurn } from '../../src/report/transcript.ts';
import type { StoredMessage } from '../../src/store/contents.ts';
import { aFact } from '../support/a-fact.ts';
import { aContent, answer, system, user } from './a-content.ts';
import { countOf } from './a-transcript.ts';

const requests = 200;
const charactersPerToken = 4;
const historyTokens = 150_000;
const systemCharacters = 40_000;
/** What one request adds: an answer with a call, and its result. */
const stepCharacters = (historyTokens * charactersPerToken - systemCharacters) / requests;

interface Reads {
  hashes: number;
  bodies: number;
}

/** The body of a message that says when it is looked at. */
function counted(stored: StoredMessage, reads: Reads): StoredMessage {
  return {
    get hash() {
      reads.hashes += 1;
      return stored.hash;
    },
    get message() {
      reads.bodies += 1;
      return stored.message;
    },
  };
}

function filler(mark: string, characters: number): string {
  return `${mark}\n${'some words of a source file, as agents read them\n'.repeat(Math.ceil(characters / 49))}`.slice(
    0,
    characters,
  );
}

function aSession(options: { readonly condenseAt: number | null; readonly reads: Reads }): {
  turns: TranscriptTurn[];
  marks: string[];
  naiveCharacters: number;
  sentMessages: number;
  distinctMessages: number;
} {
  const marks: string[] = ['<system>', '<task>'];
  let history: unknown[] = [
    system(filler('<system>', systemCharacters / 4)),
    user(filler('<task>', 400)),
  ];
  const turns: TranscriptTurn[] = [];
  let naiveCharacters = 0;
  let sentMessages = 0;
  const hashes = new Set<string>();
  for (let number = 1; number <= requests; number += 1) {
    if (number === options.condenseAt) {
      marks.push('<summary>');
      history = [...history.slice(0, 2), user(filler('<summary>', 800)), ...history.slice(-4)];
    }
    const call = {
      id: `call_${number}`,
      type: 'function',
      function: { name: 'read_file', arguments: `{"path":"<path-${number}>"}` },
    };
    const said = `<answer-${number}>`;
    marks.push(said, `<path-${number}>`, `<result-${number}>`);
    const output = { ...(answer(said) as object), tool_calls: [call] };
    const content = aContent(history, output);
    naiveCharacters += JSON.stringify(history).length;
    sentMessages += history.length;
    for (const { hash } of content.messages ?? []) hashes.add(hash);
    turns.push({
      fact: aFact({ id: `g-${number}`, start_ms: Date.UTC(2026, 10, 24) + number * 60_000 }),
      content: {
        ...content,
        messages: content.messages?.map((stored) => counted(stored, options.reads)) ?? null,
      },
    });
    history = [
      ...history,
      { role: 'assistant', content: said, tool_calls: [call] },
      {
        role: 'tool',
        tool_call_id: call.id,
        content: filler(`<result-${number}>`, stepCharacters),
      },
    ];
  }
  // The last result was never sent.
  return {
    turns,
    marks: marks.slice(0, -1),
    naiveCharacters,
    sentMessages,
    distinctMessages: hashes.size,
  };
}

describe.each([
  ['that only grows', null],
  ['that is condensed once', 120],
])('a long session with a history %s', (_case, condenseAt) => {
  const reads: Reads = { hashes: 0, bodies: 0 };
  const session = aSession({ condenseAt, reads });
  const transcript = renderTranscript({
    sessionId: 'long',
    url: 'https://langfuse.example/s',
    turns: session.turns,
  });

  it('shows every message exactly once, in order', () => {
    const counts = session.marks.map((mark) => countOf(transcript, mark));
    expect(counts.every((count) => count === 1)).toBe(true);
    const answers = session.marks
      .filter((mark) => mark.startsWith('<answer'))
      .map((mark) => transcript.indexOf(mark));
    expect(answers).toEqual(answers.toSorted((a, b) => a - b));
    expect(countOf(transcript, 'History was edited or condensed')).toBe(
      condenseAt === null ? 0 : 1,
    );
    expect(transcript).not.toMatch(/A new conversation|Branches off|already shown|same message/);
  });

  it('is a few hundred kilobytes, a small part of what was sent', () => {
    const bytes = Buffer.byteLength(transcript);
    expect(session.naiveCharacters).toBeGreaterThan(20_000_000);
    expect(bytes).toBeLessThan(800_000);
    expect(bytes).toBeLessThan(session.naiveCharacters / 25);
  });

  it('looks at each body once and at each hash a fixed number of times', () => {
    expect(reads.bodies).toBe(session.distinctMessages);
    expect(reads.hashes).toBeLessThanOrEqual(2 * session.sentMessages);
  });
});

it('takes many threads with a common beginning without comparing each with each', () => {
  const reads: Reads = { hashes: 0, bodies: 0 };
  const common = Array.from({ length: 300 }, (_message, index) => user(`common ${index}`));
  const turns = Array.from({ length: 300 }, (_turn, index): TranscriptTurn => {
    const content = aContent([...common, user(`branch ${index}`)], answer(`answer ${index}`));
    return {
      fact: aFact({ id: `g-${index}` }),
      content: {
        ...content,
        messages: content.messages?.map((stored) => counted(stored, reads)) ?? null,
      },
    };
  });
  const transcript = renderTranscript({ sessionId: 's', url: 'https://langfuse.example/s', turns });
  expect(countOf(transcript, 'common 299')).toBe(1);
  expect(reads.bodies).toBe(600);
  expect(reads.hashes).toBeLessThanOrEqual(2 * 300 * 301);
});
