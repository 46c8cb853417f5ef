import { renderTranscript, type TranscriptTurn } from '../../src/report/transcript.ts';
import type { StoredContent } from '../../src/store/contents.ts';
import type { Fact } from '../../src/store/fact.ts';
import { aFact } from '../support/a-fact.ts';

let made = 0;

/** A turn of a call with an id of its own. */
export function aTurn(content: StoredContent | null, parts: Partial<Fact> = {}): TranscriptTurn {
  made += 1;
  return { fact: aFact({ id: `generation-${made}`, ...parts }), content };
}

export function render(
  turns: Iterable<TranscriptTurn>,
  limits: Parameters<typeof renderTranscript>[0]['limits'] = {},
  url = 'https://langfuse.example/project/p/sessions/session-1',
): string {
  return renderTranscript({ sessionId: 'session-1', url, turns, limits });
}

/** The part of a transcript that tells turn `number`. */
export function turnOf(transcript: string, number: number): string {
  return transcript.split(/^## Turn \d+ .*$/m)[number] ?? '';
}

export function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}
