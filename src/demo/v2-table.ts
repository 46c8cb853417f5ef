/**
 * The rows of the v2 list: the v4 table with its synthetic roots, its trace attributes on every row,
 * and the duplicates that a table without FINAL shows (langfuse events.ts, definitions.ts).
 */
import { bareObservation } from './bare-observation.ts';
import type { ServerTraits } from './route-context.ts';
import { compareByPosition, type SampleStore, type SampleView } from './sample-store.ts';
import { hash32 } from './prng.ts';
import type { SampleObservation, SampleTrace } from './sample-types.ts';
import type { ServerBehaviour } from './server-modes.ts';

export interface V2Row extends SampleObservation {
  readonly userId: string;
  readonly sessionId: string;
  readonly tags: readonly string[];
  readonly release: string;
  readonly traceName: string | null;
  readonly isRoot: boolean;
}

/** Rows in the fixed order of the v2 list. */
export function buildV2Rows(
  store: SampleStore,
  server: { readonly behaviour: ServerBehaviour; readonly traits: ServerTraits },
): readonly V2Row[] {
  const { behaviour, traits } = server;
  const view = store.view();
  const isPropagated = (row: {
    readonly writer: SampleObservation['writer'];
    readonly availableAtMs: number;
  }): boolean =>
    row.writer === 'otel_direct' || row.availableAtMs + traits.propagationDelayMs <= store.nowMs;
  const rows: V2Row[] = [];
  for (const row of view.observations) {
    if (behaviour.isEventsTableStale && row.startMs >= traits.eventsTableUntilMs) continue;
    if (!isPropagated(row)) continue;
    const v2Row = toV2Row(row, view, behaviour);
    rows.push(v2Row);
    const stale = toStaleDuplicate(v2Row, traits.duplicateShare);
    if (stale) rows.push(stale);
  }
  if (behaviour.hasSyntheticRoots) {
    for (const trace of view.traces.values()) {
      if (trace.writer === 'otel_direct' || !isPropagated(trace)) continue;
      if (behaviour.isEventsTableStale && trace.timestampMs >= traits.eventsTableUntilMs) continue;
      rows.push(toSyntheticRoot(trace));
    }
  }
  // A stable sort keeps the newer of two equal positions first.
  return rows.sort(compareByPosition);
}

const traceAttributes = (
  trace: SampleTrace | undefined,
): Pick<V2Row, 'userId' | 'sessionId' | 'tags' | 'release' | 'traceName'> => ({
  userId: trace?.userId ?? '',
  sessionId: trace?.sessionId ?? '',
  tags: trace?.tags ?? [],
  release: trace?.release ?? '',
  traceName: trace?.name ?? null,
});

function toV2Row(row: SampleObservation, view: SampleView, behaviour: ServerBehaviour): V2Row {
  const trace = view.traces.get(row.traceId);
  const isRoot = row.parentObservationId === null;
  const hasAttributes = behaviour.copiesTraceAttributes || isRoot;
  const hangsBelowSynthetic =
    isRoot && behaviour.hasSyntheticRoots && trace !== undefined && trace.writer !== 'otel_direct';
  return {
    ...row,
    ...traceAttributes(hasAttributes ? trace : undefined),
    isRoot: isRoot && !hangsBelowSynthetic,
    parentObservationId: hangsBelowSynthetic ? `t-${row.traceId}` : row.parentObservationId,
  };
}

function toSyntheticRoot(trace: SampleTrace): V2Row {
  return {
    ...bareObservation,
    ...traceAttributes(trace),
    id: `t-${trace.id}`,
    traceId: trace.id,
    parentObservationId: null,
    isRoot: true,
    type: 'SPAN',
    name: trace.name,
    environment: trace.environment,
    version: trace.version,
    startMs: trace.timestampMs,
    endMs: null,
    createdMs: trace.createdMs,
    updatedMs: trace.updatedMs,
    availableAtMs: trace.availableAtMs,
    metadata: trace.metadata,
    input: trace.input,
    output: trace.output,
    writer: trace.writer,
  };
}

const dayMs = 86_400_000;

/**
 * A row that ClickHouse has not merged away yet. One third are identical twins, one third an older
 * version at the same place, one third an older version whose start differs (such rows never merge,
 * and lie on other pages); an older version never leaves its UTC day.
 */
function toStaleDuplicate(row: V2Row, share: number): V2Row | null {
  const draw = hash32(`duplicate/${row.traceId}/${row.id}`);
  if (draw / 4_294_967_296 >= share) return null;
  const kind = draw % 3;
  if (kind === 0) return row;
  const stale: V2Row = {
    ...row,
    updatedMs: row.updatedMs - 60_000,
    usageDetails: {},
    costDetails: {},
    endMs: null,
    level: 'DEFAULT',
    statusMessage: null,
  };
  if (kind === 1) return stale;
  const moved = row.startMs - 1 - (draw % 240_000);
  const sameDay = Math.floor(moved / dayMs) === Math.floor(row.startMs / dayMs);
  return sameDay ? { ...stale, startMs: moved } : stale;
}
