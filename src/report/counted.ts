import { toCount } from '../runs/note.ts';

/** `1 call`, `2 calls`, `1,234 calls`. */
export function toCounted(number: number, what: string): string {
  return `${toCount(number)} ${what}${number === 1 ? '' : 's'}`;
}
