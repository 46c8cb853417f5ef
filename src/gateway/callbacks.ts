/** The lists of callbacks in `litellm_settings`: which calls each is told of. */
export const callbackLists = ['success_callback', 'failure_callback', 'callbacks'] as const;

/** What LiteLLM may add to each call in Langfuse as a tag `key:value`. */
export const usefulTags = [
  'user_api_key_alias',
  'user_api_key_team_alias',
  'user_api_key_user_id',
  'cache_hit',
] as const;

/** A value as the list that LiteLLM means by it: nothing is an empty list, one word a list of one. */
export function toList(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

/** LiteLLM's own `mlflow`, or an instance out of a module of that name. */
export function isMlflowCallback(name: unknown): boolean {
  return typeof name === 'string' && /^mlflow$|^mlflow_callback\./.test(name);
}

/** `litellm_settings` at the top level, as data; empty where there is none. */
export function toLitellmSettings(
  data: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const settings = data['litellm_settings'];
  return typeof settings === 'object' && settings !== null && !Array.isArray(settings)
    ? (settings as Record<string, unknown>)
    : {};
}
