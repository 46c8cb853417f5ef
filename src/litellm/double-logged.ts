/**
 * One call that is there twice: logged by the sync and the async callback (BerriAI/litellm#7477, #8581), or by
 * `langfuse_otel` once for the request and once for the provider (BerriAI/litellm#14020, #25720;
 * langfuse/langfuse#9344).
 */
import type { Generation, ResolvedGeneration } from './generation.ts';
import { isSameOrUnknown } from './request-grouping.ts';
import { byStart } from './trace-order.ts';

const maxStartGapMs = 1_000;

/** Identity of a generation as one string: trace id and id around a NUL, which neither can hold. */
export function identityOf(row: { readonly traceId: string; readonly id: string }): string {
  return `${row.traceId}\u0000${row.id}`;
}

/** The parts of an {@link identityOf}; trace ids hold no NUL. */
export function parseIdentity(identity: string): { readonly traceId: string; readonly id: string } {
  const at = identity.indexOf('\u0000');
  return { traceId: identity.slice(0, at), id: identity.slice(at + 1) };
}

/**
 * The keys under which the double of a generation would be found: its response id and its call id, over all
 * traces; for a span of `langfuse_otel` that has neither, its trace.
 */
export function doubleLogKey(generation: Generation): string[] {
  const keys: string[] = [];
  if (generation.responseId !== null) keys.push(`response:${generation.responseId}`);
  if (generation.callId !== null) keys.push(`call:${generation.callId}`);
  const isBareSpan =
    keys.length === 0 && generation.callback === 'langfuse_otel' && generation.traceId !== '';
  return isBareSpan ? [`trace:${generation.traceId}`] : keys;
}

/**
 * Which of the candidates to drop, as {@link identityOf}s. Doubles share a key, the model, the outcome, their
 * totals (or one of them has none), and start within a second. Of doubles the one with LiteLLM's cost is kept,
 * then the most complete, the earliest, the one with the smallest id. Neither the order of the candidates nor
 * unrelated candidates change the answer. A cache hit repeats the response id of another call and is a double
 * only of its own row.
 */
export function findDoubleLogged(candidates: readonly Generation[]): Set<string> {
  const completeness = new Map(
    candidates.map((candidate) => [candidate, toCompleteness(candidate)]),
  );
  const byPreference = (a: Generation, b: Generation): number =>
    costRank[a.costSource] - costRank[b.costSource] ||
    Number(a.tokens === null) - Number(b.tokens === null) ||
    (completeness.get(b) ?? 0) - (completeness.get(a) ?? 0) ||
    byStart(a, b);

  // By key and second of start: doubles are in the same second or a neighbouring one.
  const kept = new Map<string, Generation[]>();
  const dropped = new Set<string>();
  for (const candidate of candidates.toSorted(byPreference)) {
    const keys = doubleLogKey(candidate);
    const second = Math.floor(candidate.startMs / maxStartGapMs);
    const near = keys.flatMap((key) =>
      [second - 1, second, second + 1].flatMap((at) => kept.get(`${at} ${key}`) ?? []),
    );
    if (near.some((other) => isDouble(other, candidate))) {
      dropped.add(identityOf(candidate));
      continue;
    }
    for (const key of keys) {
      const place = `${second} ${key}`;
      const others = kept.get(place);
      if (others === undefined) kept.set(place, [candidate]);
      else others.push(candidate);
    }
  }
  return dropped;
}

function isDouble(a: Generation, b: Generation): boolean {
  if (identityOf(a) === identityOf(b)) return false;
  if (a.isError !== b.isError || a.isCacheHit !== b.isCacheHit) return false;
  if (a.model !== b.model && a.modelRaw !== null && b.modelRaw !== null) return false;
  if (Math.abs(a.startMs - b.startMs) > maxStartGapMs) return false;
  if (a.tokens !== null && b.tokens !== null && a.tokens.totalTokens !== b.tokens.totalTokens)
    return false;
  if (!isSameOrUnknown(a.callId, b.callId)) return false;
  // Attempts of one call follow each other and equal requests answered from the cache repeat one response id:
  // only what happened at the same time happened once.
  if (a.isError || a.isCacheHit || a.callback === 'langfuse_otel') {
    if (!isOverlapping(a, b)) return false;
  }
  return !a.isCacheHit || a.traceId === b.traceId;
}

function isOverlapping(a: Generation, b: Generation): boolean {
  if (a.startMs === b.startMs) return true;
  const [early, late] = a.startMs < b.startMs ? [a, b] : [b, a];
  return early.endMs === null || late.startMs < early.endMs;
}

const costRank = {
  provided: 0,
  langfuse_estimate: 1,
  estimate: 2,
  not_billed: 3,
  unknown: 4,
} as const;

/**
 * How much a row says of itself. What its trace or a reading of its text adds does not count: a row that is read again
 * would else lose to its double that was resolved before, and the other way round in the next window.
 */
function toCompleteness(generation: Generation): number {
  const said = Object.entries(generation).filter(
    ([field, value]) => value !== null && !addedLater.has(field),
  ).length;
  return (
    said +
    Number(generation.sessionSource === 'session_id') +
    Number(generation.userSource === 'user_id')
  );
}

const addedLater: ReadonlySet<string> = new Set<keyof ResolvedGeneration>([
  'sessionId',
  'sessionSource',
  'userId',
  'userSource',
  'toolCalls',
  'requestId',
  'isFinalAttempt',
]);
