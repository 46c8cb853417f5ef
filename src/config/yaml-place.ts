/** Places in a YAML file, so that a problem can be shown where it is. */
import { isNode, isPair, LineCounter, parseDocument, type Document, type Node } from 'yaml';

export interface YamlFile {
  readonly document: Document.Parsed;
  /** `custom.yaml:7:10` of a node, or of the whole file. */
  readonly placeOf: (node: unknown) => string;
  /** Of what YAML itself refuses. */
  readonly problems: readonly string[];
}

/** Parses YAML 1.2, one document; keys must be unique and aliases stay few. Never throws. */
export function parseYamlFile(path: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const placeOf = (node: unknown): string => {
    const start = startOf(node);
    return start === null ? `${path}:1:1` : at(start);
  };
  return {
    document,
    placeOf,
    problems: [...document.errors, ...document.warnings].map(
      (error) => `${at(error.pos[0])}: ${error.message}.`,
    ),
  };
}

function startOf(node: unknown): number | null {
  if (isPair(node)) return startOf(node.key);
  return isNode(node) ? ((node as Node).range?.[0] ?? null) : null;
}
