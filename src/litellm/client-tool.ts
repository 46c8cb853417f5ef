/**
 * Which client sent a call, by the product of its user agent. LiteLLM tags requests with `User-Agent: <product>`
 * and `User-Agent: <product>/<version> …` and keeps `user_agent` in the metadata of newer builds.
 */
import { own, toText } from './coerce.ts';
import type { RowMetadata } from './row-metadata.ts';

/** Libraries rather than tools: named where nothing better is known of a trace. */
const genericProducts = new Set([
  'ai-sdk',
  'Anthropic/JS',
  'Anthropic/Python',
  'OpenAI/JS',
  'OpenAI/Python',
  'OpenAI',
  'Anthropic',
  'aiohttp',
  'axios',
  'browser',
  'curl',
  'Go-http-client',
  'node',
  'node-fetch',
  'okhttp',
  'python-httpx',
  'python-requests',
  'undici',
]);

const plainNames: ReadonlyMap<string, string> = new Map([
  ['AsyncAnthropic/Python', 'Anthropic/Python'],
  ['AsyncOpenAI/Python', 'OpenAI/Python'],
  ['AsyncOpenAI', 'OpenAI'],
  ['AsyncAnthropic', 'Anthropic'],
  ['Mozilla', 'browser'],
  ['Python', 'aiohttp'],
]);

/** The user agent that the row itself holds, or null. */
export function toUserAgent(metadata: RowMetadata): string | null {
  const agent =
    toText(metadata.get('user_agent')) ?? toText(metadata.attribute('user_agent.original'));
  if (agent !== null) return agent;
  const headers = metadata.requesterHeaders;
  const name = Object.keys(headers ?? {}).find((key) => /^(?:x-)?user-agent$/i.test(key));
  return name === undefined ? null : toText(own(headers, name));
}

/**
 * The product: from the row's own user agent, else from the trace's tags. The tags of a trace that several
 * clients share name them all: a tool wins over a library, then the first by name.
 */
export function toClientTool(told: {
  readonly userAgent: unknown;
  readonly tags: readonly string[];
}): string | null {
  const userAgent = toText(told.userAgent);
  if (userAgent !== null) return toProduct(userAgent);

  const products = new Set<string>();
  for (const tag of told.tags) {
    const agent = /^user-agent:(.*)$/i.exec(tag)?.[1]?.trim();
    if (agent !== undefined && agent !== '') products.add(toProduct(agent));
  }
  // `User-Agent: OpenAI` and `User-Agent: OpenAI/JS 4.83.0` are one client.
  const whole = [...products].filter(
    (product) => ![...products].some((p) => p.startsWith(`${product}/`)),
  );
  const sorted = whole.toSorted();
  return sorted.find((product) => !genericProducts.has(product)) ?? sorted[0] ?? null;
}

/** `claude-cli/2.1.0 (external, cli)` to `claude-cli`, `OpenAI/JS 4.83.0` to `OpenAI/JS`. */
function toProduct(userAgent: string): string {
  const [product = userAgent, second = ''] = (userAgent.split(/[\s;(]/, 1)[0] ?? userAgent).split(
    '/',
  );
  const isLibraryLanguage = /^(?:JS|Python|Go|Java|Ruby)$/.test(second);
  const name = isLibraryLanguage ? `${product}/${second}` : product;
  return plainNames.get(name) ?? (name === '' ? userAgent : name);
}
