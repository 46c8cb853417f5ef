/**
 * Crontab text, parsed: one or more lines of five fields, or `@daily` and its like. Pure; knows no clock and no zone.
 *
 * Taken is what every cron understands alike, so that a line can be carried from a crontab to the scheduler and back
 * (crontab(5): values, names, ranges, steps, lists). Where programs disagree the line is refused, with its place.
 */
import { AppError } from './errors.ts';

export interface CronLine {
  /** Line of the text, from 1. */
  readonly line: number;
  /** Every value that each field takes, in order; Sunday is 0. */
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: readonly number[];
  readonly months: readonly number[];
  readonly weekdays: readonly number[];
  /** The same in five fields of plain numbers and stars. */
  readonly expression: string;
}

interface FieldRule {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names for `min`, `min + 1`, … */
  readonly names: readonly string[];
}

const fieldRules = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of the month', min: 1, max: 31, names: [] },
  {
    name: 'month',
    min: 1,
    max: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'weekday', min: 0, max: 7, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
] as const satisfies readonly FieldRule[];

const nicknames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Days that each month has in some year. */
const longestMonths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** Where in the text something is: line and column, each from 1. */
interface Place {
  readonly line: number;
  readonly column: number;
}

interface Word extends Place {
  readonly text: string;
}

/**
 * Parses crontab text; empty lines and lines that begin with `#` are passed over. Throws AppError SETTINGS_INVALID
 * with every fault, each with its line and column.
 */
export function parseCrontab(text: string): readonly CronLine[] {
  const faults: string[] = [];
  const lines: CronLine[] = [];
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const words = toWords(raw, index + 1);
    if (words.length === 0 || words[0]?.text.startsWith('#')) continue;
    const refuse = ({ line, column }: Place, reason: string): void => {
      faults.push(`line ${line}, column ${column}: ${reason}`);
    };
    const parsed = parseLine(words, { line: index + 1, refuse });
    if (parsed !== null) lines.push(parsed);
  }
  if (faults.length > 0) throw new AppError('SETTINGS_INVALID', faults.join('; '));
  if (lines.length === 0) throw new AppError('SETTINGS_INVALID', 'holds no line of a crontab');
  return lines;
}

type Refuse = (place: Place, reason: string) => void;

function parseLine(
  words: readonly Word[],
  { line, refuse }: { readonly line: number; readonly refuse: Refuse },
): CronLine | null {
  const [first] = words;
  if (first === undefined) return null;
  if (first.text.startsWith('@')) {
    const meant = nicknames[first.text.toLowerCase()];
    const second = words[1];
    if (meant === undefined) {
      refuse(first, `${first.text} is none of ${Object.keys(nicknames).join(', ')}`);
      return null;
    }
    if (second !== undefined) {
      refuse(second, `nothing may follow ${first.text}`);
      return null;
    }
    return parseLine(toWords(meant, line), { line, refuse });
  }
  if (words.length !== fieldRules.length) {
    const at = words[fieldRules.length] ?? first;
    refuse(
      at,
      `${words.length} fields where there are five: minute, hour, day of the month, month, weekday`,
    );
    return null;
  }
  const values = words.map((word, index) => {
    const rule = fieldRules[index];
    return rule === undefined ? null : parseField(word, rule, refuse);
  });
  const [minutes, hours, days, months, weekdays] = values;
  if (!minutes || !hours || !days || !months || !weekdays) return null;
  const [, , dayWord, , weekdayWord] = words;
  const [, , dayRule, , weekdayRule] = fieldRules;
  if (weekdayWord && !isFull(days, dayRule) && !isFull(weekdays, { ...weekdayRule, max: 6 })) {
    refuse(
      weekdayWord,
      'a day of the month and a weekday at once: cron runs on either, other programs where both meet; keep one, or write two lines',
    );
    return null;
  }
  const firstDay = days[0] ?? 1;
  if (dayWord && months.every((month) => firstDay > (longestMonths[month - 1] ?? 31))) {
    refuse(dayWord, 'none of these months has such a day, so it would never run');
    return null;
  }
  const expression = [minutes, hours, days, months, weekdays].map((field, index) => {
    const rule = fieldRules[index];
    const max = index === 4 ? 6 : rule?.max;
    return rule !== undefined && max !== undefined && isFull(field, { ...rule, max })
      ? '*'
      : field.join(',');
  });
  return { line, minutes, hours, days, months, weekdays, expression: expression.join(' ') };
}

