/** What is understood of a call, a trace or a score as it may be kept: texts masked, names hashed. */
import type { Generation } from '../litellm/generation.ts';
import { hashName, isDrawnId, type HashRules, type NameKind } from '../redact/hash-name.ts';
import { hashTextRules, protectLine, protectValue, type PrivacyRules } from '../redact/privacy.ts';
import type { Score, TraceAttributes } from '../shared/observation.ts';
import type { TextRules } from '../store/contents.ts';
import type { Fact } from '../store/fact.ts';

type Names = readonly (readonly [name: string, hashed: string])[];

export function protectGeneration(generation: Generation, rules: PrivacyRules): Generation {
  const { hashed } = rules;
  const names = toNames(
    {
      users: [generation.userId, generation.keyOwnerId],
      keys: [generation.keyAlias],
      teams: [generation.teamAlias],
    },
    hashed,
  );
  const line = (text: string | null): string | null =>
    text === null ? null : withoutNames(protectLine(text, rules), names);
  const protect = <T>(value: T): T => withoutNamesIn(protectValue(value, rules), names) as T;
  return {
    ...generation,
    userId: protectName(generation.userId, 'users', hashed),
    keyOwnerId: protectName(generation.keyOwnerId, 'users', hashed),
    keyAlias: protectName(generation.keyAlias, 'keys', hashed),
    teamAlias: protectName(generation.teamAlias, 'teams', hashed),
    sessionId: protectSession(generation.sessionId, hashed),
    sessionHint: protectSession(generation.sessionHint, hashed),
    name: line(generation.name),
    statusMessage: line(generation.statusMessage),
    tags: generation.tags.map((tag) => line(tag) ?? ''),
    parameters: withoutPersonal(protect(generation.parameters), hashed),
    metadata: withoutPersonal(protect(generation.metadata), hashed),
  };
}

export function protectTrace(trace: TraceAttributes, rules: PrivacyRules): TraceAttributes {
  const { hashed } = rules;
  const names = toNames({ users: [trace.userId], keys: [], teams: [] }, hashed);
  return {
    ...trace,
    userId: protectName(trace.userId, 'users', hashed),
    sessionId: protectSession(trace.sessionId, hashed),
    name: trace.name === null ? null : withoutNames(protectLine(trace.name, rules), names),
    tags: trace.tags.map((tag) => withoutNames(protectLine(tag, rules), names)),
    // Nothing is asked of the metadata of a trace, and it repeats names under any key.
    metadata:
      hashed.kinds.length > 0
        ? {}
        : (protectValue(trace.metadata, rules) as TraceAttributes['metadata']),
  };
}

export function protectScore(score: Score, rules: PrivacyRules): Score {
  return {
    ...score,
    sessionId: protectSession(score.sessionId, rules.hashed),
    stringValue: protectLine(score.stringValue, rules),
    comment: protectLine(score.comment, rules),
  };
}

/** A fact as it may be shown: one that was kept under other rules is protected by those that hold now. */
export function protectFact(fact: Fact, rules: PrivacyRules): Fact {
  const { hashed } = rules;
  return {
    ...fact,
    status_message: protectLine(fact.status_message, rules),
    user_id: protectName(fact.user_id, 'users', hashed),
    key_owner_id: protectName(fact.key_owner_id, 'users', hashed),
    key_alias: protectName(fact.key_alias, 'keys', hashed),
    team_alias: protectName(fact.team_alias, 'teams', hashed),
  };
}

export function protectName<T extends string | null>(name: T, kind: NameKind, rules: HashRules): T {
  if (name === null || !rules.kinds.includes(kind)) return name;
  const word = { users: 'user', keys: 'key', teams: 'team' } as const;
  return hashName(word[kind], name, rules) as T;
}

/** Where users are hashed, a session id that a machine has not drawn is hashed whole: it may be made of a name. */
function protectSession<T extends string | null>(sessionId: T, rules: HashRules): T {
  if (sessionId === null || !rules.kinds.includes('users') || isDrawnId(sessionId))
    return sessionId;
  return hashName('session', sessionId, rules) as T;
}

/** The names of a call with their hashes, the longest first, so that none is replaced inside another. */
function toNames(
  known: Readonly<Record<NameKind, readonly (string | null)[]>>,
  rules: HashRules,
): Names {
  return rules.kinds
    .flatMap((kind) =>
      known[kind].flatMap((name): [string, string][] =>
        name === null || name.length < shortestName ? [] : [[name, protectName(name, kind, rules)]],
      ),
    )
    .filter(([name, hash]) => name !== hash)
    .toSorted(([a], [b]) => b.length - a.length);
}

/** A shorter name is in too many words that do not mean it. */
const shortestName = 3;

function withoutNames(text: string, names: Names): string {
  let replaced = text;
  for (const [name, hash] of names) replaced = replaced.replaceAll(name, () => hash);
  return replaced;
}

function withoutNamesIn(value: unknown, names: Names): unknown {
  if (names.length === 0) return value;
  if (typeof value === 'string') return withoutNames(value, names);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => withoutNamesIn(item, names));
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, withoutNamesIn(field, names)]),
  );
}

const personalField = /user|email|session|cache_key|customer|person|owner/i;

/** Fields of parameters and metadata that name a person or are made of one go where users are hashed. */
function withoutPersonal<T extends Readonly<Record<string, unknown>>>(
  record: T,
  rules: HashRules,
): T {
  if (!rules.kinds.includes('users')) return record;
  const without = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(without);
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => name === 'user_agent' || !personalField.test(name))
        .map(([name, field]) => [name, without(field)]),
    );
  };
  return without(record) as T;
}

/** How texts are kept in the state file and shown from it. */
export function toTextRules(privacy: PrivacyRules): TextRules {
  return {
    hash: hashTextRules(privacy),
    protect: (value, onMasked) => protectValue(value, privacy, onMasked),
  };
}
