/** What is kept of a row beside its known fields: scalars of the request, and small metadata. Never a secret. */
import type { RowMetadata } from './row-metadata.ts';
import { toDecoded } from './coerce.ts';

type Scalar = string | number | boolean;

const maxTextLength = 500;
const maxObjectLength = 2_048;
const maxMetadataLength = 6_144;

/** Names whose value may be a credential, in a parameter or in metadata. */
const secretName =
  /authorization|api[_-]?key$|apikey$|secret|password|cookie|credential|bearer|private[_-]?key|access[_-]?(?:key|token)|^token$|_token$|jwt/i;

/** Parameters that are content, or that LiteLLM adds to what was sent. */
const droppedParameters = new Set([
  'functions',
  'system_fingerprint',
  'tools',
  'extra_body',
  'extra_headers',
  'messages',
  'input',
  'prompt',
]);

/** Scalars of `modelParameters`. LiteLLM writes objects as Python text, `"{'include_usage': True}"`: not kept. */
export function toParameters(
  modelParameters: Readonly<Record<string, unknown>> | null,
): Readonly<Record<string, Scalar>> {
  const kept: [string, Scalar][] = [];
  for (const [name, value] of sortedEntries(modelParameters ?? {})) {
    if (droppedParameters.has(name) || secretName.test(name) || !isSmallScalar(value)) continue;
    if (typeof value === 'string' && /^\s*[[{(]/.test(value)) continue;
    kept.push([name, value]);
  }
  return Object.fromEntries(kept);
}

/** Bulk, running totals of keys and budgets, personal data, and what is a field of its own. */
const droppedMetadata = new Set([
  'additional_headers',
  'applied_guardrails',
  'attributes',
  'caching_groups',
  'deployment_model_name',
  'endpoint',
  'headers',
  'hidden_params',
  'litellm_response_cost',
  'litellm_call_id',
  'model_group',
  'model_info',
  'previous_models',
  'requester_custom_headers',
  'requester_ip_address',
  'resourceAttributes',
  'response_id',
  'scope',
  'usage_object',
  'user_api_key',
  'user_api_key_alias',
  'user_api_key_auth',
  'user_api_key_auth_metadata',
  'user_api_key_end_user_id',
  'user_api_key_hash',
  'user_api_key_metadata',
  'user_api_key_team_alias',
  'user_api_key_team_id',
  'user_api_key_team_metadata',
  'user_api_key_user_email',
  'user_api_key_user_id',
]);
const noiseName =
  /(?:^|_)(?:spend|budget|budgets|max_parallel_requests|rpm_limit|tpm_limit)(?:$|_)/;
/** The client's own key-value pairs: kept although their name speaks of spend. */
const keptObjects = new Set([
  'requester_metadata',
  'spend_logs_metadata',
  'user_api_key_request_route',
]);

/** Metadata of a row worth keeping: small scalars and the client's own small objects, by name until 6 KiB are full. */
export function toKeptMetadata(
  metadata: RowMetadata,
  more: Readonly<Record<string, string | null>>,
): Readonly<Record<string, unknown>> {
  const kept: [string, unknown][] = Object.entries(more).filter(([, value]) => value !== null);
  let length = 0;
  for (const [name, raw] of sortedEntries({ ...toOtelMetadata(metadata), ...metadata.all })) {
    if (Object.hasOwn(more, name) || droppedMetadata.has(name) || secretName.test(name)) continue;
    if (noiseName.test(name) && !keptObjects.has(name)) continue;
    const value = toKeptValue(name, raw);
    if (value === undefined) continue;
    length += name.length + JSON.stringify(value).length;
    if (length > maxMetadataLength) break;
    kept.push([name, value]);
  }
  return Object.fromEntries(kept);
}

function toKeptValue(name: string, raw: unknown): unknown {
  if (!keptObjects.has(name)) return isSmallScalar(raw) ? raw : undefined;
  const value = withoutSecrets(toDecoded(raw), 0);
  if (value === undefined || value === null) return undefined;
  const text = JSON.stringify(value);
  return text === '{}' || text.length > maxObjectLength ? undefined : value;
}

function withoutSecrets(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > 6) return undefined;
  if (Array.isArray(value))
    return value.map((item: unknown) => withoutSecrets(item, depth + 1) ?? null);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !secretName.test(name))
      .map(([name, item]) => [name, withoutSecrets(item, depth + 1)]),
  );
}

/** Span attributes that are LiteLLM metadata, under their plain names. */
function toOtelMetadata(metadata: RowMetadata): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(metadata.attributes ?? {}).flatMap(([name, value]) => {
      const plain = /^(?:litellm\.)?metadata\.(.+)$/.exec(name)?.[1];
      return plain === undefined ? [] : [[plain, value] as const];
    }),
  );
}

function isSmallScalar(value: unknown): value is Scalar {
  if (typeof value === 'string') return value !== '' && value.length <= maxTextLength;
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}

function sortedEntries(record: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
