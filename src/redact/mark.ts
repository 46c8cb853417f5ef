/** The visible mark that stands where something was masked. */

export function toMark(kind: string): string {
  return `[redacted: ${kind}]`;
}

const mark = /\[redacted: ([^\]\n]{1,64})\]/g;

/** How many marks of each kind a text holds. */
export function countMarks(
  text: string,
  counts: Map<string, number> = new Map(),
): Map<string, number> {
  if (!text.includes('[redacted: ')) return counts;
  for (const [, kind = ''] of text.matchAll(mark)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}
