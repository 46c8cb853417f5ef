/** Parses the settings file (YAML): own metrics, dimensions, filters, prices and aliases of models. */
import { isAlias, isMap, isScalar } from 'yaml';
import {
  measureGrains,
  noMeasures,
  type CheckedSql,
  type CustomMetric,
  type Dimension,
  type Filter,
  type MeasureChecks,
  type MeasureGrain,
  type Measures,
} from '../shared/measures.ts';
import { isUniqueColumn, knownDimensions, toMetadataSql } from './known-dimensions.ts';
import { parseModelEntries, type ModelEntries } from './parse-model-entries.ts';
import {
  readFields,
  readList,
  readNumber,
  readText,
  resolved,
  type YamlFields,
  type YamlReader,
} from './yaml-fields.ts';
import { parseYamlFile } from './yaml-place.ts';

export interface ParsedMeasures {
  readonly measures: Measures;
  /** Names of models as they are logged, to names that they are counted under. */
  readonly modelAliases: ModelEntries['aliases'];
  /** A line each, `FILE:LINE:COLUMN: what is wrong.`; what they are about is left out of the rest. */
  readonly problems: readonly string[];
}

const sections = ['metrics', 'dimensions', 'filters', 'models'] as const;
const metricName = /^[a-z][a-z0-9_]*(?:\/[a-z0-9_]+)*$/;
const plainName = /^[a-z][a-z0-9_]*$/;
const defaultTop = 20;

/** Every problem at once, each at its line and column. Never throws. */
export function parseMeasures(
  file: { readonly path: string; readonly text: string },
  checks: MeasureChecks,
): ParsedMeasures {
  const yaml = parseYamlFile(file.path, file.text);
  const empty = { measures: noMeasures, modelAliases: {} };
  if (yaml.problems.length > 0) return { ...empty, problems: yaml.problems };
  const problems: string[] = [];
  const reader: YamlReader = {
    file: yaml,
    refuse: (node, reason) =>
      problems.push(`${yaml.placeOf(node)}: ${reason}${reason.endsWith('?') ? '' : '.'}`),
  };
  const top = yaml.document.contents;
  if (top === null) return { ...empty, problems };
  const fields = readFields(reader, top, { what: 'the settings file', names: sections });
  if (fields === null) return { ...empty, problems };
  const [metrics, dimensions, filters, modelNodes] = sections.map((name) =>
    readList(reader, fields.get(name)?.node, name),
  ) as [unknown[], unknown[], unknown[], unknown[]];
  const models = parseModelEntries(reader, modelNodes);
  const measures: Measures = {
    metrics: byName(metrics.flatMap((node) => parseMetric(reader, node, checks) ?? [])),
    dimensions: byName(dimensions.flatMap((node) => parseDimension(reader, node, checks) ?? [])),
    filters: byName(filters.flatMap((node) => parseFilter(reader, node, checks) ?? [])),
    prices: models.prices,
  };
  refuseRepeated(reader, { nodes: metrics, entries: measures.metrics, what: 'metrics' });
  refuseRepeated(reader, { nodes: dimensions, entries: measures.dimensions, what: 'dimensions' });
  refuseRepeated(reader, { nodes: filters, entries: measures.filters, what: 'filters' });
  return { measures, modelAliases: models.aliases, problems };
}

