/** What changed between two versions of a long text, by its first and last changed line. */
export interface ChangedLines {
  readonly linesBefore: number;
  readonly changed: string;
  readonly linesAfter: number;
}

/** A text that fits on a screen is better read whole. */
const minLength = 1000;

/** Null for a short text, and where less than half of `after` is unchanged at its ends. */
export function toChangedLines(before: string, after: string): ChangedLines | null {
  if (after.length < minLength) return null;
  const old = before.split('\n');
  const lines = after.split('\n');
  const most = Math.min(old.length, lines.length);
  let head = 0;
  while (head < most && old[head] === lines[head]) head += 1;
  let tail = 0;
  while (tail < most - head && old.at(-1 - tail) === lines.at(-1 - tail)) tail += 1;
  const changed = lines.slice(head, lines.length - tail).join('\n');
  if (changed.length > after.length / 2) return null;
  return { linesBefore: head, changed, linesAfter: tail };
}
