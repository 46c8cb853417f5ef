/** What changed between two versions of a long text, by its first and last changed line. */
export interface ChangedLines {
  readonly linesBefore: number;
  readonly changed: string;
  readonly linesAfter: number;
}

/** Null where less than half of `after` is unchanged at its ends: then it is better read whole. */
export function toChangedLines(before: string, after: string): ChangedLines | null {
  const old = before.split('\n');
  const lines = after.split('\n');
  const most = Math.min(old.length, lines.length);
  let head = 0;
  while (head < most && old[head] === lines[head]) head += 1;
  let tail = 0;
  while (tail < most - head && old.at(-1 - tail) === lines.at(-1 - tail)) tail += 1;
  const changed = lines.slice(head, lines.length - tail).join('\n');
  if (head + tail === 0 || changed.length > after.length / 2) return null;
  return { linesBefore: head, changed, linesAfter: tail };
}
