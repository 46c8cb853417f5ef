/** What both ingestion APIs do with a row: later events of the same id are laid over earlier ones (langfuse IngestionService). */
import { bareObservation } from './bare-observation.ts';
import { sampleModels } from './sample-models.ts';
import type { SampleStore } from './sample-store.ts';
import type { SampleObservation, SampleTrace } from './sample-types.ts';

type Identity = 'id' | 'traceId' | 'writer';

/** An observation or a piece of one; what is undefined or null leaves an earlier value as it was. */
export type ObservationPiece = Pick<SampleObservation, Identity> & {
  readonly [Field in Exclude<keyof SampleObservation, Identity>]?:
    | SampleObservation[Field]
    | null
    | undefined;
};

export type TracePiece = Pick<SampleTrace, 'id' | 'writer'> & {
  readonly [Field in Exclude<keyof SampleTrace, 'id' | 'writer'>]?:
    | SampleTrace[Field]
    | null
    | undefined;
};

export function putObservationPiece(
  store: SampleStore,
  piece: ObservationPiece,
  nowMs: number,
): void {
  const known = store
    .view()
    .observationsByTrace.get(piece.traceId)
    ?.find((row) => row.id === piece.id);
  const base: SampleObservation = known ?? {
    ...bareObservation,
    id: piece.id,
    traceId: piece.traceId,
    parentObservationId: null,
    type: 'SPAN',
    name: null,
    environment: 'default',
    startMs: nowMs,
    endMs: null,
    createdMs: nowMs,
    updatedMs: nowMs,
    availableAtMs: nowMs,
    metadata: {},
    writer: piece.writer,
  };
  const row: SampleObservation = {
    ...base,
    ...given(piece),
    metadata: { ...base.metadata, ...piece.metadata },
    updatedMs: nowMs,
  };
  store.putObservation(withOwnPrice(row));
}

export function putTracePiece(store: SampleStore, piece: TracePiece, nowMs: number): void {
  const known = store.view().traces.get(piece.id);
  const base: SampleTrace = known ?? {
    id: piece.id,
    timestampMs: nowMs,
    name: null,
    userId: null,
    sessionId: null,
    tags: [],
    environment: 'default',
    release: null,
    version: null,
    metadata: {},
    input: null,
    output: null,
    createdMs: nowMs,
    updatedMs: nowMs,
    availableAtMs: nowMs,
    writer: piece.writer,
  };
  store.putTrace({
    ...base,
    ...given(piece),
    // The first event of a trace tells when it began.
    timestampMs: known?.timestampMs ?? piece.timestampMs ?? nowMs,
    tags: [...new Set([...base.tags, ...(piece.tags ?? [])])].toSorted(),
    metadata: { ...base.metadata, ...piece.metadata },
    updatedMs: nowMs,
  });
}

/** Langfuse knows some models; it prices their tokens itself where nobody gave a cost. */
function withOwnPrice(row: SampleObservation): SampleObservation {
  const matchedModel = sampleModels.find(({ raw }) => raw === row.model)?.matched ?? null;
  const { input, output } = row.usageDetails;
  const isPriced = Object.keys(row.costDetails).length > 0;
  if (matchedModel === null || isPriced || (input === undefined && output === undefined)) {
    return { ...row, matchedModel };
  }
  const costs = {
    input: (input ?? 0) * matchedModel.inputPrice,
    output: (output ?? 0) * matchedModel.outputPrice,
  };
  return { ...row, matchedModel, costDetails: { ...costs, total: costs.input + costs.output } };
}

/** The fields that say something. */
function given<T extends object>(piece: T): { [Field in keyof T]: NonNullable<T[Field]> } {
  return Object.fromEntries(
    Object.entries(piece).filter(([, value]) => value !== undefined && value !== null),
  ) as { [Field in keyof T]: NonNullable<T[Field]> };
}
