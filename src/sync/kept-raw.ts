/** What is kept of the raw text of a row that is set aside: it may hold prompts, answers and keys. */
import { maskText } from '../redact/mask-text.ts';
import type { PrivacyRules } from '../redact/privacy.ts';

const maxKeptBytes = 64 * 1024;

/**
 * Masked, then cut at 64 KiB. Null where not every text may be kept: what could not be understood can't be told to be
 * a failed call or one of a sampled session.
 */
export function toKeptRaw(raw: string | null, rules: PrivacyRules): string | null {
  // Names stand anywhere in it.
  if (raw === null || rules.text.kind !== 'all' || rules.hashed.kinds.length > 0) return null;
  const masked = maskText(raw, rules.redact);
  // encodeInto stops before a character that no longer fits, so that none is cut in two.
  const { read } = new TextEncoder().encodeInto(masked, new Uint8Array(maxKeptBytes));
  return masked.slice(0, read);
}
