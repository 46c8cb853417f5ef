import { hideValues } from '../shared/hide-values.ts';

/**
 * Takes everything out of a line that may be secret: the given secret values, user names and passwords
 * in URLs, queries of links (a presigned link is a key), and whatever looks like a secret key that was
 * put in the wrong place.
 */
export function maskSecrets(line: string, secrets: readonly string[]): string {
  return hideValues(line, secrets)
    .replaceAll(/\/\/[^\s"]*@/g, '//***@')
    .replaceAll(/[^\s"/:]+:(?!\/\/)[^\s"]*@/g, '***@')
    .replaceAll(/[?&#][^\s"?]*=[^\s"]*/g, '?***')
    .replaceAll(/\bsk-[\w-]{4,}/g, (key) => (/^sk-lf-$/.test(key) ? key : 'sk-***'));
}

/** `"30"`, or `(set, 12 characters)` of a secret. At most about 120 characters. */
export function showFound(text: string, { isSecret }: { isSecret: boolean }): string {
  if (isSecret) return `a value (set, ${text.length} characters)`;
  const short = text.length > 120 ? `${text.slice(0, 119)}…` : text;
  return JSON.stringify(short);
}
