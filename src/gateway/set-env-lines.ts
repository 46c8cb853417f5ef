/**
 * A `.env` text with each name set: the last line of a name (the one that counts) gets the value, a new name
 * is put at the end, and every other line stays as it is. A line that holds the value already stays too.
 */
export function setEnvLines(text: string, values: Readonly<Record<string, string>>): string {
  let edited = text;
  for (const [name, value] of Object.entries(values)) edited = setLine(edited, { name, value });
  return edited;
}

function setLine(text: string, entry: { readonly name: string; readonly value: string }): string {
  const { name, value } = entry;
  const pattern = new RegExp(`^([ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=)([^\\r\\n]*)`, 'gm');
  const last = [...text.matchAll(pattern)].at(-1);
  if (last !== undefined) {
    const [line, start = '', found = ''] = last;
    if (unquote(found) === value) return text;
    const from = last.index;
    return `${text.slice(0, from)}${start}${quote(value)}${text.slice(from + line.length)}`;
  }
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const start = text === '' || text.endsWith('\n') ? text : `${text}${eol}`;
  const end = text !== '' && !text.endsWith('\n') ? '' : eol;
  return `${start}${name}=${quote(value)}${end}`;
}

function unquote(found: string): string {
  const [, , quoted] = /^\s*(["'`])(.*)\1\s*(?:#.*)?$/.exec(found) ?? [];
  return quoted ?? found.replace(/\s*#.*$/, '').trim();
}

function quote(value: string): string {
  if (/^[\w./:@,+-]+$/.test(value)) return value;
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}
