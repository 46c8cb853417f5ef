/**
 * Text that survives the way into MLflow. A NUL makes PostgreSQL refuse the whole call, and a lone
 * surrogate makes the server store an empty string, so neither is ever sent. Lengths are code points, as
 * Python counts them.
 */

/** `text` without NUL and with U+FFFD for each lone surrogate. */
export function toCleanText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/** Number of code points of a well-formed string. */
export function countCodePoints(text: string): number {
  const pairs = text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0;
  return text.length - pairs;
}

/** The first `limit` code points of `text`. */
export function cutCodePoints(text: string, limit: number): string {
  // UTF-16 units are never fewer than code points, so short text needs no walk.
  if (text.length <= limit) return text;
  let units = 0;
  let count = 0;
  for (const character of text) {
    if (count === limit) return text.slice(0, units);
    count += 1;
    units += character.length;
  }
  return text;
}

/** Clean text of at most `limit` code points; what was cut shows as an ellipsis at the end. */
export function toLimitedText(text: string, limit: number): string {
  const clean = toCleanText(text);
  const cut = cutCodePoints(clean, limit);
  return cut === clean ? clean : `${cutCodePoints(clean, limit - 1)}…`;
}
