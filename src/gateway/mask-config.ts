import { isAlias, isScalar, visit, type Scalar } from 'yaml';
import { parseConfig, rangeOf, toKeyText } from './config-document.ts';

/** Names of settings whose value no screen shall show. */
const secretName =
  /key|secret|passw|credential|auth|cookie|private|webhook|dsn|connection|header|salt|token(?!s)|database_url|redis_url/i;

/**
 * The text with every value that may be secret as `***`; its lines stay its lines. References like
 * `os.environ/NAME` are shown, and so is what is no text or number.
 */
export function maskConfig(text: string): string {
  const { doc } = parseConfig(text);
  const hidden = new Set<Scalar>();
  const anchors = new Set<string>();
  visit(doc, {
    Scalar: (where, node, path) => {
      if (where !== 'key' && isHidden(node, path)) hidden.add(node);
    },
    Alias: (_, node, path) => {
      if (path.some(isSecretPair)) anchors.add(node.source);
    },
  });
  visit(doc, {
    Node: (_, node) => {
      if (isAlias(node) || node.anchor === undefined || !anchors.has(node.anchor)) return;
      visit(node, { Scalar: (where, one) => void (where === 'key' || hidden.add(one)) });
    },
  });
  let masked = text;
  const spans = [...hidden].map(rangeOf).sort(([one], [other]) => other - one);
  for (const [from, to] of spans) {
    masked = masked.slice(0, from) + maskLines(text.slice(from, to)) + masked.slice(to);
  }
  return masked.split('\n').map(maskLine).join('\n');
}

function isHidden({ value }: Scalar, path: readonly unknown[]): boolean {
  if (typeof value !== 'string' && typeof value !== 'number') return false;
  if (String(value).startsWith('os.environ/')) return false;
  return path.some(isSecretPair);
}

function isSecretPair(node: unknown): boolean {
  const pair = node as { key?: unknown; value?: unknown };
  if (isScalar(node) || pair.key === undefined) return false;
  const name = toKeyText(pair.key);
  return name === 'environment_variables' || (name !== null && secretName.test(name));
}

function maskLines(source: string): string {
  return source.replaceAll(/[^\r\n]+/g, '***');
}

/** What was commented out, and whatever looks like a key wherever it stands. */
function maskLine(line: string): string {
  return line
    .replaceAll(/\b[sp]k-[\w-]{4,}/g, '***')
    .replaceAll(/\/\/[^\s"'@/]*@/g, '//***@')
    .replaceAll(/(#.*?[\w-]*(?:key|secret|passw\w*|token)\s*[:=]\s*)\S+/gi, '$1***');
}
