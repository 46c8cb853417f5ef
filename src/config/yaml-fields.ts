/** Reads the fields of a map of a YAML file, and collects what is wrong with them at their place. */
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import { nearest } from './nearest.ts';
import type { YamlFile } from './yaml-place.ts';

/** Told of each problem, with its place in front. */
export interface YamlReader {
  readonly file: YamlFile;
  readonly refuse: (node: unknown, reason: string) => void;
}

export interface YamlField {
  readonly value: unknown;
  /** For the place of a problem. */
  readonly node: unknown;
}

export type YamlFields = ReadonlyMap<string, YamlField>;

/** The value behind an alias (`*name`). */
export function resolved(reader: YamlReader, node: unknown): unknown {
  return isAlias(node) ? node.resolve(reader.file.document) : node;
}

/** The items of a list; none where it is absent or no list. */
export function readList(reader: YamlReader, node: unknown, what: string): unknown[] {
  const list = resolved(reader, node);
  if (list === null || list === undefined || isNull(list)) return [];
  if (isSeq(list)) return list.items;
  reader.refuse(list, `${what} must be a list (lines that begin with "- ")`);
  return [];
}

/** The fields of a map; null where it is none. Names that nobody knows are refused. */
export function readFields(
  reader: YamlReader,
  node: unknown,
  shape: { readonly what: string; readonly names: readonly string[] },
): YamlFields | null {
  const map = resolved(reader, node);
  if (!isMap(map)) {
    reader.refuse(map, `${shape.what} must have fields (${shape.names.join(', ')})`);
    return null;
  }
  const fields = new Map<string, YamlField>();
  for (const { key, value } of map.items) {
    const name = isScalar(key) ? String(key.value) : '';
    if (!shape.names.includes(name)) {
      const meant = nearest(name, shape.names);
      const advice =
        meant === null ? `Known are ${shape.names.join(', ')}` : `Did you mean ${meant}?`;
      reader.refuse(key, `${shape.what} has no field "${name}". ${advice}`);
      continue;
    }
    const item = resolved(reader, value);
    fields.set(name, { value: isScalar(item) ? item.value : item, node: item ?? key });
  }
  return fields;
}

function isNull(node: unknown): boolean {
  return isScalar(node) && node.value === null;
}

/** A text that is not empty; null, with a problem, where it is none. */
export function readText(
  reader: YamlReader,
  parent: { readonly node: unknown; readonly fields: YamlFields; readonly what: string },
  name: string,
): string | null {
  const field = parent.fields.get(name);
  if (field === undefined) {
    reader.refuse(parent.node, `${parent.what} needs ${name}`);
    return null;
  }
  if (typeof field.value === 'string' && field.value.trim() !== '') return field.value.trim();
  reader.refuse(field.node, `${name} must be a text`);
  return null;
}

/** A number within the bounds; `missing` where it is absent; null, with a problem, where it is something else. */
export function readNumber<Missing>(
  reader: YamlReader,
  field: YamlField | undefined,
  rule: {
    readonly name: string;
    readonly from: number;
    readonly to: number;
    readonly isWhole: boolean;
    readonly missing: Missing;
  },
): number | Missing | null {
  if (field === undefined) return rule.missing;
  const { value } = field;
  const isNumber = typeof value === 'number' && value >= rule.from && value <= rule.to;
  if (isNumber && (!rule.isWhole || Number.isInteger(value))) return value;
  reader.refuse(
    field.node,
    `${rule.name} must be a ${rule.isWhole ? 'whole ' : ''}number from ${rule.from} to ${rule.to}`,
  );
  return null;
}
