/** The `models:` of the settings file: other names of a model, and its price. */
import { isScalar } from 'yaml';
import type { Price } from '../shared/measures.ts';
import { readFields, readList, readNumber, readText, type YamlReader } from './yaml-fields.ts';

export interface ModelEntries {
  readonly aliases: Readonly<Record<string, string>>;
  readonly prices: readonly Price[];
}

const priceNames = ['input', 'output', 'cache_read', 'cache_write'] as const;
/** Far above any price per million tokens. */
const mostUsd = 1_000_000;

/** Reports each problem to the reader; entries with one are left out. */
export function parseModelEntries(reader: YamlReader, nodes: readonly unknown[]): ModelEntries {
  const aliases = new Map<string, string>();
  const prices = new Map<string, Price>();
  const seen = new Set<string>();
  for (const node of nodes) {
    const fields = readFields(reader, node, {
      what: 'a model',
      names: ['name', 'aliases', 'price_per_million_tokens'],
    });
    if (fields === null) continue;
    const name = readText(reader, { node, fields, what: 'a model' }, 'name');
    if (name === null) continue;
    if (seen.has(name)) reader.refuse(node, `models has ${name} twice`);
    seen.add(name);
    for (const item of readList(reader, fields.get('aliases')?.node, 'aliases')) {
      const alias = isScalar(item) && typeof item.value === 'string' ? item.value : '';
      if (alias === '') reader.refuse(item, 'an alias must be the name of a model as it is logged');
      else if ((aliases.get(alias) ?? name) !== name)
        reader.refuse(item, `${alias} is an alias of ${aliases.get(alias) ?? ''} already`);
      else aliases.set(alias, name);
    }
    const price = fields.get('price_per_million_tokens');
    const parsed = price === undefined ? null : parsePrice(reader, { name, node: price.node });
    if (parsed !== null) prices.set(name, parsed);
  }
  return {
    aliases: Object.fromEntries(aliases),
    prices: [...prices.values()].toSorted((a, b) => (a.model < b.model ? -1 : 1)),
  };
}

function parsePrice(
  reader: YamlReader,
  price: { readonly name: string; readonly node: unknown },
): Price | null {
  const fields = readFields(reader, price.node, { what: 'a price', names: priceNames });
  if (fields === null) return null;
  const read = (name: (typeof priceNames)[number]): number | 'missing' | null =>
    readNumber(reader, fields.get(name), {
      name,
      from: 0,
      to: mostUsd,
      isWhole: false,
      missing: 'missing' as const,
    });
  const [input, output, cacheRead, cacheWrite] = priceNames.map(read);
  if (input === 'missing' || output === 'missing') {
    reader.refuse(
      price.node,
      `the price of ${price.name} needs input and output (USD per million tokens)`,
    );
    return null;
  }
  if (typeof input !== 'number' || typeof output !== 'number') return null;
  if (cacheRead === null || cacheWrite === null) return null;
  return {
    model: price.name,
    inputUsd: input,
    outputUsd: output,
    cacheReadUsd: typeof cacheRead === 'number' ? cacheRead : null,
    cacheWriteUsd: typeof cacheWrite === 'number' ? cacheWrite : null,
  };
}
