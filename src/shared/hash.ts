/** Content hashes of stored rows. */
import { createHash } from 'node:crypto';

/** 32 hex characters over a JSON-able value whose key order is fixed by its maker. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}

/** 16 raw bytes over a text. */
export function hashText(text: string): Buffer {
  return createHash('sha256').update(text).digest().subarray(0, 16);
}
