/** PEM blocks of private keys: by hand, since a pattern would search again from each beginning without an end. */
import { toMark } from './mark.ts';

const begin = /-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----/g;
const end = /-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----/g;
/** The lines of a block whose end is missing (the text was cut), also where line breaks are escaped. */
const body =
  /(?:(?:\s|\\{1,31}[nr]){1,8}(?:[A-Za-z-]{2,24}: [^\n\\]{1,200}|[A-Za-z0-9+/=]{1,512}(?![^\s\\"'`])(?! \S))){0,2000}/y;
const kind = 'private key';

/** Masks from each beginning to the next end, or as far as what follows looks like the key. */
export function maskPrivateKeys(text: string, onMasked: (kind: string) => void): string {
  if (!text.includes('PRIVATE KEY')) return text;
  const ends = [...text.matchAll(end)];
  let at = 0;
  let next = 0;
  let masked = '';
  for (const found of text.matchAll(begin)) {
    if (found.index < at) continue;
    const from = found.index + found[0].length;
    while (next < ends.length && (ends[next]?.index ?? 0) < from) next += 1;
    const closing = ends[next];
    const to = closing === undefined ? toBodyEnd(text, from) : closing.index + closing[0].length;
    // A beginning that is only spoken of has nothing of a key behind it.
    if (closing === undefined && to - from < 16) continue;
    masked += `${text.slice(at, found.index)}${toMark(kind)}`;
    onMasked(kind);
    at = to;
  }
  return masked + text.slice(at);
}

function toBodyEnd(text: string, from: number): number {
  body.lastIndex = from;
  return from + (body.exec(text)?.[0].length ?? 0);
}
