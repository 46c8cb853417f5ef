/**
 * One way to ask for a LiteLLM key wherever its callback put it: at the top level (callback `langfuse`), or
 * among OpenTelemetry span attributes (callback `langfuse_otel`: `metadata.<key>`, `litellm.metadata.<key>`,
 * or one JSON text `metadata`). Sources: LiteLLM langfuse.py, arize/_utils.py, otel/model/baggage.py.
 */
import { own, toRecord, toText } from './coerce.ts';

export interface RowMetadata {
  /** Value of a LiteLLM metadata key, or undefined. */
  get(key: string): unknown;
  /** Value of an OpenTelemetry span attribute, or undefined. */
  attribute(...names: readonly string[]): unknown;
  /** True where the key exists at the top level, whatever its value. */
  hasOwn(key: string): boolean;
  readonly all: Readonly<Record<string, unknown>>;
  readonly attributes: Readonly<Record<string, unknown>> | null;
  readonly scopeName: string | null;
  readonly serviceName: string | null;
  readonly hiddenParams: Readonly<Record<string, unknown>> | null;
  /** Usage as the provider gave it, normalised by LiteLLM. */
  readonly usageObject: Readonly<Record<string, unknown>> | null;
  readonly modelInfo: Readonly<Record<string, unknown>> | null;
  readonly requesterMetadata: Readonly<Record<string, unknown>> | null;
  readonly requesterHeaders: Readonly<Record<string, unknown>> | null;
}

/** Wraps the decoded metadata of an observation. Never throws, whatever the metadata holds. */
export function toRowMetadata(all: Readonly<Record<string, unknown>>): RowMetadata {
  const attributes = toRecord(own(all, 'attributes'));
  const nested = toRecord(own(attributes, 'metadata'));

  const get = (key: string): unknown =>
    own(all, key) ??
    own(attributes, `metadata.${key}`) ??
    own(attributes, `litellm.metadata.${key}`) ??
    own(nested, key);
  const attribute = (...names: readonly string[]): unknown => {
    for (const name of names) {
      const value = own(attributes, name);
      if (value !== undefined && value !== null) return value;
    }
    return undefined;
  };

  const hiddenParams = toRecord(get('hidden_params'));
  return {
    all,
    attributes,
    get,
    attribute,
    hasOwn: (key) => Object.hasOwn(all, key),
    scopeName: toText(own(toRecord(own(all, 'scope')), 'name')),
    serviceName: toText(own(toRecord(own(all, 'resourceAttributes')), 'service.name')),
    hiddenParams,
    usageObject: toRecord(get('usage_object')) ?? toRecord(own(hiddenParams, 'usage_object')),
    modelInfo: toRecord(get('model_info')),
    requesterMetadata: toRecord(get('requester_metadata')),
    requesterHeaders: toRecord(get('requester_custom_headers')),
  };
}
