/** Words, texts and brackets of an SQL expression, as SQLite reads them. Pure. */

export interface SqlToken {
  readonly kind: 'word' | 'text' | 'name' | 'number' | 'comment' | 'parameter' | 'other';
  readonly text: string;
}

const patterns: readonly (readonly [SqlToken['kind'], RegExp])[] = [
  ['comment', /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y],
  ['text', /'(?:[^']|'')*'/y],
  ['name', /"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]/y],
  ['number', /\d[\w.]*|\.\d\w*/y],
  ['parameter', /[?@:$#]\w*/y],
  ['word', /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y],
  ['other', /\|\||->>|->|[<>!=]=|<>|<<|>>|[-+*/%&|~<>=(),.]/y],
];

/** Null where a character or an open quote is none of SQL's. Spaces are left out. */
export function toTokens(sql: string): SqlToken[] | null {
  const tokens: SqlToken[] = [];
  let at = 0;
  while (at < sql.length) {
    if (/[ \t\n\r\f]/.test(sql.charAt(at))) {
      at += 1;
      continue;
    }
    const found = patterns
      .map(([kind, pattern]) => {
        pattern.lastIndex = at;
        return { kind, text: pattern.exec(sql)?.[0] };
      })
      .find((one): one is SqlToken => one.text !== undefined);
    if (found === undefined) return null;
    tokens.push(found);
    at += found.text.length;
  }
  return tokens;
}

const mostBrackets = 100;

/** Why the tokens can't stand in brackets as one expression of the facts alone, or null. */
export function refuseTokens(tokens: readonly SqlToken[] | null): string | null {
  if (tokens === null)
    return 'has a character or an open quote that does not belong into an SQL expression';
  if (tokens.length === 0) return 'is empty';
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'comment') return 'has a comment; put it behind a # of YAML';
    if (token.kind === 'parameter')
      return `has a parameter (${token.text}), which nothing would fill`;
    if (token.kind === 'word' && /^(?:select|values|with|raise)$/i.test(token.text)) {
      return `has ${token.text.toUpperCase()}: only expressions over the columns of a fact are allowed`;
    }
    if (token.kind === 'word' && /^over$/i.test(token.text)) return 'has a window function (OVER)';
    if (token.kind === 'text' && token.text.slice(1, -1).trim().toLowerCase() === 'now')
      return asksForTheTime;
    if (token.text === '(') {
      depth += 1;
      if (isTimeWithoutTime(tokens, at)) return asksForTheTime;
    }
    if (token.text === ')') depth -= 1;
    if (depth > mostBrackets) return `nests brackets more than ${mostBrackets} deep`;
    if (depth < 0) return 'closes a bracket that it did not open';
    if (depth === 0 && token.text === ',') return 'is more than one expression';
  }
  return depth > 0 ? 'leaves a bracket open' : null;
}

const asksForTheTime =
  'asks for the time of the worker: the same facts must give the same number tomorrow';

/** How many arguments say which time; with fewer SQLite takes the present. */
const timeArguments: Readonly<Record<string, number>> = {
  date: 1,
  time: 1,
  datetime: 1,
  julianday: 1,
  unixepoch: 1,
  strftime: 2,
};

function isTimeWithoutTime(tokens: readonly SqlToken[], open: number): boolean {
  const needed =
    timeArguments[tokens[open - 1]?.text.toLowerCase().replaceAll(/["`[\]]/g, '') ?? ''];
  if (needed === undefined) return false;
  let depth = 0;
  let count = 0;
  for (const [offset, token] of tokens.slice(open).entries()) {
    if (token.text === '(') depth += 1;
    if (token.text === ')') depth -= 1;
    if (depth === 0) return count < needed;
    if (offset === 1 || (depth === 1 && token.text === ',')) count += 1;
  }
  return false;
}
