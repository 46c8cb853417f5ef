/**
 * An independent count of what a Langfuse project holds, for tests to compare the product with. It shares
 * no code with the product on purpose: it asks a server over HTTP (oracle-rows.ts), and adds up in plain
 * loops by the rules that docs/litellm.md states. Read it from top to bottom.
 */
import {
  iso,
  objectOf,
  readOracleRows,
  textOf,
  type OracleRow,
  type OracleSource,
} from './oracle-rows.ts';

export interface OracleDistribution {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface OracleTotals {
  readonly requests: number;
  /** Requests whose last attempt failed. */
  readonly errors: number;
  readonly attempts: number;
  readonly failedAttempts: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly uncachedPromptTokens: number;
  readonly reasoningTokens: number;
  readonly costUsd: number;
  readonly costUnknownAttempts: number;
  /** Successful attempts without usable token counts. */
  readonly usageMissingAttempts: number;
  readonly latencyMs: OracleDistribution | null;
  readonly timeToFirstTokenMs: OracleDistribution | null;
}

/** One counted attempt, for comparing row by row. */
export interface OracleAttempt {
  readonly id: string;
  readonly traceId: string;
  readonly startMs: number;
  /** `(unknown)` where the row has none. */
  readonly model: string;
  readonly isError: boolean;
  readonly tokens: OracleTokens | null;
  readonly costUsd: number | null;
  readonly latencyMs: number | null;
  readonly timeToFirstTokenMs: number | null;
  readonly sessionId: string | null;
  /** Number of the request it belongs to, and whether it is its last attempt. */
  readonly request: number;
  readonly isFinal: boolean;
}

export interface OracleTokens {
  readonly prompt: number;
  readonly completion: number;
  readonly total: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly uncached: number;
  readonly reasoning: number;
}

export interface Oracle {
  readonly all: OracleTotals;
  /** By UTC day of start: `2026-11-02`. */
  readonly byDay: ReadonlyMap<string, OracleTotals>;
  /** By raw model name; a request counts for the model of its last attempt. */
  readonly byModel: ReadonlyMap<string, OracleTotals>;
  /** `2026-11-02 openai/gpt-5-mini`. */
  readonly byDayAndModel: ReadonlyMap<string, OracleTotals>;
  /** Calls with a session only. */
  readonly bySession: ReadonlyMap<string, OracleTotals>;
  readonly attempts: readonly OracleAttempt[];
  /** Rows that LiteLLM logged a second time. */
  readonly doubleLogged: number;
}

/** Reads a project and counts it. */
export async function readOracle(source: OracleSource): Promise<Oracle> {
  return computeOracle(await readOracleRows(source));
}

/** Everything counted over `rows` (newest versions, as {@link readOracleRows} gives them). */
export function computeOracle(rows: readonly OracleRow[]): Oracle {
  const generations = rows.filter(isGeneration).sort((a, b) => a.startMs - b.startMs);
  const kept = withoutDoubles(generations);
  const requestOf = groupRequests(kept);

  const lastOfRequest = new Map<number, OracleRow>();
  for (const row of kept) lastOfRequest.set(requestOf.get(row) ?? -1, row);
  const sessionOf = findSessions(kept, requestOf);

  const attempts: OracleAttempt[] = kept.map((row) => {
    const request = requestOf.get(row) ?? -1;
    const isError = row.level === 'ERROR';
    const latencyMs = isError ? null : latencyOf(row);
    return {
      id: row.id,
      traceId: row.traceId,
      startMs: row.startMs,
      model: row.model ?? '(unknown)',
      isError,
      tokens: isError ? null : tokensOf(row),
      costUsd: costOf(row),
      latencyMs,
      timeToFirstTokenMs: firstTokenOf(row, latencyMs),
      sessionId: sessionOf.get(row) ?? null,
      request,
      isFinal: lastOfRequest.get(request) === row,
    };
  });

  return {
    all: totalsOf(attempts),
    byDay: totalsBy(attempts, dayOf),
    byModel: totalsBy(attempts, (attempt) => attempt.model),
    byDayAndModel: totalsBy(attempts, (attempt) => `${dayOf(attempt)} ${attempt.model}`),
    bySession: totalsBy(attempts, (attempt) => attempt.sessionId),
    attempts,
    doubleLogged: generations.length - kept.length,
  };
}

const dayOf = (attempt: OracleAttempt): string => iso(attempt.startMs).slice(0, 10);

/** A row that LiteLLM wrote, of a type that is a call, with something to count. */
function isGeneration(row: OracleRow): boolean {
  if (row.type !== 'GENERATION' && row.type !== 'EMBEDDING') return false;
  const isLiteLlm =
    row.metadata['hidden_params'] !== undefined ||
    row.metadata['litellm_response_cost'] !== undefined ||
    objectOf(row.metadata['scope'])['name'] === 'litellm' ||
    objectOf(row.metadata['resourceAttributes'])['service.name'] === 'litellm';
  if (!isLiteLlm) return false;
  return row.model !== null || Object.keys(row.usage).length > 0 || row.level === 'ERROR';
}

const callIdOf = (row: OracleRow): string | null => textOf(row.metadata['litellm_call_id']);

function responseIdOf(row: OracleRow): string | null {
  const match = /^time-\d\d-\d\d-\d\d-\d+_(.+)$/.exec(row.id);
  return match?.[1] ?? textOf(row.metadata['response_id']);
}

/** Two callbacks may log one call: same response or call, same model, same totals, within a second. */
function withoutDoubles(sorted: readonly OracleRow[]): OracleRow[] {
  const kept: OracleRow[] = [];
  for (const row of sorted) {
    let isDouble = false;
    for (let i = kept.length - 1; i >= 0 && !isDouble; i--) {
      const other = kept[i];
      if (other === undefined || row.startMs - other.startMs > 1000) break;
      const sameCall =
        (responseIdOf(row) !== null && responseIdOf(row) === responseIdOf(other)) ||
        (callIdOf(row) !== null && callIdOf(row) === callIdOf(other));
      isDouble =
        sameCall &&
        row.level !== 'ERROR' &&
        other.level !== 'ERROR' &&
        row.model === other.model &&
        row.usage['total'] === other.usage['total'];
    }
    if (!isDouble) kept.push(row);
  }
  return kept;
}

/**
 * A request is what the client asked for. Its attempts share LiteLLM's call id where a row has one; else,
 * within a trace, a failed attempt and the next one that starts within 30 s belong together.
 */
function groupRequests(sorted: readonly OracleRow[]): Map<OracleRow, number> {
  const requestOf = new Map<OracleRow, number>();
  const byCallId = new Map<string, number>();
  const lastOfTrace = new Map<string, OracleRow>();
  let next = 0;
  for (const row of sorted) {
    const callId = callIdOf(row);
    const before = lastOfTrace.get(row.traceId);
    let request: number | undefined;
    if (callId !== null) request = byCallId.get(callId);
    else if (before !== undefined && before.level === 'ERROR') {
      const gapMs = row.startMs - (before.endMs ?? before.startMs);
      if (gapMs <= 30_000) request = requestOf.get(before);
    }
    if (request === undefined) {
      request = next;
      next += 1;
    }
    if (callId !== null) byCallId.set(callId, request);
    requestOf.set(row, request);
    lastOfTrace.set(row.traceId, row);
  }
  return requestOf;
}

/** What each build of LiteLLM writes has one thing in common: the total is right. */
function tokensOf(row: OracleRow): OracleTokens | null {
  const { usage } = row;
  const keys = Object.keys(usage);
  const sumOf = (part: string): number => {
    let sum = 0;
    for (const key of keys) if (key.includes(part)) sum += usage[key] ?? 0;
    return sum;
  };
  let nonZero = false;
  for (const key of keys) if (usage[key] !== 0) nonZero = true;
  if (!nonZero) return null;

  const usageObject = objectOf(
    row.metadata['usage_object'] ?? objectOf(row.metadata['hidden_params'])['usage_object'],
  );
  const promptDetails = objectOf(usageObject['prompt_tokens_details']);
  const completionDetails = objectOf(usageObject['completion_tokens_details']);

  const completion = sumOf('output');
  const total = usage['total'] || sumOf('input') + completion;
  const prompt = total - completion;
  const cacheRead =
    usage['cache_read_input_tokens'] ??
    usage['input_cached_tokens'] ??
    usage['input_cache_read'] ??
    numberOr0(promptDetails['cached_tokens']);
  const cacheWrite =
    usage['cache_creation_input_tokens'] ??
    usage['input_cache_creation'] ??
    usage['input_cache_write'] ??
    numberOr0(promptDetails['cache_creation_tokens']);
  const reasoning =
    usage['output_reasoning_tokens'] ?? numberOr0(completionDetails['reasoning_tokens']);
  return {
    prompt,
    completion,
    total,
    cacheRead,
    cacheWrite,
    uncached: Math.max(0, prompt - cacheRead - cacheWrite),
    reasoning,
  };
}

const numberOr0 = (value: unknown): number => (typeof value === 'number' ? value : 0);

function costOf(row: OracleRow): number | null {
  const keys = Object.keys(row.cost);
  const isProvided = keys.length === 1 && keys[0] === 'total';
  if (row.level === 'ERROR') return isProvided ? (row.cost['total'] ?? 0) : 0;
  if (row.metadata['cache_hit'] === true) return 0;
  if (keys.length > 0) {
    if (row.cost['total'] !== undefined) return row.cost['total'];
    let sum = 0;
    for (const key of keys) sum += row.cost[key] ?? 0;
    return sum;
  }
  const said =
    row.metadata['litellm_response_cost'] ??
    objectOf(row.metadata['hidden_params'])['response_cost'];
  return typeof said === 'number' ? said : null;
}

function latencyOf(row: OracleRow): number | null {
  if (row.endMs === null || row.endMs < row.startMs) return null;
  return row.endMs - row.startMs;
}

/** Non-streamed calls report their end as their first token. */
function firstTokenOf(row: OracleRow, latencyMs: number | null): number | null {
  if (latencyMs === null || !row.isStreaming || row.firstTokenMs === null) return null;
  const elapsedMs = row.firstTokenMs - row.startMs;
  return elapsedMs >= 0 && elapsedMs < latencyMs ? elapsedMs : null;
}

const requesterKeys = ['session_id', 'litellm_session_id', 'cline_task_id', 'task_id'];

/** The session of each row: first hit wins. */
function findSessions(
  kept: readonly OracleRow[],
  requestOf: ReadonlyMap<OracleRow, number>,
): Map<OracleRow, string> {
  const requestsOfTrace = new Map<string, Set<number>>();
  for (const row of kept) {
    const requests = requestsOfTrace.get(row.traceId) ?? new Set();
    requests.add(requestOf.get(row) ?? -1);
    requestsOfTrace.set(row.traceId, requests);
  }
  const sessions = new Map<OracleRow, string>();
  for (const row of kept) {
    let session = row.traceSessionId;
    const requester = objectOf(row.metadata['requester_metadata']);
    for (const key of requesterKeys) session ??= textOf(requester[key]);
    const headers = objectOf(row.metadata['requester_custom_headers']);
    for (const name of Object.keys(headers)) {
      if (/^x-(.+-)?session-(id|affinity)$/.test(name)) session ??= textOf(headers[name]);
    }
    session ??= row.promptCacheKey;
    const isSessionTrace =
      row.traceId.startsWith('cline-') || (requestsOfTrace.get(row.traceId)?.size ?? 0) >= 2;
    if (isSessionTrace) session ??= row.traceId;
    if (session !== null) sessions.set(row, session);
  }
  return sessions;
}

// ------------------------------------------------------------------ adding up

function totalsBy(
  attempts: readonly OracleAttempt[],
  keyOf: (attempt: OracleAttempt) => string | null,
): Map<string, OracleTotals> {
  const groups = new Map<string, OracleAttempt[]>();
  for (const attempt of attempts) {
    const key = keyOf(attempt);
    if (key === null) continue;
    const group = groups.get(key) ?? [];
    group.push(attempt);
    groups.set(key, group);
  }
  const totals = new Map<string, OracleTotals>();
  for (const [key, group] of groups) totals.set(key, totalsOf(group));
  return totals;
}

/** A request belongs where its last attempt is; tokens and cost belong to each attempt. */
export function totalsOf(attempts: readonly OracleAttempt[]): OracleTotals {
  let requests = 0;
  let errors = 0;
  let failedAttempts = 0;
  let costUsd = 0;
  let costUnknownAttempts = 0;
  let usageMissingAttempts = 0;
  const tokens = {
    prompt: 0,
    completion: 0,
    total: 0,
    cacheRead: 0,
    cacheWrite: 0,
    uncached: 0,
    reasoning: 0,
  };
  const latencies: number[] = [];
  const firstTokens: number[] = [];
  for (const attempt of attempts) {
    if (attempt.isFinal) requests += 1;
    if (attempt.isFinal && attempt.isError) errors += 1;
    if (attempt.isError) failedAttempts += 1;
    if (attempt.costUsd === null) costUnknownAttempts += 1;
    else costUsd += attempt.costUsd;
    if (attempt.tokens === null) {
      if (!attempt.isError) usageMissingAttempts += 1;
    } else {
      tokens.prompt += attempt.tokens.prompt;
      tokens.completion += attempt.tokens.completion;
      tokens.total += attempt.tokens.total;
      tokens.cacheRead += attempt.tokens.cacheRead;
      tokens.cacheWrite += attempt.tokens.cacheWrite;
      tokens.uncached += attempt.tokens.uncached;
      tokens.reasoning += attempt.tokens.reasoning;
    }
    if (attempt.latencyMs !== null) latencies.push(attempt.latencyMs);
    if (attempt.timeToFirstTokenMs !== null) firstTokens.push(attempt.timeToFirstTokenMs);
  }
  return {
    requests,
    errors,
    attempts: attempts.length,
    failedAttempts,
    promptTokens: tokens.prompt,
    completionTokens: tokens.completion,
    totalTokens: tokens.total,
    cacheReadTokens: tokens.cacheRead,
    cacheWriteTokens: tokens.cacheWrite,
    uncachedPromptTokens: tokens.uncached,
    reasoningTokens: tokens.reasoning,
    costUsd,
    costUnknownAttempts,
    usageMissingAttempts,
    latencyMs: distributionOf(latencies),
    timeToFirstTokenMs: distributionOf(firstTokens),
  };
}

function distributionOf(values: readonly number[]): OracleDistribution | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  let sum = 0;
  for (const value of sorted) sum += value;
  return {
    count: sorted.length,
    mean: sum / sorted.length,
    p50: percentileOf(sorted, 50),
    p90: percentileOf(sorted, 90),
    p95: percentileOf(sorted, 95),
    p99: percentileOf(sorted, 99),
    max: sorted[sorted.length - 1] ?? 0,
  };
}

/** Linear interpolation between the two nearest ranks. */
function percentileOf(sorted: readonly number[], percent: number): number {
  const rank = (percent / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(rank)] ?? 0;
  const above = sorted[Math.ceil(rank)] ?? below;
  return below + (above - below) * (rank - Math.floor(rank));
}
