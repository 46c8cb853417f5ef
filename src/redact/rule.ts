/** A rule that finds one kind of what must not be kept, and how a text is searched by it. */
import { toMark } from './mark.ts';

/**
 * A match is looked for only where one of the anchors stands, and looks at a bounded number of characters (no
 * quantifier of `pattern` without an upper end), so that a text is searched in time that grows with its length alone.
 */
export interface RedactRule {
  /** What the mark says: `[redacted: openai key]`. */
  readonly kind: string;
  /** Plain texts; in lower case where `ignoresCase` is set. */
  readonly anchors: readonly string[];
  readonly ignoresCase?: boolean;
  /** How many characters before its anchor a match begins; default 0. */
  readonly offset?: number;
  /** A match must not begin inside a word. */
  readonly needsEdge?: boolean;
  /**
   * With the flag `y`. What its group `secret` holds is masked; the rest of the match (groups `before`, `after`) stays.
   */
  readonly pattern: RegExp;
  /** Says of a match whether it is one; without it every match is. */
  readonly accepts?: (secret: string, before: string) => boolean;
}

/** A rule for keys that their first characters give away. */
export function keyRule(
  kind: string,
  prefix: string,
  body: string,
  accepts?: (secret: string) => boolean,
): RedactRule {
  return anchoredRule({ kind, anchor: prefix, pattern: `${escape(prefix)}${body}`, accepts });
}

/** {@link keyRule} for several prefixes that have a part in common, which begins `offset` characters in. */
export function anchoredRule(rule: {
  readonly kind: string;
  readonly anchor: string;
  readonly offset?: number;
  readonly pattern: string;
  readonly accepts?: ((secret: string) => boolean) | undefined;
}): RedactRule {
  return {
    kind: rule.kind,
    anchors: [rule.anchor],
    offset: rule.offset ?? 0,
    needsEdge: true,
    pattern: new RegExp(`(?<secret>${rule.pattern})`, 'y'),
    ...(rule.accepts === undefined ? {} : { accepts: rule.accepts }),
  };
}

/** `text` with every match masked; `onMasked` is told of each. */
export function applyRule(
  text: string,
  rule: RedactRule,
  onMasked: (kind: string) => void,
): string {
  let masked = text;
  for (const anchor of rule.anchors) {
    const searched = rule.ignoresCase === true ? toLower(masked) : masked;
    const first = searched.indexOf(anchor);
    if (first >= 0) masked = applyAnchor({ text: masked, searched, anchor, first }, rule, onMasked);
  }
  return masked;
}

function applyAnchor(
  at: {
    readonly text: string;
    readonly searched: string;
    readonly anchor: string;
    readonly first: number;
  },
  rule: RedactRule,
  onMasked: (kind: string) => void,
): string {
  const { text, searched, anchor } = at;
  const { pattern, offset = 0, accepts } = rule;
  let masked = '';
  let done = 0;
  for (let found = at.first; found >= 0;) {
    let next = found + 1;
    const start = found - offset;
    if (start >= done && (rule.needsEdge !== true || isEdge(text, start))) {
      pattern.lastIndex = start;
      const match = pattern.exec(text);
      const { before = '', secret = '', after = '' } = match?.groups ?? {};
      if (match !== null && accepts?.(secret, before) !== false) {
        masked += `${text.slice(done, start)}${before}${toMark(rule.kind)}${after}`;
        done = start + match[0].length;
        next = Math.max(next, done);
        onMasked(rule.kind);
      }
    }
    found = searched.indexOf(anchor, next);
  }
  return done === 0 ? text : masked + text.slice(done);
}

/** Some letters have more code units in lower case than in upper case: then only those of ASCII are changed. */
function toLower(text: string): string {
  const lower = text.toLowerCase();
  return lower.length === text.length
    ? lower
    : text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/**
 * Whether a key may begin here: not inside a word, but behind the letter of an escape (`\nsk-…` in JSON inside JSON)
 * or a percent code.
 */
export function isEdge(text: string, at: number): boolean {
  if (at === 0 || !/[A-Za-z0-9_-]/.test(text.charAt(at - 1))) return true;
  return /\\(?:[bfnrt]|u[0-9a-f]{4})$|%[0-9a-f]{2}$/i.test(text.slice(Math.max(0, at - 6), at));
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** Whether a text looks drawn at random: it has a digit, or letters of both cases. Words of a language have neither. */
export function looksRandom(text: string): boolean {
  return /\d/.test(text) || (/[a-z]/.test(text) && /[A-Z]/.test(text));
}

/** Letters of both cases and digits: no word, no hex hash, no slug. */
export function isMixed(text: string): boolean {
  return /\d/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text);
}
