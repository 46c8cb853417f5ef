import { isAlias, isMap, isScalar, isSeq, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { findPair, parseConfig, rangeOf } from './config-document.ts';
import { toList } from './callbacks.ts';

interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

export interface WantedList {
  readonly key: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly values: readonly unknown[];
}

/** `text` with the wanted list at `litellm_settings`; the caller checks that it holds what was meant. */
export function setList(text: string, wanted: WantedList): string {
  const { root } = parseConfig(text);
  const pair = root === null ? null : findPair(root, 'litellm_settings');
  const line = `${wanted.key}: ${toFlow(wanted.values)}`;
  if (pair === null) return appendLines(text, ['litellm_settings:', `  ${line}`]);
  const settings = pair.value;
  if (!isMap(settings)) {
    const isWritten = isScalar(settings) && (settings.source ?? '') !== '';
    if (isWritten) return apply(text, [{ ...toSpan(settings), text: `{${line}}` }]);
    return apply(text, [lineAfter(text, rangeOf(pair.key)[1], `  ${line}`)]);
  }
  const own = findPair(settings, wanted.key);
  if (own === null) return apply(text, [addKey(text, { settings, key: pair.key, line })]);
  return apply(text, changeValue(text, { key: own.key, value: own.value, wanted }));
}

function addKey(
  text: string,
  place: { readonly settings: YAMLMap; readonly key: unknown; readonly line: string },
): Splice {
  const { settings, key, line } = place;
  if (settings.flow === true) {
    const from = rangeOf(settings)[0] + 1;
    return { from, to: from, text: settings.items.length > 0 ? `${line}, ` : line };
  }
  const first = rangeOf(settings.items[0]?.key)[0];
  const indent = ' '.repeat(first - lineStart(text, first));
  return lineAfter(text, rangeOf(key)[1], `${indent}${line}`);
}

function changeValue(
  text: string,
  place: { readonly key: unknown; readonly value: unknown; readonly wanted: WantedList },
): readonly Splice[] {
  const { key, value, wanted } = place;
  if (isSeq(value)) {
    const isEmptied = wanted.values.length === 0;
    if (value.flow === true) return changeFlow(text, value, wanted);
    const removals = removeLines(text, value, wanted);
    if (isEmptied) return [afterColon(text, key, ' []'), ...removals];
    return [...removals, ...addLines(text, value, wanted)];
  }
  if (isAlias(value)) return [{ ...toSpan(value), text: toFlow(wanted.values) }];
  if (isScalar(value) && (value.source ?? '') !== '') {
    const { from, to } = toSpan(value);
    const isKept = toList(value.value).some((one) => wanted.values.includes(one));
    const kept = isKept ? [text.slice(from, to)] : [];
    const added = wanted.added.map((name) => JSON.stringify(name));
    return [{ from, to, text: `[${[...kept, ...added].join(', ')}]` }];
  }
  return [afterColon(text, key, ` ${toFlow(wanted.values)}`)];
}

/** Inside `[…]`: each name goes with the comma after it; at the end of a line of names, with the one before it. */
function changeFlow(text: string, list: YAMLSeq, wanted: WantedList): readonly Splice[] {
  const items = list.items.map((item) => ({ ...toSpan(item), isGone: isRemoved(item, wanted) }));
  const last = items.findLast(({ isGone }) => !isGone);
  const tail = text.slice(last?.to, items.at(-1)?.to);
  const isPlainTail = last !== undefined && !/[#\n]/.test(tail);
  const splices = items
    .filter(({ isGone }) => isGone)
    .filter(({ from }) => !isPlainTail || from < last.from)
    .map(({ from, to }) => withItsLine(text, { from, to: to + commaAfter(text, to) }));
  if (isPlainTail && tail !== '') {
    splices.push({ from: last.to, to: last.to + tail.length, text: '' });
  }
  const added = wanted.added.map((name) => quoteLike(list, name)).join(', ');
  if (added === '') return splices;
  const at = last?.to ?? rangeOf(list)[0] + 1;
  return [...splices, { from: at, to: at, text: last === undefined ? added : `, ${added}` }];
}

function commaAfter(text: string, offset: number): number {
  return /^\s*,[ \t]*/.exec(text.slice(offset))?.[0].length ?? 0;
}

/** The whole line where nothing else is in it. */
function withItsLine(text: string, span: { readonly from: number; readonly to: number }): Splice {
  const start = lineStart(text, span.from);
  const end = lineEnd(text, span.to);
  const rest = text.slice(start, span.from) + text.slice(span.to, end);
  const next = text.indexOf('\n', end) + 1;
  return rest.trim() === '' && next > 0
    ? { from: start, to: next, text: '' }
    : { ...span, text: '' };
}

function removeLines(text: string, list: YAMLSeq, wanted: WantedList): readonly Splice[] {
  return list.items
    .filter((item) => isRemoved(item, wanted) && !isReplaced(item, { list, wanted }))
    .map((item) => {
      const { from, to } = toSpan(item);
      const start = lineStart(text, from);
      const end = text.indexOf('\n', to);
      return { from: start, to: end === -1 ? text.length : end + 1, text: '' };
    });
}

function addLines(text: string, list: YAMLSeq, wanted: WantedList): readonly Splice[] {
  const kept = list.items.findLast((item) => !isRemoved(item, wanted));
  const beside = kept ?? list.items.at(-1);
  if (wanted.added.length === 0 || beside === undefined) return [];
  const { from, to } = toSpan(beside);
  const dash = /^[ \t]*-[ \t]+/.exec(text.slice(lineStart(text, from), from))?.[0] ?? '- ';
  const names = wanted.added.map((name) => quoteLike(list, name));
  const separator = `${eolOf(text)}${dash}`;
  if (kept === undefined) return [{ from, to, text: names.join(separator) }];
  const at = lineEnd(text, to);
  return [{ from: at, to: at, text: names.map((name) => `${separator}${name}`).join('') }];
}

/** Where no name stays, the last one makes place for what is added. */
function isReplaced(
  item: unknown,
  { list, wanted }: { readonly list: YAMLSeq; readonly wanted: WantedList },
): boolean {
  return (
    wanted.added.length > 0 &&
    item === list.items.at(-1) &&
    list.items.every((one) => isRemoved(one, wanted))
  );
}

function isRemoved(item: unknown, { removed }: WantedList): boolean {
  return isScalar(item) && removed.includes(String(item.value));
}

/** Quoted as the list's other names are; double quotes where there are none. */
function quoteLike(list: YAMLSeq, name: string): string {
  const type = (list.items.at(-1) as Scalar | undefined)?.type;
  if (type === 'PLAIN') return name;
  return type === 'QUOTE_SINGLE' ? `'${name}'` : JSON.stringify(name);
}

function toFlow(values: readonly unknown[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;
}

function toSpan(node: unknown): { readonly from: number; readonly to: number } {
  const [from, to] = rangeOf(node);
  return { from, to };
}

function afterColon(text: string, key: unknown, added: string): Splice {
  const at = text.indexOf(':', rangeOf(key)[1]) + 1;
  return { from: at, to: at, text: added };
}

/** A line of its own below the one that holds `offset`. */
function lineAfter(text: string, offset: number, line: string): Splice {
  const at = lineEnd(text, offset);
  return { from: at, to: at, text: `${eolOf(text)}${line}` };
}

function appendLines(text: string, lines: readonly string[]): string {
  const eol = eolOf(text);
  if (text === '' || text === '\uFEFF') return `${text}${lines.join(eol)}${eol}`;
  const isEnded = text.endsWith('\n');
  return isEnded ? `${text}${lines.join(eol)}${eol}` : `${text}${eol}${lines.join(eol)}`;
}

function eolOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function lineStart(text: string, offset: number): number {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return text[start] === '\uFEFF' ? start + 1 : start;
}

/** Before the line end, `\r\n` or `\n`. */
function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  if (end === -1) return text.length;
  return text[end - 1] === '\r' ? end - 1 : end;
}

/** Of those that begin at one place, what is only put in comes before what is cut out. */
function apply(text: string, splices: readonly Splice[]): string {
  const order = [...splices].sort((one, other) => one.from - other.from || one.to - other.to);
  let edited = '';
  let done = 0;
  for (const { from, to, text: added } of order) {
    edited += text.slice(done, from) + added;
    done = Math.max(done, to);
  }
  edited += text.slice(done);
  // The last line may have gone, and the one before it has a line end.
  return text.endsWith('\n') ? edited : edited.replace(/\r?\n$/, '');
}
