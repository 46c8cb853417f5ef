/**
 * Reads the rows that the oracle counts, over HTTP and with no code of the product: either API, the newest
 * version of each row, nothing left out and nothing understood yet.
 */

export interface OracleSource {
  /** Base URL with the base path, without a trailing slash. */
  readonly url: string;
  readonly publicKey: string;
  readonly secretKey: string;
  /** Rows that start in `[fromMs, toMs)`. */
  readonly fromMs: number;
  readonly toMs: number;
  /** `v1`: `/observations` and `/traces`; `v2`: `/v2/observations`. */
  readonly api: 'v1' | 'v2';
}

export type Json = Record<string, unknown>;

/** One row of either API, with only what is needed for counting. */
export interface OracleRow {
  readonly id: string;
  readonly traceId: string;
  readonly type: string;
  readonly level: string;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly firstTokenMs: number | null;
  readonly updatedMs: number;
  readonly model: string | null;
  readonly isStreaming: boolean;
  readonly promptCacheKey: string | null;
  readonly usage: Readonly<Record<string, number>>;
  readonly cost: Readonly<Record<string, number>>;
  readonly metadata: Json;
  /** Session of the trace, as Langfuse has it. */
  readonly traceSessionId: string | null;
}

/** All rows of the range, newest version of each. */
export async function readOracleRows(source: OracleSource): Promise<OracleRow[]> {
  const rows = source.api === 'v1' ? await readV1(source) : await readV2(source);
  const newest = new Map<string, OracleRow>();
  for (const row of rows) {
    const key = `${row.traceId} ${row.id}`;
    const known = newest.get(key);
    if (known === undefined || row.updatedMs > known.updatedMs) newest.set(key, row);
  }
  return [...newest.values()].filter(
    (row) => row.startMs >= source.fromMs && row.startMs < source.toMs,
  );
}

async function get(
  source: OracleSource,
  path: string,
  query: Record<string, string>,
): Promise<Json> {
  const url = `${source.url}/api/public${path}?${new URLSearchParams(query).toString()}`;
  const credentials = Buffer.from(`${source.publicKey}:${source.secretKey}`).toString('base64');
  const response = await fetch(url, { headers: { authorization: `Basic ${credentials}` } });
  if (response.status !== 200) throw new Error(`${response.status} of ${url}`);
  return (await response.json()) as Json;
}

async function readPages(
  source: OracleSource,
  path: string,
  query: Record<string, string>,
): Promise<Json[]> {
  const all: Json[] = [];
  for (let page = 1; ; page++) {
    const answer = await get(source, path, { ...query, page: String(page), limit: '100' });
    const data = answer['data'] as Json[];
    if (data.length === 0) return all;
    all.push(...data);
  }
}

const lookBackMs = 40 * 86_400_000;

async function readV1(source: OracleSource): Promise<OracleRow[]> {
  const sessions = new Map<string, string | null>();
  // A session's trace may have begun long before the rows of the range.
  const traces = await readPages(source, '/traces', {
    fromTimestamp: iso(source.fromMs - lookBackMs),
    toTimestamp: iso(source.toMs),
    fields: 'core',
  });
  for (const trace of traces) sessions.set(String(trace['id']), textOf(trace['sessionId']));
  const observations = await readPages(source, '/observations', {
    fromStartTime: iso(source.fromMs),
    toStartTime: iso(source.toMs),
  });
  return observations.map((row) => toRow(row, sessions.get(String(row['traceId'])) ?? null));
}

async function readV2(source: OracleSource): Promise<OracleRow[]> {
  const query = {
    // The root of a trace may lie before the range.
    fromStartTime: iso(source.fromMs - lookBackMs),
    toStartTime: iso(source.toMs),
    limit: '1000',
    fields: 'core,basic,time,metadata,model,usage,trace_context',
    expandMetadata:
      'hidden_params,usage_object,requester_metadata,requester_custom_headers,attributes,resourceAttributes,scope',
  };
  const data: Json[] = [];
  let cursor: string | undefined;
  do {
    const answer = await get(source, '/v2/observations', {
      ...query,
      ...(cursor === undefined ? {} : { cursor }),
    });
    data.push(...(answer['data'] as Json[]));
    cursor = (answer['meta'] as { cursor?: string }).cursor;
  } while (cursor !== undefined);
  const sessions = new Map<string, string>();
  for (const row of data) {
    const session = textOf(row['sessionId']);
    if (session !== null) sessions.set(String(row['traceId']), session);
  }
  return data
    .filter((row) => row['id'] !== `t-${String(row['traceId'])}`)
    .map((row) => toRow(row, sessions.get(String(row['traceId'])) ?? null));
}

function toRow(row: Json, traceSessionId: string | null): OracleRow {
  const parameters = objectOf(row['modelParameters']);
  const hasDetails = row['usageDetails'] !== undefined;
  const oldCost = row['calculatedTotalCost'];
  return {
    id: String(row['id']),
    traceId: String(row['traceId']),
    type: String(row['type']),
    level: String(row['level']),
    startMs: Date.parse(String(row['startTime'])),
    endMs: instantOf(row['endTime']),
    firstTokenMs: instantOf(row['completionStartTime']),
    updatedMs: instantOf(row['updatedAt']) ?? 0,
    model: textOf(row['model']) ?? textOf(row['providedModelName']),
    isStreaming: parameters['stream'] === true,
    promptCacheKey: textOf(parameters['prompt_cache_key']),
    // Langfuse 2 has three numbers and one cost, and null where it knows no cost.
    usage: hasDetails
      ? numbersOf(row['usageDetails'])
      : {
          input: Number(row['promptTokens']),
          output: Number(row['completionTokens']),
          total: Number(row['totalTokens']),
        },
    cost: hasDetails
      ? numbersOf(row['costDetails'])
      : typeof oldCost === 'number'
        ? { total: oldCost }
        : {},
    metadata: objectOf(row['metadata']),
    traceSessionId,
  };
}

export const iso = (instantMs: number): string => new Date(instantMs).toISOString();

const instantOf = (value: unknown): number | null =>
  typeof value === 'string' ? Date.parse(value) : null;

export const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;

export const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {};

function numbersOf(value: unknown): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [key, number] of Object.entries(objectOf(value))) numbers[key] = Number(number);
  return numbers;
}
