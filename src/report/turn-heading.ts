/** What is known of one call beside its text, as a heading and a line of numbers. */
import { toCount, toDuration, toUsd } from '../runs/note.ts';
import type { Fact } from '../store/fact.ts';
import { toAttemptKey, toTimeText } from './fact-text.ts';
import { renderCodeSpan } from './markdown-fence.ts';

/** `2026-11-24 10:02:41.552 UTC`. */
export function toReadableTime(instantMs: number): string {
  const iso = toTimeText(instantMs);
  return iso === null ? 'time unknown' : `${iso.replace('T', ' ').replace('Z', '')} UTC`;
}

/** Heading, numbers and ids of turn `number`. Unknown is said. */
export function renderTurnHeading(number: number, fact: Fact): string[] {
  const speed = [
    fact.latency_ms === null ? 'duration unknown' : toDuration(fact.latency_ms),
    fact.time_to_first_token_ms === null
      ? null
      : `first token after ${toDuration(fact.time_to_first_token_ms)}`,
  ];
  const numbers = [toTokensText(fact), toCostText(fact), ...speed, toCacheText(fact)];
  return [
    `## Turn ${number} · ${toReadableTime(fact.start_ms)} · ${renderCodeSpan(fact.model)}`,
    numbers.filter((text) => text !== null).join(' · '),
    `trace ${renderCodeSpan(fact.trace_id)} · observation ${renderCodeSpan(fact.id)}`,
  ];
}

/** The attempts of a request that a transcript has told so far. */
export interface EarlierAttempts {
  readonly count: number;
  readonly lastTurn: number;
}

/** Where an attempt stands in its request; null for a request of one attempt. */
export function renderAttempt(fact: Fact, earlier: EarlierAttempts | null): string | null {
  const later = 'A later attempt of a request whose first attempt is not in this transcript.';
  const parts = [
    earlier === null
      ? fact.request_id === toAttemptKey(fact)
        ? null
        : later
      : `Attempt ${earlier.count + 1} of its request, after turn ${earlier.lastTurn}.`,
    fact.is_final_attempt === 1 ? null : 'Another attempt followed.',
  ].filter((text) => text !== null);
  return parts.length === 0 ? null : parts.join(' ');
}

function toTokensText(fact: Fact): string {
  if (fact.prompt_tokens === null && fact.completion_tokens === null) {
    return fact.total_tokens === null ? 'tokens unknown' : `${toCount(fact.total_tokens)} tokens`;
  }
  const input = [
    toPartCount(fact.cache_read_tokens, 'from cache'),
    toPartCount(fact.cache_write_tokens, 'written to cache'),
  ];
  const output = [toPartCount(fact.reasoning_tokens, 'reasoning')];
  return `${toWhole(fact.prompt_tokens, 'tokens in', input)}, ${toWhole(fact.completion_tokens, 'out', output)}`;
}

function toWhole(tokens: number | null, what: string, parts: readonly (string | null)[]): string {
  const shown = parts.filter((part) => part !== null).join(', ');
  const whole = tokens === null ? 'unknown' : toCount(tokens);
  return `${whole} ${what}${shown === '' ? '' : ` (${shown})`}`;
}

function toPartCount(count: number | null, what: string): string | null {
  return count === null || count === 0 ? null : `${toCount(count)} ${what}`;
}

function toCostText(fact: Fact): string {
  if (fact.cost_usd === null) return 'cost unknown';
  if (fact.cost_source === 'not_billed') return 'not billed';
  return `${toUsd(fact.cost_usd)}${estimates[fact.cost_source] ?? ''}`;
}

function toCacheText(fact: Fact): string | null {
  return fact.is_cache_hit === 1 ? "answered from the gateway's cache" : null;
}

/** Said behind a cost that is not LiteLLM's own. */
const estimates: Readonly<Record<string, string>> = {
  langfuse_estimate: " (Langfuse's estimate)",
  estimate: ' (estimate by a price of the settings file)',
};
