import { toCount } from '../runs/note.ts';

/** The longest head of `text` with at most `limit` UTF-16 units that splits no character. */
export function headOf(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  const isHighSurrogate = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHighSurrogate ? limit - 1 : limit);
}

/** `text` itself, or its head and how much is missing: `… (… 12,345 characters not shown)`. */
export function cutText(text: string, limit: number): string {
  const head = headOf(text, limit);
  return head.length === text.length ? text : `${head}${notShownMark(text.slice(head.length))}`;
}

/** ` (… 12,345 characters not shown)`; characters are code points. */
export function notShownMark(missing: string): string {
  return ` (… ${toCount(countCharacters(missing))} characters not shown)`;
}

function countCharacters(text: string): number {
  const pairs = text.match(/[\ud800-\udbff][\udc00-\udfff]/g);
  return text.length - (pairs?.length ?? 0);
}
