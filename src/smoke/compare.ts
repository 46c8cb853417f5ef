/** Compares what LiteLLM, Langfuse and MLflow say of the one call. Pure. */
import type { Generation } from '../litellm/generation.ts';
import type { GatewayAnswer } from './send-request.ts';

/** One call as one place tells it; null is unknown. */
export interface Seen {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly costUsd: number | null;
}

export const seenByLitellm = (answer: GatewayAnswer): Seen => ({
  promptTokens: answer.promptTokens,
  completionTokens: answer.completionTokens,
  costUsd: answer.costUsd,
});

/** What the worker understands of the row, since each LiteLLM build and callback tells tokens and cost in its own way. */
export const seenByLangfuse = (row: Generation): Seen => ({
  promptTokens: row.tokens?.promptTokens ?? null,
  completionTokens: row.tokens?.completionTokens ?? null,
  costUsd: row.costUsd,
});

export const seenByMlflow = (metrics: Readonly<Record<string, number>>): Seen => ({
  promptTokens: metrics['prompt_tokens'] ?? null,
  completionTokens: metrics['completion_tokens'] ?? null,
  costUsd: metrics['cost_usd'] ?? null,
});

/** A cost that was added up, or sent as text, is the same to this share. */
const costTolerance = 1e-9;

/**
 * What differs, in words; empty where the two agree. A cost is compared where both know one; tokens that LiteLLM
 * answered must be known to the other too.
 */
export function differences(
  expected: { readonly place: string; readonly seen: Seen },
  found: { readonly place: string; readonly seen: Seen },
): string[] {
  const problems: string[] = [];
  const compare = (what: string, field: 'promptTokens' | 'completionTokens'): void => {
    const wanted = expected.seen[field];
    const got = found.seen[field];
    if (wanted === null || wanted === got) return;
    problems.push(`${found.place} has ${got ?? 'no'} ${what}, ${expected.place} has ${wanted}`);
  };
  compare('prompt tokens', 'promptTokens');
  compare('completion tokens', 'completionTokens');
  const wantedCost = expected.seen.costUsd;
  const cost = found.seen.costUsd;
  if (wantedCost !== null && cost !== null) {
    const difference = Math.abs(wantedCost - cost);
    if (difference > costTolerance * Math.max(Math.abs(wantedCost), Math.abs(cost))) {
      problems.push(`${found.place} has a cost of $${cost}, ${expected.place} of $${wantedCost}`);
    }
  } else if (wantedCost !== null && wantedCost > 0) {
    problems.push(`${found.place} has no cost, ${expected.place} has $${wantedCost}`);
  }
  return problems;
}

/** `12 prompt + 3 completion tokens, $0.0001`. */
export function renderSeen(seen: Seen): string {
  const tokens =
    seen.promptTokens === null || seen.completionTokens === null
      ? 'tokens unknown'
      : `${seen.promptTokens} prompt + ${seen.completionTokens} completion tokens`;
  return `${tokens}, ${seen.costUsd === null ? 'cost unknown' : `$${seen.costUsd}`}`;
}
