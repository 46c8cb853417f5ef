/** Wire scores of the three score endpoints to the one {@link Score}. Pure. */
import type { z } from 'zod';
import type { Score } from '../shared/observation.ts';
import type { scoreV2Schema, scoreV3Schema } from './wire-schemas.ts';

/** `value` is a number, a boolean or a label, by `dataType`; the subject says what the score is on. */
export function toScoreFromV3(row: z.infer<typeof scoreV3Schema>): Score {
  const { subject, value } = row;
  const dataType = row.dataType ?? toDataType(value);
  return {
    ...toCommon(row, dataType),
    value: toValue(dataType, typeof value === 'string' || value === undefined ? null : value),
    stringValue: dataType === 'CATEGORICAL' && typeof value === 'string' ? value : null,
    traceId: subject?.kind === 'trace' ? subject.id : (subject?.traceId ?? null),
    observationId: subject?.kind === 'observation' ? subject.id : null,
    sessionId: subject?.kind === 'session' ? subject.id : null,
  };
}

/** `/v2/scores` and `/scores`: a number, and a label beside it where the score has one. */
export function toScoreFromV2(row: z.infer<typeof scoreV2Schema>): Score {
  const dataType = row.dataType ?? (row.stringValue === null ? 'NUMERIC' : 'CATEGORICAL');
  return {
    ...toCommon(row, dataType),
    value: toValue(dataType, row.value),
    stringValue: dataType === 'CATEGORICAL' ? row.stringValue : null,
    traceId: row.traceId,
    observationId: row.observationId,
    sessionId: row.sessionId,
  };
}

function toCommon(
  row: z.infer<typeof scoreV2Schema> | z.infer<typeof scoreV3Schema>,
  dataType: string,
) {
  return {
    id: row.id,
    name: row.name,
    dataType,
    source: row.source,
    comment: row.comment,
    timestampMs: row.timestamp,
    updatedMs: row.updatedAt,
  };
}

function toValue(dataType: string, value: number | boolean | null): number | null {
  if (value === null || dataType === 'CATEGORICAL') return null;
  return dataType === 'BOOLEAN' ? Number(Boolean(value)) : Number(value);
}

function toDataType(value: unknown): string {
  if (typeof value === 'boolean') return 'BOOLEAN';
  return typeof value === 'string' ? 'CATEGORICAL' : 'NUMERIC';
}
