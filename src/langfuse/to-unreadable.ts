import type { UnreadableRow } from '../sync/ports.ts';
import { rowNameSchema } from './wire-schemas.ts';

/** Twice what is kept: what is masked there must not be cut in two here. */
export const maxRawBytes = 128 * 1024;

/** A row that arrived but is not understood, named as far as it can be, with its raw JSON (at most 128 KiB). */
export function toUnreadable(row: unknown, reason: string): UnreadableRow {
  const named = rowNameSchema.safeParse(row);
  return {
    traceId: (named.success ? named.data.traceId : null) || null,
    id: (named.success ? named.data.id : null) || null,
    startMs: named.success ? (named.data.startTime ?? named.data.timestamp) : null,
    reason,
    raw: toRaw(row),
  };
}

function toRaw(row: unknown): string | null {
  const json = JSON.stringify(row) as string | undefined;
  if (json === undefined) return null;
  // encodeInto stops before a character that no longer fits, so that none is cut in two.
  const { read } = new TextEncoder().encodeInto(json, new Uint8Array(maxRawBytes));
  return json.slice(0, read);
}
