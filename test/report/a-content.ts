import { hashOf } from '../../src/shared/hash.ts';
import { withoutCacheMarks, type StoredContent } from '../../src/store/contents.ts';

export const system = (content: unknown): unknown => ({ role: 'system', content });
export const user = (content: unknown): unknown => ({ role: 'user', content });
export const assistant = (content: unknown): unknown => ({ role: 'assistant', content });
/** An answer as LiteLLM logs it. */
export const answer = (content: unknown): unknown => ({
  content,
  role: 'assistant',
  tool_calls: null,
  function_call: null,
  provider_specific_fields: null,
});

/** What the store gives back for a call with these messages. */
export function aContent(
  messages: readonly unknown[],
  output: unknown,
  parts: Partial<StoredContent> = {},
): StoredContent {
  const stored = messages
    .map(withoutCacheMarks)
    .map((message) => ({ hash: hashOf(message), message }));
  return { messages: stored, input: null, rest: null, output, ...parts };
}
