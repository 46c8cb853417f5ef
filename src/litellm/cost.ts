/**
 * What a call cost, and who says so. Langfuse stores exactly `{total}` where a client gave the cost, and one
 * entry per usage key plus `total` where it multiplied its own price table; `{}` is unknown.
 * Sources: Langfuse IngestionService (`calculateUsageCosts`), LiteLLM langfuse.py.
 */
import { own, toNonNegative } from './coerce.ts';
import type { CostSource } from './generation.ts';
import type { RowMetadata } from './row-metadata.ts';
import { isAllZero } from './tokens.ts';

export interface Cost {
  readonly costUsd: number | null;
  readonly costSource: CostSource;
  readonly savedCostUsd: number | null;
}

interface CostRow {
  readonly costDetails: Readonly<Record<string, number>>;
  readonly usageDetails: Readonly<Record<string, number>>;
  /** Langfuse 2.x only. */
  readonly calculatedTotalCostUsd: number | null;
  readonly metadata: RowMetadata;
  readonly isError: boolean;
  readonly isCacheHit: boolean;
}

/** Cost in USD with its source. LiteLLM's word beats Langfuse's estimate; unknown is null, never 0. */
export function toCost(row: CostRow): Cost {
  const stored = toStoredCost(row.costDetails);
  const provided = stored?.isProvided === true ? stored.costUsd : null;

  if (row.isCacheHit) {
    // BerriAI/litellm#3762: a price on a proxy cache hit is what the provider would have taken. Newer builds give 0
    // as the cost and leave that price in `hidden_params` alone.
    const saved =
      toUsd(row.metadata.get('saved_cache_cost')) ||
      provided ||
      toLiteLLMCost(row.metadata) ||
      toUsd(own(row.metadata.hiddenParams, 'response_cost'));
    return notBilled({ savedCostUsd: saved || null });
  }
  if (row.isError) {
    // BerriAI/litellm#4604: failures were priced like successes; only an explicit price is believed.
    return provided !== null && provided > 0
      ? known(provided, 'provided')
      : notBilled({ savedCostUsd: null });
  }

  const cost = toCostOfSuccess({ row, provided, estimated: stored?.costUsd ?? null });
  // The price of no tokens at all (BerriAI/litellm#8349): that 0 is as unknown as the tokens.
  return cost.costUsd === 0 && isAllZero(row.usageDetails) ? unknown : cost;
}

function toCostOfSuccess(candidates: {
  readonly row: CostRow;
  readonly provided: number | null;
  readonly estimated: number | null;
}): Cost {
  const { row, provided, estimated } = candidates;
  const fromLiteLLM = provided ?? toLiteLLMCost(row.metadata);
  if (fromLiteLLM !== null) return known(fromLiteLLM, 'provided');
  // Langfuse 2.x keeps one number and not whose it is.
  const fromLangfuse = estimated ?? toUsd(row.calculatedTotalCostUsd);
  return fromLangfuse === null ? unknown : known(fromLangfuse, 'langfuse_estimate');
}

const unknown: Cost = { costUsd: null, costSource: 'unknown', savedCostUsd: null };

function known(costUsd: number, costSource: CostSource): Cost {
  return { costUsd, costSource, savedCostUsd: null };
}

function notBilled(cost: { readonly savedCostUsd: number | null }): Cost {
  return { costUsd: 0, costSource: 'not_billed', savedCostUsd: cost.savedCostUsd };
}

function toStoredCost(
  costDetails: Readonly<Record<string, number>>,
): { readonly costUsd: number; readonly isProvided: boolean } | null {
  const keys = Object.keys(costDetails);
  if (keys.length === 0) return null;
  const total = toUsd(own(costDetails, 'total'));
  if (total !== null) return { costUsd: total, isProvided: keys.length === 1 };
  const parts = keys.map((key) => toUsd(own(costDetails, key))).filter((part) => part !== null);
  return parts.length === 0
    ? null
    : { costUsd: parts.reduce((a, b) => a + b, 0), isProvided: false };
}

/** A call above this is no call's cost, and sums with it would lose the cents of all others. */
const maxCostUsd = 1e9;

function toUsd(value: unknown): number | null {
  const costUsd = toNonNegative(value);
  return costUsd !== null && costUsd <= maxCostUsd ? costUsd : null;
}

/** The cost that LiteLLM left in the metadata. */
function toLiteLLMCost(metadata: RowMetadata): number | null {
  return (
    toUsd(metadata.get('litellm_response_cost')) ??
    toUsd(own(metadata.hiddenParams, 'response_cost')) ??
    toUsd(
      metadata.attribute(
        'litellm.cost.total',
        'gen_ai.usage.cost',
        'llm.cost.total',
        'llm.response.cost',
      ),
    )
  );
}
