/** A reader of Markdown that knows fences and code spans by CommonMark's rules, and nothing of the renderer. */
export interface Markdown {
  readonly fences: readonly { readonly language: string; readonly text: string }[];
  /** Lines outside of fences, each code span replaced by `‹code›`. */
  readonly lines: readonly string[];
  /** True when the last fence was never closed. */
  readonly isOpen: boolean;
}

export function readMarkdown(markdown: string): Markdown {
  const fences: { language: string; text: string }[] = [];
  const lines: string[] = [];
  let open: { marker: string; language: string; body: string[] } | null = null;
  for (const line of markdown.split('\n')) {
    if (open !== null) {
      const isEnd = new RegExp(`^ {0,3}${open.marker[0]}{${open.marker.length},}[ \\t]*$`).test(
        line,
      );
      if (!isEnd) open.body.push(line);
      else {
        fences.push({ language: open.language, text: open.body.join('\n') });
        open = null;
      }
      continue;
    }
    const start = /^ {0,3}(`{3,}|~{3,})([^`]*)$/.exec(line);
    if (start) open = { marker: start[1] ?? '', language: start[2] ?? '', body: [] };
    else lines.push(withoutCodeSpans(line));
  }
  return { fences, lines, isOpen: open !== null };
}

function withoutCodeSpans(line: string): string {
  let rest = line;
  let read = '';
  for (;;) {
    const start = /`+/.exec(rest);
    if (!start) return read + rest;
    const after = rest.slice(start.index + start[0].length);
    const end = [...after.matchAll(/`+/g)].find((run) => run[0].length === start[0].length);
    if (end === undefined) return read + rest;
    read += `${rest.slice(0, start.index)}‹code›`;
    rest = after.slice(end.index + end[0].length);
  }
}
