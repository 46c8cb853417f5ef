/** One name per model, out of `gpt-4o`, `openai/gpt-4o`, `azure/<deployment>`, `bedrock/converse/us.anthropic.…-v1:0`. */
import { own, toText } from './coerce.ts';
import { bedrockModelId, providerPrefixes } from './provider.ts';

const unknownModel = '(unknown)';

export interface ModelNames {
  /** The observation's model. */
  readonly raw: string | null;
  /** LiteLLM's public model name (`model_group`); absent on the newer callback builds. */
  readonly group: string | null;
  /** `litellm_params.model` of the deployment that served the call. */
  readonly deployment: string | null;
  /** `model_info.base_model`, set by an admin where a deployment's name says nothing. */
  readonly baseModel: string | null;
  /** `hidden_params.litellm_model_name`. */
  readonly litellmName: string | null;
}

/**
 * The canonical model: the alias map (exact match on raw name, group or deployment), else the first of group,
 * base model, raw name, deployment and LiteLLM's model name that is there, stripped by {@link stripModelName};
 * `(unknown)` where none is.
 *
 * The group comes first because it is what the team calls the model. It is missing on some callback builds,
 * so the same deployment may appear under its group and under its stripped raw name; the alias map joins them.
 */
export function toCanonicalModel(
  names: ModelNames,
  aliases: Readonly<Record<string, string>>,
): string {
  for (const name of [names.raw, names.group, names.deployment]) {
    const alias = name === null ? null : toText(own(aliases, name));
    if (alias !== null) return alias;
  }
  const name = names.group ?? names.baseModel ?? names.raw ?? names.deployment ?? names.litellmName;
  return name === null ? unknownModel : stripModelName(name);
}

/** Words between a provider and a model: routes of one provider, and regions (`azure/eu/…`, `bedrock/us-east-1/…`). */
const routeWord =
  /^(?:converse|converse_like|invoke|async_invoke|responses|chat|o_series|gpt5_series|us|eu|global|[a-z]{2}(?:-[a-z]+)+-\d)$/;

/**
 * Takes away what says where a model ran and not which it is: provider prefixes, Bedrock's route, region and
 * vendor, and its `-v1:0`. A name that is not a provider's (`team-a/coder`, an ARN) stays as it is.
 */
export function stripModelName(name: string): string {
  let rest = name.trim();
  for (;;) {
    const [prefix = '', ...others] = rest.split('/');
    if (others.length === 0 || others.at(-1) === '' || !providerPrefixes.has(prefix.toLowerCase()))
      break;
    while (others.length > 1 && routeWord.test(others[0] ?? '')) others.shift();
    rest = others.join('/');
  }
  if (rest.startsWith('arn:')) return rest;
  const withoutVendor = rest.replace(bedrockModelId, '');
  // Anthropic's second revisions carry a date before `-v2:0`; `claude-v2:1` and `titan-embed-text-v2:0` do not.
  const stripped = withoutVendor.replace(/-v1:\d+(?::\w+)?$|(?<=-\d{8})-v\d+:\d+(?::\w+)?$/, '');
  return stripped === '' ? name : stripped;
}
