import type { Fact } from '../store/fact.ts';
import { numberAttempts } from './attempts.ts';
import { byTime, toAttemptKey, toKeyText, toStatus, toTeamText, toTimeText } from './fact-text.ts';
import { renderRows, type Column } from './table.ts';

/**
 * `requests.json`: one row per attempt in order of time, times ISO UTC, costs in USD at full precision, unknown
 * null. `attempt` counts within the request and is null where its first attempt is not among `facts`. When
 * `total` is more than the rows given, a last row says how many are missing.
 */
export function renderRequestsTable(
  facts: readonly Fact[],
  options: { readonly total: number },
): Uint8Array {
  const numbers = numberAttempts(facts);
  const columns: readonly Column<Fact>[] = [
    { name: 'time', cell: (fact) => toTimeText(fact.start_ms) },
    { name: 'model', cell: (fact) => fact.model },
    { name: 'status', cell: toStatus },
    { name: 'error_class', cell: (fact) => fact.error_class },
    { name: 'latency_ms', cell: (fact) => fact.latency_ms },
    { name: 'time_to_first_token_ms', cell: (fact) => fact.time_to_first_token_ms },
    { name: 'prompt_tokens', cell: (fact) => fact.prompt_tokens },
    { name: 'completion_tokens', cell: (fact) => fact.completion_tokens },
    { name: 'total_tokens', cell: (fact) => fact.total_tokens },
    { name: 'cache_read_tokens', cell: (fact) => fact.cache_read_tokens },
    { name: 'cache_write_tokens', cell: (fact) => fact.cache_write_tokens },
    { name: 'reasoning_tokens', cell: (fact) => fact.reasoning_tokens },
    { name: 'cost_usd', cell: (fact) => fact.cost_usd },
    { name: 'cost_source', cell: (fact) => fact.cost_source },
    { name: 'session_id', cell: (fact) => fact.session_id },
    { name: 'user', cell: (fact) => fact.user_id },
    { name: 'key', cell: toKeyText },
    { name: 'team', cell: toTeamText },
    { name: 'client_tool', cell: (fact) => fact.client_tool },
    { name: 'attempt', cell: (fact) => numbers.get(toAttemptKey(fact)) ?? null },
    { name: 'last_attempt', cell: (fact) => fact.is_final_attempt === 1 },
    { name: 'request_id', cell: (fact) => fact.request_id },
    { name: 'stream', cell: (fact) => fact.is_streaming === 1 },
    { name: 'cache_hit', cell: (fact) => fact.is_cache_hit === 1 },
    { name: 'trace_id', cell: (fact) => fact.trace_id },
    { name: 'observation_id', cell: (fact) => fact.id },
  ];
  return renderRows({ columns, rows: facts.toSorted(byTime), total: options.total });
}
