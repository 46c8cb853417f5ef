import { nearest } from './nearest.ts';
import { refusal } from './refusal.ts';

/** A parser of one word out of `choices`. */
export function choiceOf<const T extends string>(choices: readonly T[]): (text: string) => T {
  const allowed = choices.join(', ');
  return (text) => {
    const found = choices.find((choice) => choice === text.toLowerCase());
    if (found !== undefined) return found;
    const suggestion = nearest(text, choices);
    throw refusal(`must be one of ${allowed}${suggestion ? `; did you mean ${suggestion}?` : ''}`);
  };
}

/** A parser of a list out of `choices`, in the order of these; `none` alone is the empty list. */
export function listOf<const T extends string>(
  choices: readonly T[],
): (text: string) => readonly T[] {
  const parse = choiceOf([...choices, 'none']);
  return (text) => {
    const words = parseList(text).map((word) => parse(word));
    if (words.includes('none') && words.length > 1) {
      throw refusal('names none beside others; keep one');
    }
    return choices.filter((choice) => words.includes(choice));
  };
}

/** A parser of whole numbers from `min` to `max`, both included. */
export function wholeNumberBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw refusal(`must be a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** A parser of whole seconds (MLflow writes its times so) from `min` to `max`, to milliseconds. */
export function secondsBetween(min: number, max: number): (text: string) => number {
  const parse = wholeNumberBetween(min, max);
  return (text) => {
    try {
      return parse(text) * 1000;
    } catch {
      throw refusal(`must be a whole number of seconds from ${min} to ${max}, without a unit`);
    }
  };
}

/** Parses `true`/`false`, `1`/`0`, `yes`/`no`, `on`/`off` in any case. */
export function parseBoolean(text: string): boolean {
  const word = text.toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(word)) return true;
  if (['false', '0', 'no', 'off'].includes(word)) return false;
  throw refusal('must be true or false');
}

/** Parses `a, b,c` to its distinct non-empty members, in order. */
export function parseList(text: string): readonly string[] {
  refuseQuotes(text);
  const members = text.split(',').map((member) => member.trim());
  return [...new Set(members.filter((member) => member !== ''))];
}

/** Parses a name that a person chose: one line, no quotes left around it. */
export function parseName(text: string): string {
  refuseQuotes(text);
  if (/\p{Cc}/u.test(text)) throw refusal('must be one line without control characters');
  return text;
}

/** Parses a path of a file (not of a folder, not a URL). */
export function parseFilePath(text: string): string {
  refuseQuotes(text);
  const sqlite = /^sqlite:\/\/\/(.+)$/.exec(text);
  if (sqlite) throw refusal(`must be a plain path; write ${sqlite[1]}`);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) throw refusal('must be a path, not a URL');
  if (text === ':memory:') throw refusal('must be a file: what is only in memory is lost each run');
  if (/[/\\]$/.test(text)) throw refusal(`must be a file, not a folder; write ${text}name.db`);
  if (text.includes('\0')) throw refusal('must not hold a NUL character');
  return text;
}

/** Refuses a value that still has the quotes of a shell or `.env` line around it (langfuse/langfuse#3634). */
export function refuseQuotes(text: string): void {
  const bare = stripQuotes(text);
  if (bare !== text) throw refusal(`has quotes left in it; write ${bare} without them`);
}

export function stripQuotes(text: string): string {
  return text.replaceAll(/^["'`]+|["'`]+$/g, '');
}
