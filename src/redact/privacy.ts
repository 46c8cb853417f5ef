/** What a team has decided about texts and names, and its fingerprint. */
import { hashOf } from '../shared/hash.ts';
import { cutValue } from './cut-value.ts';
import { hashName, type HashRules } from './hash-name.ts';
import { maskText, type RedactRules } from './mask-text.ts';
import { maskValue } from './mask-value.ts';
import { renderTextMode, type TextMode } from './text-mode.ts';

export interface PrivacyRules {
  readonly text: TextMode;
  readonly redact: RedactRules;
  /** Of one text in UTF-8; null for no limit. */
  readonly maxTextBytes: number | null;
  readonly hashed: HashRules;
}

/** Grows when the built-in rules find something else, so that what is published is masked anew. */
const rulesVersion = 1;

/** A text or JSON value as it may be kept and shown. Protecting again changes nothing. */
export function protectValue(
  value: unknown,
  rules: PrivacyRules,
  onMasked: (kind: string) => void = () => {},
): unknown {
  const masked = maskValue(value, rules.redact, onMasked);
  return rules.maxTextBytes === null ? masked : cutValue(masked, rules.maxTextBytes);
}

/** The text of an error, a reason or a name: masked, never cut. */
export function protectLine<T extends string | null>(text: T, rules: PrivacyRules): T {
  return (text === null ? null : maskText(text, rules.redact)) as T;
}

/** Tells apart rules by which texts are kept otherwise. */
export function hashTextRules(rules: PrivacyRules): string {
  return hashOf([
    rulesVersion,
    rules.redact.kinds,
    rules.redact.patterns.map(({ name, source }) => [name, source]),
    rules.maxTextBytes,
  ]);
}

/** Tells apart rules by which runs and their files look otherwise. */
export function hashPrivacy(rules: PrivacyRules): string {
  return hashOf([
    hashTextRules(rules),
    renderTextMode(rules.text),
    rules.hashed.kinds.length === 0
      ? null
      : [rules.hashed.kinds.toSorted(), hashName('user', '', rules.hashed)],
  ]);
}
