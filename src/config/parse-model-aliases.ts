import { z } from 'zod';
import { refusal } from './refusal.ts';

const AliasObject = z.record(z.string().min(1), z.string().min(1));

/**
 * Parses `from=to,from2=to2`, or the same as a JSON object where a name holds a comma or an equals
 * sign. Returns a map of raw or group model names to canonical ones.
 *
 * Throws AppError SETTINGS_INVALID with the reason alone, also where one name is given two targets.
 */
export function parseModelAliases(text: string): Readonly<Record<string, string>> {
  const value = text.trim();
  return value.startsWith('{') ? parseJsonAliases(value) : parsePairs(value);
}

function parseJsonAliases(value: string): Readonly<Record<string, string>> {
  let json: unknown;
  try {
    json = JSON.parse(value);
  } catch {
    throw refusal('begins with { but is not JSON; write {"from":"to"} or from=to,from2=to2');
  }
  const parsed = AliasObject.safeParse(json);
  if (!parsed.success) {
    throw refusal('must be a JSON object of names to names, such as {"from":"to"}');
  }
  return parsed.data;
}

function parsePairs(value: string): Readonly<Record<string, string>> {
  const aliases = new Map<string, string>();
  for (const pair of value.split(',')) {
    if (pair.trim() === '') continue;
    const parts = pair.split('=').map((part) => part.trim());
    const [from, to] = parts;
    if (parts.length !== 2 || !from || !to) {
      throw refusal(
        `has "${pair.trim()}", which is not from=to; use JSON where a name holds = or ,`,
      );
    }
    const earlier = aliases.get(from);
    if (earlier !== undefined && earlier !== to) {
      throw refusal(`names both ${earlier} and ${to} for ${from}; keep one`);
    }
    aliases.set(from, to);
  }
  return Object.fromEntries(aliases);
}
