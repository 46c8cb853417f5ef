import { isMap, LineCounter, parseAllDocuments, type Document, type YAMLMap } from 'yaml';
import { AppError } from '../shared/errors.ts';

/** The `config.yaml` of a LiteLLM proxy: its text, the nodes with their places in it, and the data. */
export interface ConfigDocument {
  readonly text: string;
  readonly doc: Document;
  /** Null where the file says nothing at all. */
  readonly root: YAMLMap | null;
  readonly data: Readonly<Record<string, unknown>>;
  /** Line of a place in the text, from 1. */
  readonly lineAt: (offset: number) => number;
}

/**
 * Reads it as YAML 1.1, as LiteLLM does (PyYAML): `yes` is true, and `<<` merges.
 *
 * Throws GATEWAY_CONFIG_INVALID with line and column for what is no YAML, a key that is there twice, more
 * than one document, or no mapping.
 */
export function parseConfig(text: string): ConfigDocument {
  const counter = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: '1.1',
    lineCounter: counter,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const [doc, second] = Array.isArray(documents) ? documents : [];
  const problem = doc?.errors[0];
  if (problem !== undefined) {
    const { line, col } = counter.linePos(problem.pos[0]);
    const isTwice = problem.code === 'DUPLICATE_KEY';
    throw new AppError(
      'GATEWAY_CONFIG_INVALID',
      isTwice
        ? `Line ${line}, column ${col}: this key stands twice in its mapping, and LiteLLM takes only the last.`
        : `Line ${line}, column ${col} is not valid YAML (${problem.code}): ${problem.message}.`,
      { cause: problem, details: { line, column: col } },
    );
  }
  if (second !== undefined) {
    const { line } = counter.linePos(second.range[0]);
    throw new AppError(
      'GATEWAY_CONFIG_INVALID',
      `A second document begins at line ${line}; LiteLLM loads a file of one only.`,
      { details: { line } },
    );
  }
  const lineAt = (offset: number): number => counter.linePos(offset).line;
  if (doc === undefined || doc.contents === null) {
    return { text, doc: doc ?? emptyDocument(), root: null, data: {}, lineAt };
  }
  const data = toData(doc);
  if (data === null) return { text, doc, root: null, data: {}, lineAt };
  if (!isMap(doc.contents)) {
    throw new AppError(
      'GATEWAY_CONFIG_INVALID',
      'The file holds no mapping of settings at its top level.',
    );
  }
  return { text, doc, root: doc.contents, data: data as Record<string, unknown>, lineAt };
}

function emptyDocument(): Document {
  const [doc] = parseAllDocuments('null') as Document[];
  if (doc === undefined) throw new Error('one document was parsed');
  return doc;
}

function toData(doc: Document): unknown {
  try {
    return doc.toJS() as unknown;
  } catch (error) {
    // An alias without its anchor, or one that grows without end.
    const message = error instanceof Error ? error.message : String(error);
    throw new AppError('GATEWAY_CONFIG_INVALID', `The YAML can't be resolved: ${message}.`, {
      cause: error,
    });
  }
}

/** Own pair of a mapping by the text of its key. */
export function findPair(map: YAMLMap, name: string): YAMLMap['items'][number] | null {
  return map.items.find(({ key }) => toKeyText(key) === name) ?? null;
}

/** `null` for a key that is no scalar. */
export function toKeyText(key: unknown): string | null {
  if (typeof key === 'string') return key;
  const value = (key as { value?: unknown } | null)?.value;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

/** Where a node stands in the text: its first character, and the one after its value. */
export function rangeOf(node: unknown): readonly [from: number, to: number] {
  const range = (node as { range?: readonly number[] | null } | null)?.range;
  const [from, to] = range ?? [];
  if (from === undefined || to === undefined) throw new Error('a parsed node has a range');
  return [from, to];
}
