/** Content hashes of stored rows. */
import { hash } from 'node:crypto';

/** 32 hex characters over a JSON-able value whose key order is fixed by its maker. */
export function hashOf(value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'hex').slice(0, 32);
}

/** 16 raw bytes over a text. */
export function hashText(text: string): Buffer {
  return hash('sha256', text, 'buffer').subarray(0, 16);
}
