import { refusal } from './refusal.ts';

/**
 * Parsers of keys, passwords and tokens. Their reasons never hold a piece of the value.
 *
 * A Langfuse key pair begins with `pk-lf-` and `sk-lf-`, but a self-hosted server may be given any
 * (LANGFUSE_INIT_PROJECT_PUBLIC_KEY), so only what cannot be meant is refused.
 */
export function parsePublicKey(text: string): string {
  const key = parseKey(text);
  if (key.startsWith('sk-lf-')) {
    throw refusal(
      'holds a secret key (sk-lf-…); the public key begins with pk-lf- and the two seem to be swapped',
    );
  }
  // HTTP Basic ends the user name at the first colon.
  if (key.includes(':')) throw refusal('must not hold a colon; write the public key alone');
  return key;
}

/** See {@link parsePublicKey}. */
export function parseSecretKey(text: string): string {
  const key = parseKey(text);
  if (key.startsWith('pk-lf-')) {
    throw refusal(
      'holds a public key (pk-lf-…); the secret key begins with sk-lf- and the two seem to be swapped',
    );
  }
  return key;
}

/** Parses a key or a bearer token: printable ASCII without spaces, quotes around it, or a placeholder. */
export function parseKey(text: string): string {
  if (/^["'`]|["'`]$/.test(text)) throw refusal('has quotes left in it; write it without them');
  if (/\s/.test(text)) throw refusal('holds a space or a line break; write the key alone');
  if (/[^\u0021-\u007e]/.test(text)) {
    throw refusal('holds a character that no key has (not printable ASCII); copy it again');
  }
  if (/\.\.\.|[<>]|^\*+$/.test(text)) {
    throw refusal('is a placeholder; write the real key');
  }
  return text;
}

/** Parses a password: anything on one line. */
export function parsePassword(text: string): string {
  if (/\p{Cc}/u.test(text)) throw refusal('holds a line break or a control character');
  return text;
}
