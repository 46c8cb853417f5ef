/** Observations and traces as the legacy (v1) API writes them (langfuse types/observations.ts, types/traces.ts). */
import type { SampleObservation, SampleTrace } from './sample-types.ts';
import type { ServerBehaviour } from './server-modes.ts';

/** Sums of all keys containing `input` and `output`, and the `total` key: Langfuse's `reduceUsageOrCostDetails`. */
export function reduceDetails(details: Readonly<Record<string, number>>): {
  readonly input: number | null;
  readonly output: number | null;
  readonly total: number;
} {
  const sumOf = (part: string): number | null => {
    const keys = Object.keys(details).filter((key) => key.includes(part));
    return keys.length === 0 ? null : keys.reduce((sum, key) => sum + (details[key] ?? 0), 0);
  };
  return { input: sumOf('input'), output: sumOf('output'), total: details['total'] ?? 0 };
}

const seconds = (fromMs: number, toMs: number | null): number | null =>
  toMs === null ? null : (toMs - fromMs) / 1000;

export const toIsoOrNull = (instantMs: number | null): string | null =>
  instantMs === null ? null : new Date(instantMs).toISOString();

const legacyType = (type: string): string => {
  if (type === 'GENERATION' || type === 'EVENT' || type === 'SPAN') return type;
  return type === 'EMBEDDING' ? 'GENERATION' : 'SPAN';
};

/** One item of `GET /api/public/observations`: no user, session, tags or trace name. */
export function toLegacyObservation(
  row: SampleObservation,
  server: { readonly behaviour: ServerBehaviour; readonly projectId: string },
): Record<string, unknown> {
  const { behaviour } = server;
  const head = {
    id: row.id,
    projectId: server.projectId,
    traceId: row.traceId,
    parentObservationId: row.parentObservationId,
    name: row.name,
    type: behaviour.onlyThreeTypes ? legacyType(row.type) : row.type,
    ...(behaviour.hasEnvironment ? { environment: row.environment } : {}),
    startTime: toIsoOrNull(row.startMs),
    endTime: toIsoOrNull(row.endMs),
    version: row.version,
    createdAt: toIsoOrNull(row.createdMs),
    updatedAt: toIsoOrNull(row.updatedMs),
    input: row.input,
    output: row.output,
    metadata: row.metadata,
    level: row.level,
    statusMessage: row.statusMessage,
    model: row.model,
    modelParameters: row.modelParameters,
    completionStartTime: toIsoOrNull(row.completionStartMs),
    promptId: row.promptName === null ? null : `prompt-${row.promptName}`,
    promptName: row.promptName,
    promptVersion: row.promptVersion,
  };
  const tail = {
    modelId: row.matchedModel?.id ?? null,
    inputPrice: row.matchedModel?.inputPrice ?? null,
    outputPrice: row.matchedModel?.outputPrice ?? null,
    totalPrice: null,
    latency: seconds(row.startMs, row.endMs),
    timeToFirstToken: seconds(row.startMs, row.completionStartMs),
  };
  return behaviour.hasUsageDetails
    ? { ...head, ...currentUsage(row, behaviour), ...tail }
    : { ...head, ...postgresUsage(row), ...tail };
}

function currentUsage(row: SampleObservation, behaviour: ServerBehaviour): Record<string, unknown> {
  const usage = reduceDetails(row.usageDetails);
  const cost = reduceDetails(row.costDetails);
  return {
    usageDetails: row.usageDetails,
    costDetails: row.costDetails,
    usage: {
      unit: 'TOKENS',
      input: usage.input ?? 0,
      output: usage.output ?? 0,
      total: usage.total,
    },
    unit: 'TOKENS',
    promptTokens: usage.input ?? 0,
    completionTokens: usage.output ?? 0,
    totalTokens: usage.total,
    ...(behaviour.hasPricingTier ? { usagePricingTierName: null, usagePricingTierId: null } : {}),
    calculatedInputCost: cost.input,
    calculatedOutputCost: cost.output,
    calculatedTotalCost: cost.total,
  };
}

/** Langfuse 2: LiteLLM's `usage` has prompt and completion tokens and the cost, and nothing else survives. */
function postgresUsage(row: SampleObservation): Record<string, unknown> {
  const details = reduceDetails(row.usageDetails);
  const output = details.output ?? 0;
  const total = details.total === 0 ? (details.input ?? 0) + output : details.total;
  const input = total - output;
  return {
    usage: { unit: 'TOKENS', input, output, total },
    unit: 'TOKENS',
    promptTokens: input,
    completionTokens: output,
    totalTokens: total,
    calculatedInputCost: null,
    calculatedOutputCost: null,
    calculatedTotalCost: row.costDetails['total'] ?? null,
  };
}

/** Field groups of `GET /traces`; what is left out comes as `[]`, -1, null content and `{}` metadata. */
export interface TraceParts {
  readonly io: boolean;
  readonly scores: boolean;
  readonly observations: boolean;
  readonly metrics: boolean;
}

/** The groups asked for; unknown names are dropped, and none left means all. */
export function toTraceParts(fields: readonly string[] | undefined): TraceParts {
  const known = (fields ?? []).filter((field) =>
    ['core', 'io', 'scores', 'observations', 'metrics'].includes(field),
  );
  const has = (part: string): boolean => known.length === 0 || known.includes(part);
  return {
    io: has('io'),
    scores: has('scores'),
    observations: has('observations'),
    metrics: has('metrics'),
  };
}

/** One item of `GET /api/public/traces`. */
export function toLegacyTrace(
  trace: SampleTrace,
  from: {
    readonly projectId: string;
    readonly behaviour: ServerBehaviour;
    readonly parts: TraceParts;
    readonly observations: readonly SampleObservation[];
    readonly scoreIds: readonly string[];
    /** Costs of observations that start more than an hour before the asked range are left out. */
    readonly costFromMs: number | null;
  },
): Record<string, unknown> {
  const { parts } = from;
  return {
    id: trace.id,
    externalId: null,
    timestamp: toIsoOrNull(trace.timestampMs),
    name: trace.name,
    userId: trace.userId,
    metadata: parts.io ? trace.metadata : {},
    release: trace.release,
    version: trace.version,
    projectId: from.projectId,
    ...(from.behaviour.hasEnvironment ? { environment: trace.environment } : {}),
    public: false,
    bookmarked: false,
    tags: trace.tags,
    input: parts.io ? trace.input : null,
    output: parts.io ? trace.output : null,
    sessionId: trace.sessionId,
    createdAt: toIsoOrNull(trace.createdMs),
    updatedAt: toIsoOrNull(trace.updatedMs),
    observations: parts.observations ? from.observations.map((row) => row.id) : [],
    scores: parts.scores ? from.scoreIds : [],
    totalCost: parts.metrics ? totalCostOf(from.observations, from.costFromMs) : -1,
    latency: parts.metrics ? spanSecondsOf(from.observations) : -1,
    htmlPath: `/project/${from.projectId}/traces/${encodeURIComponent(trace.id)}`,
  };
}

function totalCostOf(rows: readonly SampleObservation[], fromMs: number | null): number {
  let sum = 0;
  for (const row of rows) {
    if (fromMs === null || row.startMs >= fromMs) sum += row.costDetails['total'] ?? 0;
  }
  return sum;
}

function spanSecondsOf(rows: readonly SampleObservation[]): number {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    first = Math.min(first, row.startMs, row.endMs ?? row.startMs);
    last = Math.max(last, row.startMs, row.endMs ?? row.startMs);
  }
  return rows.length === 0 ? 0 : (last - first) / 1000;
}