/** The values of one field in order, or null after a refusal. */
function parseField(word: Word, rule: FieldRule, refuse: Refuse): readonly number[] | null {
  const found = new Set<number>();
  let column = word.column;
  let isSound = true;
  for (const part of word.text.split(',')) {
    const values = parsePart({ text: part, line: word.line, column }, rule, refuse);
    if (values === null) isSound = false;
    // Sunday is 0 and 7.
    else for (const value of values) found.add(rule.name === 'weekday' ? value % 7 : value);
    column += part.length + 1;
  }
  return isSound ? [...found].toSorted((a, b) => a - b) : null;
}

/** `*`, `5`, `mon`, `1-5`, each of the ranges also with `/2`. */
function parsePart(word: Word, rule: FieldRule, refuse: Refuse): readonly number[] | null {
  const match = /^(?:(\*)|([^-/]*)(?:(-)([^-/]*))?)(?:(\/)(.*))?$/.exec(word.text);
  if (match === null) {
    refuse(word, `${JSON.stringify(word.text)} is no ${rule.name}, range or step`);
    return null;
  }
  const [, star, fromText = '', dash, toText = '', slash, stepText = ''] = match;
  if (slash !== undefined && star === undefined && dash === undefined) {
    refuse(
      word,
      `a step needs a range before it: write ${fromText || rule.min}-${rule.max}/${stepText}`,
    );
    return null;
  }
  const max = star === undefined || rule.name !== 'weekday' ? rule.max : 6;
  const from =
    star === undefined ? parseValue({ ...word, text: fromText }, rule, refuse) : rule.min;
  const toPlace = { ...word, text: toText, column: word.column + fromText.length + 1 };
  const to =
    star !== undefined ? max : dash === undefined ? from : parseValue(toPlace, rule, refuse);
  if (from === null || to === null) return null;
  if (from > to) {
    refuse(
      word,
      `the range ends before it begins: write ${fromText}-${rule.max},${rule.min}-${toText}`,
    );
    return null;
  }
  const step = slash === undefined ? 1 : /^\d{1,3}$/.test(stepText) ? Number(stepText) : 0;
  if (step < 1 || step > rule.max) {
    const column = word.column + word.text.length - stepText.length;
    refuse({ ...word, column }, `a step must be a whole number from 1 to ${rule.max}`);
    return null;
  }
  const values: number[] = [];
  for (let value = from; value <= to; value += step) values.push(value);
  return values;
}

function parseValue(word: Word, rule: FieldRule, refuse: Refuse): number | null {
  const text = word.text.toLowerCase();
  const named = rule.names.indexOf(text);
  if (named >= 0) return rule.min + named;
  const value = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= rule.min && value <= rule.max) return value;
  const names = rule.names.length > 0 ? ` or ${rule.names[0]} to ${rule.names.at(-1)}` : '';
  refuse(
    word,
    `${JSON.stringify(word.text)} is no ${rule.name}: there are ${rule.min} to ${rule.max}${names}`,
  );
  return null;
}

function isFull(values: readonly number[], { min, max }: Pick<FieldRule, 'min' | 'max'>): boolean {
  return values.length === max - min + 1;
}

function toWords(raw: string, line: number): Word[] {
  return [...raw.matchAll(/[^ \t]+/g)].map((match) => ({
    text: match[0],
    line,
    column: match.index + 1,
  }));
}
