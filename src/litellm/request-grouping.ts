/**
 * Attempts and requests. A row of LiteLLM is one attempt; a request is one call of a client, which LiteLLM's
 * router may answer after retries and fallbacks, each of them a row.
 */
import type { Generation } from './generation.ts';
import { byStart, compareText } from './trace-order.ts';

/** A router's wait between attempts is seconds; a client that comes back later makes a new request. */
const maxRetryGapMs = 30_000;

export interface RequestPlace {
  readonly requestId: string;
  readonly isFinalAttempt: boolean;
}

/**
 * The request of each generation of one trace. Attempts with the same call id are one request. Beside that, a
 * failed attempt and the next attempt of the trace that starts within 30 s of its end are one, unless call id,
 * key or call type say that they are not, or the next one is a cache hit. `requestId` is
 * `<traceId>/<id of its first attempt>`.
 */
export function groupRequests(
  generations: readonly Generation[],
): ReadonlyMap<Generation, RequestPlace> {
  const attempts = generations.toSorted(byAttempt);
  const groups = new Map<Generation, Generation[]>(attempts.map((attempt) => [attempt, [attempt]]));
  const join = (a: Generation, b: Generation): void => {
    const [into, from] = [groups.get(a) ?? [], groups.get(b) ?? []];
    if (into === from) return;
    into.push(...from);
    for (const attempt of from) groups.set(attempt, into);
  };

  const firstByCall = new Map<string, Generation>();
  for (const attempt of attempts) {
    if (attempt.callId === null) continue;
    const first = firstByCall.get(attempt.callId);
    if (first === undefined) firstByCall.set(attempt.callId, attempt);
    else join(first, attempt);
  }
  attempts.forEach((attempt, position) => {
    const next = attempt.isError ? findNextAttempt(attempts, position) : undefined;
    if (next !== undefined) join(attempt, next);
  });

  const places = new Map<Generation, RequestPlace>();
  for (const group of new Set(groups.values())) {
    const ordered = group.toSorted(byAttempt);
    const first = ordered[0];
    const last = ordered.at(-1);
    if (first === undefined) continue;
    const requestId = `${first.traceId}/${first.id}`;
    for (const attempt of ordered)
      places.set(attempt, { requestId, isFinalAttempt: attempt === last });
  }
  return places;
}

/** Of rows that start together the failed one is the earlier attempt. */
function byAttempt(a: Generation, b: Generation): number {
  return a.startMs - b.startMs || Number(b.isError) - Number(a.isError) || byStart(a, b);
}

function findNextAttempt(
  attempts: readonly Generation[],
  position: number,
): Generation | undefined {
  const failed = attempts[position];
  // Langfuse 2.x has observations without a trace: they share nothing.
  if (failed === undefined || failed.traceId === '') return undefined;
  const failedEndMs = failed.endMs ?? failed.startMs;
  for (let later = position + 1; later < attempts.length; later += 1) {
    const next = attempts[later];
    if (next === undefined || next.startMs - failedEndMs > maxRetryGapMs) return undefined;
    if (next.startMs >= failedEndMs && mayContinue(failed, next)) return next;
  }
  return undefined;
}

function mayContinue(failed: Generation, next: Generation): boolean {
  return (
    !next.isCacheHit &&
    isSameOrUnknown(failed.callId, next.callId) &&
    isSameOrUnknown(failed.keyHash, next.keyHash) &&
    isSameOrUnknown(failed.callType, next.callType)
  );
}

export function isSameOrUnknown(a: string | null, b: string | null): boolean {
  return a === null || b === null || compareText(a, b) === 0;
}
