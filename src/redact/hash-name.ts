/** Names of people, keys and teams as short hashes: the same name gives the same hash, so that sums still add up. */
import { createHash, createHmac } from 'node:crypto';

export const nameKinds = ['users', 'keys', 'teams'] as const;
export type NameKind = (typeof nameKinds)[number];

export interface HashRules {
  readonly kinds: readonly NameKind[];
  /** With a key nobody without it can try names out; null for a plain hash, which anyone who knows a name can. */
  readonly key: string | null;
}

const hashed = /^(?:user|key|team|session):[0-9a-f]{16}$/;

/** `user:3f2c9a1e7b644d0a`: 64 bits of SHA-256 (HMAC with a key). A name that is hashed already is given back. */
export function hashName(
  kind: 'user' | 'key' | 'team' | 'session',
  name: string,
  { key }: Pick<HashRules, 'key'>,
): string {
  if (hashed.test(name)) return name;
  const digest = key === null ? createHash('sha256') : createHmac('sha256', key);
  return `${kind}:${digest.update(`${kind}\n${name}`).digest('hex').slice(0, 16)}`;
}

export function isHashedName(name: string): boolean {
  return hashed.test(name);
}

/**
 * Whether a session id is a number that a machine drew: a UUID, hex, digits, or one of these behind a short prefix
 * (`ses_`, `cline-`). Anything else may be made of a person's name.
 */
export function isDrawnId(sessionId: string): boolean {
  return /^(?:[a-z]{2,8}[_-])?(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{16,64}|\d{8,20})$/i.test(
    sessionId,
  );
}
