/** The shape of an error's message: what two failures of one cause share. Pure. */
import { headOf } from './cut-text.ts';
import { toVisibleLine } from './visible-text.ts';

/** A message beyond this says nothing of its cause any more, and is cut before it is looked at. */
const mostLooked = 4_000;
const mostKept = 300;

/** In this order: what a later rule would tear apart comes first. Each is linear in the length of the text. */
const rules: readonly (readonly [RegExp, string | typeof toQuotation])[] = [
  [/\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s"'<>)\]},]{1,2000}/gi, '<url>'],
  [/"(?:[^"\\\n]|\\.){0,1000}"/g, toQuotation],
  [/`[^`\n]{0,1000}`/g, '<text>'],
  // An apostrophe within a word begins no quotation.
  [/(?<!\w)'(?:[^'\\\n]|\\.){0,1000}'(?!\w)/g, toQuotation],
  [/(?<![\w<])(?:[A-Za-z]:\\|~?\/)[\w.@+-]+(?:[\\/][\w.@+-]+)+[\\/]?/g, '<path>'],
  [/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi, '<id>'],
  // Prefixed ids: chatcmpl-Bx3…, req_011C…; hashes. Without a digit it is a word; a model's name has more hyphens.
  [/\b[A-Za-z]{2,12}[-_](?=[A-Za-z0-9]{0,120}\d)[A-Za-z0-9]{8,120}\b/g, '<id>'],
  [/\b(?=[0-9a-z]{0,120}\d)(?=[0-9a-z]{0,120}[a-z])[0-9a-z]{12,120}\b/gi, '<id>'],
  [/(?<![\w<]|\w-)[-+]?\d+(?:[.,:T-]?\d+)*Z?(?:e[-+]?\d+)?/gi, '<n>'],
];

/** A string of a JSON body or a Python dict stays: there it is what the provider says. One in a sentence is a value. */
function toQuotation(quotation: string, offset: number, whole: string): string {
  const before = whole.slice(Math.max(0, offset - 2), offset).trimEnd();
  const after = whole.slice(offset + quotation.length, offset + quotation.length + 2).trimStart();
  return /[{[,:]$/.test(before) && /^[}\],:]/.test(after) ? quotation : '<text>';
}

/**
 * The message on one line with addresses, quoted text outside of a JSON body, paths, ids and numbers replaced by `<url>`, `<text>`,
 * `<path>`, `<id>` and `<n>`, at most 300 characters. Null for no message.
 */
export function toMessageShape(message: string | null): string | null {
  if (message === null) return null;
  let shape = toVisibleLine(headOf(message, mostLooked));
  for (const [pattern, name] of rules) {
    shape =
      typeof name === 'string' ? shape.replaceAll(pattern, name) : shape.replaceAll(pattern, name);
  }
  const head = headOf(shape, mostKept);
  return head.length === shape.length ? shape : `${head}…`;
}
