/** Wire rows of both API generations to the one {@link Observation}. Pure. */
import type { Observation, TraceAttributes } from '../shared/observation.ts';
import { decodeMetadata, decodeNested, toRecord } from './decode.ts';
import type { ObservationV1, ObservationV2 } from './wire-schemas.ts';

/**
 * A row of the v2 API. Trace attributes are the ones stamped on the row. `totalCost` is not read: it is
 * `costDetails.total ?? 0`, so that 0 may mean unknown (langfuse/langfuse `events.ts`).
 */
export function toObservationFromV2(row: ObservationV2): Observation {
  return {
    ...toCommon(row),
    model: row.model ?? row.providedModelName,
    usageDetails: row.usageDetails,
    costDetails: row.costDetails,
    calculatedTotalCostUsd: null,
    release: row.release,
    userId: row.userId,
    sessionId: row.sessionId,
    tags: row.tags,
    traceName: row.traceName,
  };
}

/**
 * A row of the legacy API, with the attributes of its trace, which that API leaves out of observations.
 *
 * Langfuse 2.x has no `usageDetails`: its `usage` becomes `{input, output, total}` where the unit is tokens. There a
 * missing count is 0 (the columns default to 0), so three zeros are unknown. Its `calculatedTotalCost` is null when
 * unknown; before 3.2 a 3.x server has no `costDetails` either but writes 0 for unknown, so 0 counts only on 2.x.
 * The input and output were decoded by the server.
 */
export function toObservationFromV1(
  row: ObservationV1,
  context: {
    readonly trace: TraceAttributes | null;
    readonly isLangfuse2: boolean;
    readonly hasCostDetails: boolean;
  },
): Observation {
  const { trace } = context;
  const olderCost = context.hasCostDetails ? null : row.calculatedTotalCost;
  return {
    ...toCommon(row),
    model: row.model,
    usageDetails:
      Object.keys(row.usageDetails).length > 0 ? row.usageDetails : toOlderUsage(row.usage),
    costDetails: row.costDetails,
    calculatedTotalCostUsd: olderCost === 0 && !context.isLangfuse2 ? null : olderCost,
    release: trace?.release ?? null,
    userId: trace?.userId ?? null,
    sessionId: trace?.sessionId ?? null,
    tags: trace?.tags ?? [],
    traceName: trace?.name ?? null,
    content: { input: row.input ?? null, output: row.output ?? null },
  };
}

function toCommon(row: ObservationV1 | ObservationV2) {
  return {
    id: row.id,
    traceId: row.traceId ?? '',
    projectId: row.projectId,
    parentObservationId: row.parentObservationId,
    type: row.type,
    name: row.name,
    environment: row.environment,
    version: row.version,
    startMs: row.startTime,
    endMs: row.endTime,
    completionStartMs: row.completionStartTime,
    createdMs: row.createdAt,
    updatedMs: row.updatedAt,
    level: row.level ?? 'DEFAULT',
    statusMessage: row.statusMessage,
    modelParameters: toRecord(decodeNested(row.modelParameters)),
    promptName: row.promptName,
    promptVersion: row.promptVersion,
    metadata: decodeMetadata(row.metadata),
  };
}

function toOlderUsage(usage: ObservationV1['usage']): Readonly<Record<string, number>> {
  if (usage === null || (usage.unit !== null && usage.unit !== 'TOKENS')) return {};
  const { input, output, total } = usage;
  if (!input && !output && !total) return {};
  return Object.fromEntries(
    Object.entries({ input, output, total }).filter(
      (entry): entry is [string, number] => entry[1] !== null,
    ),
  );
}
