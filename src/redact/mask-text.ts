/** Masks what rules find in a text. */
import { maskPrivateKeys } from './private-keys.ts';
import { credentialRules } from './credential-rules.ts';
import { emailRule, phoneRule, type PersonalRule } from './personal-rules.ts';
import { toMark } from './mark.ts';
import { applyRule, isMixed } from './rule.ts';

/** What is masked: kinds that are built in, and own patterns. */
export interface RedactRules {
  readonly kinds: readonly RedactKind[];
  readonly patterns: readonly OwnPattern[];
}

export const redactKinds = ['credentials', 'email', 'phone'] as const;
export type RedactKind = (typeof redactKinds)[number];

/** A team's own pattern, already compiled: replaces each match by `mark` and tells how many there were. */
export interface OwnPattern {
  readonly name: string;
  /** What it was made of: tells two sets of rules apart. */
  readonly source: string;
  readonly replace: (
    text: string,
    mark: string,
  ) => { readonly text: string; readonly count: number };
}

/**
 * `text` with a mark such as `[redacted: jwt]` in the place of each thing that the rules find; `onMasked` is told of
 * each. Takes time that grows with the length of the text alone. Masking again changes nothing.
 */
export function maskText(
  text: string,
  rules: RedactRules,
  onMasked: (kind: string) => void = () => {},
): string {
  // The shortest thing that any rule finds; most strings of a message are names and roles.
  if (text.length < 6) return text;
  if (text.length > longestKnown) return maskAnew(text, rules, onMasked);
  const known = cleanTextsOf(rules);
  if (known.has(text)) return text;
  const masked = maskAnew(text, rules, onMasked);
  if (masked === text) {
    if (known.size >= mostKnown) known.clear();
    known.add(text);
  }
  return masked;
}

/**
 * Short texts in which the rules found nothing: rows repeat the names of models, tools and keys without end. A text
 * that was masked is never remembered.
 */
const cleanTexts = new WeakMap<RedactRules, Set<string>>();
const longestKnown = 200;
const mostKnown = 10_000;

function cleanTextsOf(rules: RedactRules): Set<string> {
  let known = cleanTexts.get(rules);
  if (known === undefined) cleanTexts.set(rules, (known = new Set()));
  return known;
}

function maskAnew(text: string, rules: RedactRules, onMasked: (kind: string) => void): string {
  let masked = text;
  if (rules.kinds.includes('credentials')) {
    masked = maskAwsSecrets(masked, onMasked);
    masked = maskPrivateKeys(masked, onMasked);
    for (const rule of credentialRules) masked = applyRule(masked, rule, onMasked);
  }
  if (rules.kinds.includes('email') && /@|%40/.test(masked))
    masked = applyPersonal(masked, emailRule, onMasked);
  if (rules.kinds.includes('phone')) masked = applyPersonal(masked, phoneRule, onMasked);
  for (const pattern of rules.patterns) {
    const replaced = pattern.replace(masked, toMark(pattern.name));
    masked = replaced.text;
    for (let nth = 0; nth < replaced.count; nth += 1) onMasked(pattern.name);
  }
  return masked;
}

function applyPersonal(
  text: string,
  { kind, pattern, accepts }: PersonalRule,
  onMasked: (kind: string) => void,
): string {
  return text.replaceAll(pattern, (found) => {
    if (!accepts(found)) return found;
    onMasked(kind);
    return toMark(kind);
  });
}

const awsKeyId = /A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])/g;
const awsSecret = /(?:(?<![A-Za-z0-9+/=])|(?<=\\[bfnrt]))[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])/g;
const nearBy = 400;

/** AWS's secret keys have no prefix: one is taken for what it is only near an access key id. */
function maskAwsSecrets(text: string, onMasked: (kind: string) => void): string {
  if (!text.includes('AKIA') && !text.includes('ASIA')) return text;
  const ids = [...text.matchAll(awsKeyId)].map((match) => match.index);
  let next = 0;
  return text.replaceAll(awsSecret, (secret: string, at: number) => {
    while (next < ids.length && (ids[next] ?? 0) < at - nearBy) next += 1;
    const isNear = next < ids.length && (ids[next] ?? 0) < at + nearBy;
    if (!isNear || !isMixed(secret)) return secret;
    onMasked('aws secret');
    return toMark('aws secret');
  });
}
