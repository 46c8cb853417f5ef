/** A rule that finds one kind of what must not be kept. Every pattern looks at a bounded number of characters. */

export interface RedactRule {
  /** What the mark says: `[redacted: openai key]`. */
  readonly kind: string;
  /** The pattern is tried only on texts that hold one of these; none: on every text. */
  readonly triggers: readonly string[];
  /**
   * With the flag `g`. What its group `secret` holds is masked; the rest of the match (groups `before`, `after`)
   * stays. No quantifier without an upper bound, so that a text is searched in time that grows with its length alone.
   */
  readonly pattern: RegExp;
  /** Says of a match whether it is one; without it every match is. */
  readonly accepts?: (secret: string, before: string) => boolean;
}

/**
 * Where a key may begin: not inside a word, but behind the letter of an escape (`\nsk-…` in JSON inside JSON) or a
 * percent code.
 */
export const edge = String.raw`(?:(?<![A-Za-z0-9_-])|(?<=\\[bfnrt])|(?<=\\u[0-9a-fA-F]{4})|(?<=%[0-9a-fA-F]{2}))`;

/** A rule for keys that their first characters give away. */
export function keyRule(
  kind: string,
  prefix: string,
  body: string,
  accepts?: (secret: string) => boolean,
): RedactRule {
  const pattern = new RegExp(`${edge}(?<secret>${escape(prefix)}${body})`, 'g');
  return { kind, triggers: [prefix], pattern, ...(accepts === undefined ? {} : { accepts }) };
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** Whether a text looks drawn at random: it has a digit, or letters of both cases. Words of a language have neither. */
export function looksRandom(text: string): boolean {
  return /\d/.test(text) || (/[a-z]/.test(text) && /[A-Z]/.test(text));
}