/** The order in the file means nothing, so it must not change a hash. */
function byName<Entry extends { readonly name: string }>(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The first problem of an expression, at its place; true when it can be used. */
function isUsable(
  reader: YamlReader,
  expression: CheckedSql & { readonly node: unknown; readonly what: string },
  checks: MeasureChecks,
): boolean {
  const reason = checks.checkSql({ kind: expression.kind, sql: expression.sql });
  if (reason === null) return true;
  reader.refuse(expression.node, `the SQL of ${expression.what} ${reason}`);
  return false;
}

function parseMetric(
  reader: YamlReader,
  node: unknown,
  checks: MeasureChecks,
): CustomMetric | null {
  const fields = readFields(reader, node, {
    what: 'a metric',
    names: ['name', 'sql', 'unit', 'grains'],
  });
  if (fields === null) return null;
  const parent = { node, fields, what: 'a metric' };
  const name = readName(reader, parent, metricName);
  const sql = readText(reader, parent, 'sql');
  const unit = fields.has('unit') ? readText(reader, parent, 'unit') : 'count';
  const grains = readGrains(reader, fields);
  if (name !== null && checks.isTakenMetric(name)) {
    reader.refuse(
      fields.get('name')?.node,
      `${name} is a metric of this worker already; take another name`,
    );
    return null;
  }
  const isGood =
    sql !== null &&
    isUsable(
      reader,
      { kind: 'metric', sql, node: fields.get('sql')?.node, what: `metric ${name ?? ''}`.trim() },
      checks,
    );
  return name === null || unit === null || grains === null || !isGood
    ? null
    : { name, sql, unit, grains };
}

function isGrain(item: unknown): boolean {
  return isScalar(item) && measureGrains.some((grain) => grain === item.value);
}

function readGrains(reader: YamlReader, fields: YamlFields): readonly MeasureGrain[] | null {
  const field = fields.get('grains');
  if (field === undefined) return measureGrains;
  const items = readList(reader, field.node, 'grains');
  const grains = measureGrains.filter((grain) =>
    items.some((item) => isScalar(item) && item.value === grain),
  );
  const unknown = items.filter((item) => !isGrain(item));
  for (const item of unknown) {
    reader.refuse(item, `grains may be ${measureGrains.join(', ')}`);
  }
  if (items.length === 0)
    reader.refuse(field.node, `grains must name at least one of ${measureGrains.join(', ')}`);
  return unknown.length > 0 || grains.length === 0 ? null : grains;
}

function parseDimension(
  reader: YamlReader,
  node: unknown,
  checks: MeasureChecks,
): Dimension | null {
  const item = resolved(reader, node);
  if (isScalar(item) && typeof item.value === 'string') {
    return toKnownDimension(reader, { name: item.value, node: item, top: defaultTop });
  }
  const fields = readFields(reader, node, {
    what: 'a dimension',
    names: ['name', 'sql', 'metadata', 'top'],
  });
  if (fields === null) return null;
  const parent = { node, fields, what: 'a dimension' };
  const name = readName(reader, parent, plainName);
  const top = readNumber(reader, fields.get('top'), {
    name: 'top',
    from: 1,
    to: 500,
    isWhole: true,
    missing: defaultTop,
  });
  if (name === null || top === null) return null;
  const [source, ...others] = ['sql', 'metadata'].filter((key) => fields.has(key));
  if (others.length > 0) {
    reader.refuse(node, 'a dimension has either sql or metadata');
    return null;
  }
  if (source === undefined) {
    return toKnownDimension(reader, { name, node: fields.get('name')?.node, top });
  }
  const text = readText(reader, parent, source);
  if (text === null) return null;
  const sql = source === 'sql' ? text : toMetadataSql(text);
  if (isUniqueColumn(sql)) {
    reader.refuse(
      fields.get(source)?.node,
      `dimension ${name} has about as many values as there are calls; take a column that many of them share`,
    );
    return null;
  }
  const place = { node: fields.get(source)?.node, what: `dimension ${name}` };
  return isUsable(reader, { kind: 'dimension', sql, ...place }, checks)
    ? { name, sql, isTags: false, top }
    : null;
}

function toKnownDimension(
  reader: YamlReader,
  asked: { readonly name: string; readonly node: unknown; readonly top: number },
): Dimension | null {
  const sql = Object.hasOwn(knownDimensions, asked.name) ? knownDimensions[asked.name] : undefined;
  if (sql !== undefined) {
    return { name: asked.name, sql, isTags: asked.name === 'tag', top: asked.top };
  }
  reader.refuse(
    asked.node,
    `there is no dimension "${asked.name}". Known are ${Object.keys(knownDimensions).join(', ')}; give any other with sql or metadata`,
  );
  return null;
}

function parseFilter(reader: YamlReader, node: unknown, checks: MeasureChecks): Filter | null {
  const fields = readFields(reader, node, { what: 'a filter', names: ['name', 'sql'] });
  if (fields === null) return null;
  const parent = { node, fields, what: 'a filter' };
  const name = readName(reader, parent, plainName);
  const sql = readText(reader, parent, 'sql');
  if (name === null || sql === null) return null;
  const place = { node: fields.get('sql')?.node, what: `filter ${name}` };
  return isUsable(reader, { kind: 'filter', sql, ...place }, checks) ? { name, sql } : null;
}

function readName(
  reader: YamlReader,
  parent: Parameters<typeof readText>[1],
  pattern: RegExp,
): string | null {
  const name = readText(reader, parent, 'name');
  if (name === null || (pattern.test(name) && name.length <= 100 && !name.startsWith('score/')))
    return name;
  reader.refuse(
    parent.fields.get('name')?.node,
    `the name "${name}" must be small letters, digits and _, begin with a letter and be at most 100 long`,
  );
  return null;
}

function refuseRepeated(
  reader: YamlReader,
  list: {
    readonly nodes: readonly unknown[];
    readonly entries: readonly { readonly name: string }[];
    readonly what: string;
  },
): void {
  const seen = new Set<string>();
  for (const node of list.nodes) {
    const item = isAlias(node) ? resolved(reader, node) : node;
    const name = isMap(item) ? item.get('name') : isScalar(item) ? item.value : null;
    if (typeof name !== 'string' || !list.entries.some((entry) => entry.name === name)) continue;
    if (seen.has(name)) reader.refuse(node, `${list.what} has ${name} twice`);
    seen.add(name);
  }
}
