/** What is kept of the raw text of a row that is set aside: it may hold prompts, answers and keys. */
import { maskText } from '../redact/mask-text.ts';
import type { SyncSettings } from './sync-settings.ts';

const maxKeptBytes = 64 * 1024;

/**
 * Masked, then cut at 64 KiB. Null where not every text may be kept: what could not be understood can't be told to be
 * a failed call or one of a sampled session.
 */
export function toKeptRaw(
  raw: string | null,
  settings: Pick<SyncSettings, 'content' | 'redact'>,
): string | null {
  if (raw === null || settings.content !== 'all') return null;
  const masked = maskText(raw, settings.redact);
  // encodeInto stops before a character that no longer fits, so that none is cut in two.
  const { read } = new TextEncoder().encodeInto(masked, new Uint8Array(maxKeptBytes));
  return masked.slice(0, read);
}
