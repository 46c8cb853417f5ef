/**
 * Prompt and response texts. A coding agent resends its whole history with every request, so each
 * message is stored once (compressed) and a call is a list of message hashes.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { ObservationContent } from '../shared/observation.ts';
import { hashText } from '../shared/hash.ts';
import type { State } from './open-state.ts';
import { prepareOnce } from './prepare-once.ts';

export interface ContentToStore {
  readonly source: string;
  readonly traceId: string;
  readonly id: string;
  readonly updatedMs: number;
  readonly toolCalls: number | null;
  readonly content: ObservationContent;
}

/** The text of one call, put together again. `messages` is null when the input was not a list of messages. */
export interface StoredContent {
  readonly messages: readonly StoredMessage[] | null;
  /** The whole input when it was not a list of messages. */
  readonly input: unknown;
  /** Tools and functions that were sent beside the messages, or null. */
  readonly rest: unknown;
  readonly output: unknown;
}

export interface StoredMessage {
  /** Hex hash of the message without cache marks: equal for the same message in a later request. */
  readonly hash: string;
  readonly message: unknown;
}

const hashBytes = 16;

/** How texts are changed before they are stored and when they are read; changing one again changes nothing. */
export interface TextRules {
  /** Tells two sets of rules apart. */
  readonly hash: string;
  /** The value as it may be kept, itself where nothing had to go; `onMasked` is told of each masked thing. */
  readonly protect: (value: unknown, onMasked: (kind: string) => void) => unknown;
}

const asItIs: TextRules = { hash: '', protect: (value) => value };
const mostSeen = 100_000;

export interface Contents {
  put(rows: readonly ContentToStore[]): void;
  get(key: {
    readonly source: string;
    readonly traceId: string;
    readonly id: string;
  }): StoredContent | null;
}

export function openContents(state: State, rules: TextRules = asItIs): Contents {
  const { db } = state;
  const putMessage = prepareOnce(
    state,
    'INSERT INTO messages (hash, body) VALUES (?, ?) ON CONFLICT DO NOTHING',
  );
  const hasMessage = prepareOnce(state, 'SELECT 1 FROM messages WHERE hash = ?').pluck();
  const getMessage = prepareOnce(state, 'SELECT body FROM messages WHERE hash = ?').pluck();
  const putContent = prepareOnce(
    state,
    `INSERT INTO contents (source, trace_id, id, input_hashes, input_rest_hash, output_hash, is_message_list,
       content_hash, tool_calls, updated_ms, rules) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET input_hashes = excluded.input_hashes, input_rest_hash = excluded.input_rest_hash,
       output_hash = excluded.output_hash, is_message_list = excluded.is_message_list,
       content_hash = excluded.content_hash, tool_calls = excluded.tool_calls, updated_ms = excluded.updated_ms,
       rules = excluded.rules
     WHERE excluded.updated_ms = 0 OR excluded.rules <> contents.rules
        OR (excluded.updated_ms, excluded.content_hash) > (contents.updated_ms, contents.content_hash)`,
  );
  const getContent = prepareOnce(
    state,
    'SELECT * FROM contents WHERE source = ? AND trace_id = ? AND id = ?',
  );

  const putMasked = prepareOnce(
    state,
    'INSERT INTO masked_texts (hash, kind, count) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );

  /** Hash of a message as it came to the one it is stored under: a resent message is masked once. */
  const seen = new Map<string, Buffer>();

  const store = (value: unknown): Buffer => {
    const came = JSON.stringify(value) ?? 'null';
    const cameHash = hashText(came);
    const known = seen.get(cameHash.toString('latin1'));
    if (known !== undefined) return known;
    const masked = new Map<string, number>();
    const kept = rules.protect(value, (kind) => masked.set(kind, (masked.get(kind) ?? 0) + 1));
    const text = kept === value ? came : JSON.stringify(kept);
    const hash = kept === value ? cameHash : hashText(text);
    if (hasMessage.get(hash) === undefined)
      putMessage.run(hash, deflateRawSync(text, { level: 3 }));
    for (const [kind, count] of masked) putMasked.run(hash, kind, count);
    if (seen.size >= mostSeen) seen.clear();
    seen.set(cameHash.toString('latin1'), hash);
    return hash;
  };
  const load = (hash: Buffer): unknown => {
    const body = getMessage.get(hash) as Buffer | undefined;
    if (body === undefined) return null;
    const stored = JSON.parse(inflateRawSync(body).toString('utf8')) as unknown;
    return rules.protect(stored, () => {});
  };

  return {
    put: db.transaction((rows: readonly ContentToStore[]) => {
      for (const row of rows) {
        const { messages, rest } = splitInput(row.content.input);
        const inputs = messages === null ? [row.content.input] : messages.map(withoutCacheMarks);
        const inputHashes = Buffer.concat(inputs.map(store));
        const restHash = rest === null ? null : store(rest);
        const outputHash = row.content.output === null ? null : store(row.content.output);
        const contentHash = hashText(
          [inputHashes, restHash, outputHash].map((part) => part?.toString('hex') ?? '-').join('.'),
        ).toString('hex');
        putContent.run(
          row.source,
          row.traceId,
          row.id,
          inputHashes,
          restHash,
          outputHash,
          messages === null ? 0 : 1,
          contentHash,
          row.toolCalls,
          row.updatedMs,
          rules.hash,
        );
      }
    }),
    get: (key) => {
      const row = getContent.get(key.source, key.traceId, key.id) as
        | {
            input_hashes: Buffer;
            input_rest_hash: Buffer | null;
            output_hash: Buffer | null;
            is_message_list: number;
          }
        | undefined;
      if (!row) return null;
      const messages: StoredMessage[] = [];
      for (let at = 0; at < row.input_hashes.length; at += hashBytes) {
        const hash = row.input_hashes.subarray(at, at + hashBytes);
        messages.push({
          hash: hash.toString('hex'),
          // Only a message that was not met before is looked into.
          get message() {
            return load(hash);
          },
        });
      }
      const isList = row.is_message_list === 1;
      return {
        messages: isList ? messages : null,
        input: isList ? null : (messages[0]?.message ?? null),
        rest: row.input_rest_hash === null ? null : load(row.input_rest_hash),
        output: row.output_hash === null ? null : load(row.output_hash),
      };
    },
  };
}

/** LiteLLM writes `{messages, tools?, functions?}`; OpenTelemetry writers may give the bare list. */
function splitInput(input: unknown): { messages: unknown[] | null; rest: unknown } {
  if (Array.isArray(input)) return { messages: input, rest: null };
  if (typeof input !== 'object' || input === null) return { messages: null, rest: null };
  const { messages, ...rest } = input as Record<string, unknown>;
  if (!Array.isArray(messages)) return { messages: null, rest: null };
  return { messages, rest: Object.keys(rest).length > 0 ? rest : null };
}

/**
 * Agents move Anthropic's `cache_control` mark from message to message as the history grows; without it
 * the same message is the same text in every request.
 */
export function withoutCacheMarks(message: unknown): unknown {
  if (Array.isArray(message)) return message.map(withoutCacheMarks);
  if (typeof message !== 'object' || message === null) return message;
  return Object.fromEntries(
    Object.entries(message)
      .filter(([key]) => key !== 'cache_control')
      .map(([key, value]) => [key, key === 'content' ? withoutCacheMarks(value) : value]),
  );
}
