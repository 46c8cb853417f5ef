/** Dimensions by name: the expression over facts that each stands for. docs/custom-metrics.md lists them. */
export const knownDimensions: Readonly<Record<string, string>> = {
  user: 'user_id',
  team: 'COALESCE(team_alias, team_id)',
  key_alias: 'key_alias',
  tag: 'tags',
  environment: 'environment',
  prompt: 'prompt_name',
  prompt_version: "prompt_name || ' v' || prompt_version",
  provider: 'provider',
  client_tool: 'client_tool',
  release: 'release',
};

/** Columns whose values are (nearly) as many as there are facts: a run for each would say nothing. */
const uniqueColumns = new Set([
  'id',
  'trace_id',
  'call_id',
  'response_id',
  'request_id',
  'session_id',
  'session_hint',
  'content_hash',
  'row_hash',
  'start_ms',
  'end_ms',
  'updated_ms',
]);

/** True for the bare name of such a column. */
export function isUniqueColumn(sql: string): boolean {
  return uniqueColumns.has(sql.toLowerCase().replaceAll(/[\s()"`[\]]/g, ''));
}

/** `json_extract(metadata, …)` of a path (`$.a.b`) or a plain key. */
export function toMetadataSql(path: string): string {
  const whole = path.startsWith('$') ? path : `$."${path}"`;
  return `json_extract(metadata, '${whole.replaceAll("'", "''")}')`;
}
