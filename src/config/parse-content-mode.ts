import { refusal } from './refusal.ts';

/** Of which calls the text is kept. */
export type ContentMode =
  | { readonly kind: 'all' }
  | { readonly kind: 'errors' }
  | { readonly kind: 'off' }
  | { readonly kind: 'sampled'; readonly rate: number };

/** Parses `all`, `errors`, `off` or `sampled:RATE`, the rate a number over 0 and below 1, or a percentage. */
export function parseContentMode(text: string): ContentMode {
  const word = text.trim().toLowerCase();
  if (word === 'all' || word === 'errors' || word === 'off') return { kind: word };
  const rate = /^sampled:(0?\.\d{1,9}|\d{1,2}(?:\.\d{1,7})?%)$/.exec(word)?.[1];
  if (rate === undefined) {
    throw refusal('must be all, errors, off or sampled:RATE with a rate such as 0.1 or 10%');
  }
  const value = rate.endsWith('%') ? Number(rate.slice(0, -1)) / 100 : Number(rate);
  if (value === 0) throw refusal('samples nothing; write off');
  return { kind: 'sampled', rate: value };
}
