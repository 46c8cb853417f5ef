/** HTML from parts: every text is escaped where it is put in, and only this file makes markup of a string. */
import { toVisibleLine } from '../visible-text.ts';

/** Text that is markup already. */
export interface Html {
  readonly markup: string;
}

type Part = string | number | Html | readonly Html[] | null;

/** A template whose values are escaped unless they are markup; null is nothing. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const pieces = strings.map((text, index) => `${text}${toMarkup(parts[index] ?? null)}`);
  return { markup: pieces.join('') };
}

export function join(parts: readonly Html[]): Html {
  return { markup: parts.map((part) => part.markup).join('') };
}

/** Markup that a library made of texts which it escaped itself. */
export function fromLibrary(markup: string): Html {
  return { markup };
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function toMarkup(part: Part): string {
  if (part === null) return '';
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string')
    return toVisibleLine(part).replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
  return 'markup' in part ? part.markup : join(part).markup;
}
