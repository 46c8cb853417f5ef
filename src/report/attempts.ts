/** Which attempt of its request a row is. */
import type { Fact } from '../store/fact.ts';
import { byTime, toAttemptKey } from './fact-text.ts';

/**
 * Number of each attempt within its request, by {@link toAttemptKey}, counted over `facts`. A request id names
 * its first attempt; where that one is not among `facts` (another model, another window) the number is unknown
 * and absent.
 */
export function numberAttempts(facts: readonly Fact[]): ReadonlyMap<string, number> {
  const present = new Set(facts.map(toAttemptKey));
  const counts = new Map<string, number>();
  const numbers = new Map<string, number>();
  for (const fact of facts.toSorted(byTime)) {
    if (!present.has(fact.request_id)) continue;
    const number = (counts.get(fact.request_id) ?? 0) + 1;
    counts.set(fact.request_id, number);
    numbers.set(toAttemptKey(fact), number);
  }
  return numbers;
}

/**
 * How the request of each failed attempt ended, as far as `facts` tell: `true` when its last attempt succeeded,
 * `false` when that failed too. Requests whose last attempt is not among `facts` are absent.
 */
export function outcomes(facts: readonly Fact[]): ReadonlyMap<string, boolean> {
  return new Map(
    facts
      .filter((fact) => fact.is_final_attempt === 1)
      .map((fact) => [fact.request_id, fact.is_error === 0]),
  );
}
