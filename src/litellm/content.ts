/** What only the text of a call tells. Readers of old Langfuse get it with the row, of new ones on request. */
import type { ObservationContent } from '../shared/observation.ts';
import { own, toDecoded, toText } from './coerce.ts';
import { toFailure, unknownErrorClass } from './failure.ts';
import type { Generation } from './generation.ts';

export const maxStatusMessageLength = 4_000;

/**
 * The generation with what its text adds: the number of tool calls, whether missing usage is really missing
 * (only a success that has output must have used tokens), and the text of an error that has no status message.
 * Applying the same content twice changes nothing.
 */
export function withContent(generation: Generation, content: ObservationContent): Generation {
  const toolCalls = countToolCalls(content.output);
  if (!generation.isError) {
    if (generation.tokens !== null) return { ...generation, toolCalls };
    return { ...generation, toolCalls, usageFault: hasOutput(content.output) ? 'missing' : null };
  }
  const text = generation.statusMessage === null ? toText(content.output) : null;
  if (text === null) return { ...generation, toolCalls };
  const failure = toFailure(text, null);
  return {
    ...generation,
    toolCalls,
    statusMessage: text.slice(0, maxStatusMessageLength),
    errorClass:
      generation.errorClass === null || generation.errorClass === unknownErrorClass
        ? failure.errorClass
        : generation.errorClass,
    httpStatus: generation.httpStatus ?? failure.httpStatus,
  };
}

/** What LiteLLM and Langfuse write instead of a text that is masked, too large or cut. */
const replacedText =
  /^redacted-by-litellm$|^<truncated due to size exceeding limit>$|\.\.\.\(truncated\)$/;

/**
 * Tool calls in an output: chat `tool_calls`, Anthropic `tool_use` blocks, `function_call` and
 * `custom_tool_call` items of the Responses API, the older single `function_call`; also inside a list of
 * messages, a whole response, or the JSON text of any of them. Null where the output is absent, masked or cut.
 */
export function countToolCalls(output: unknown): number | null {
  const decoded = toDecoded(output);
  if (decoded === undefined || decoded === null) return null;
  if (typeof decoded === 'string') return replacedText.test(decoded) ? null : 0;
  return countIn(decoded, 0);
}

const maxDepth = 6;

function countIn(value: unknown, depth: number): number {
  if (depth > maxDepth || typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) {
    return value.reduce((total: number, item: unknown) => total + countIn(item, depth + 1), 0);
  }
  const record = value as Readonly<Record<string, unknown>>;
  const type = own(record, 'type');
  if (type === 'tool_use' || type === 'function_call' || type === 'custom_tool_call') return 1;

  const calls = own(record, 'tool_calls');
  const legacyCall = own(record, 'function_call');
  const asChat =
    Array.isArray(calls) && calls.length > 0 ? calls.length : isObject(legacyCall) ? 1 : 0;
  // A message may say the same calls twice, as `tool_calls` and as blocks of its content.
  const asBlocks = ['content', 'message', 'messages', 'choices', 'output'].reduce((total, key) => {
    const inner = own(record, key);
    return isObject(inner) ? total + countIn(inner, depth + 1) : total;
  }, 0);
  return Math.max(asChat, asBlocks);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** True where an output holds anything that took tokens to write. */
function hasOutput(output: unknown): boolean {
  const decoded = toDecoded(output);
  if (decoded === undefined || decoded === null || decoded === '') return false;
  if (typeof decoded !== 'object') return true;
  if (Array.isArray(decoded)) return decoded.some((item) => hasOutput(item));
  const record = decoded as Readonly<Record<string, unknown>>;
  const said = Object.keys(record).filter(
    (key) => key !== 'role' && key !== 'type' && key !== 'index',
  );
  return said.some((key) => {
    const value = record[key];
    if (typeof value !== 'object' || value === null) return value !== null && value !== '';
    return Object.keys(value).length > 0;
  });
}
