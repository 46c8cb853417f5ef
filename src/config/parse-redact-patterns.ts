import { loadRe2 } from '../shared/load-re2.ts';
import { refusal } from './refusal.ts';

export interface RedactPattern {
  readonly name: string;
  readonly pattern: string;
}

/**
 * Parses own patterns, one `name=pattern` a line (empty lines and lines that begin with `#` are left out), in the
 * syntax of RE2, which takes no pattern that could run for ever on a text.
 *
 * Throws AppError SETTINGS_INVALID that names the pattern and what is wrong with it.
 */
export function parseRedactPatterns(text: string): readonly RedactPattern[] {
  const patterns = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '' || line.trim().startsWith('#')) continue;
    const { name, pattern } = parseLine(line);
    if (patterns.has(name)) throw refusal(`has two patterns named "${name}"; give each a name`);
    patterns.set(name, pattern);
  }
  return [...patterns].map(([name, pattern]) => ({ name, pattern }));
}

function parseLine(line: string): RedactPattern {
  const at = line.indexOf('=');
  const name = line.slice(0, Math.max(0, at)).trim();
  const pattern = line.slice(at + 1).trim();
  if (!/^[a-z][a-z0-9 _-]{0,39}$/i.test(name) || pattern === '') {
    throw refusal(
      `has the line "${line.trim()}", which is not name=pattern with a name of letters, digits, spaces, - and _`,
    );
  }
  let findsNothing: boolean;
  try {
    findsNothing = loadRe2().compile(pattern).matches('');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw refusal(`has the pattern "${name}", which RE2 does not take: ${reason}`);
  }
  if (findsNothing) {
    throw refusal(
      `has the pattern "${name}", which finds a text of no length; it would mask nothing`,
    );
  }
  return { name, pattern };
}
