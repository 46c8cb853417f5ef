import { parseEnv } from 'node:util';
import { toAppError } from '../shared/errors.ts';
import { toInstant, type InstantMs } from '../shared/time.ts';
import { checkTogether, type PartialSettings } from './check-together.ts';
import type { CommandName } from './command-names.ts';
import { findValue, toReadFailure, type FoundValue, type ValueSources } from './find-value.ts';
import { maskSecrets } from './mask.ts';
import { nameSetting, refusedValue, toSettingsError, type Problem } from './problem.ts';
import { refusal } from './refusal.ts';
import type { AnySetting } from './setting.ts';
import { settingsTable } from './settings-table.ts';
import type { Secrets, Settings } from './settings.ts';
import { findMisspelling, findUnknownNames } from './unknown-names.ts';

export interface SettingsInput {
  /** Decides which settings may not be missing. */
  readonly command: CommandName;
  /** As commander gives them: `langfuseBaseUrl` for `--langfuse-base-url`, and `envFile`. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws where it cannot be read. */
  readonly readFile: (path: string) => string;
  /** What a start such as `7d` counts back from. */
  readonly now: InstantMs;
}

export interface ParsedSettings {
  readonly settings: Settings;
  readonly secrets: Secrets;
}

/**
 * Turns flags, environment and `--env-file` into settings and secrets, in this order of precedence.
 *
 * Throws one AppError SETTINGS_INVALID that lists *all* problems, a line each: the setting, what was
 * found (never a secret) and what is allowed.
 */
export function parseSettings(input: SettingsInput): ParsedSettings {
  const problems: Problem[] = [];
  const sources = readSources(input, problems);
  const entries = listSettings();
  const all = entries.map((entry) => entry.setting);

  const found = new Map<AnySetting, FoundValue>();
  const values: Record<string, Record<string, unknown>> = {};
  const secrets: Record<string, string | null | undefined> = {};
  for (const { group, key, setting } of entries) {
    const finding = findValue(setting, sources);
    if (finding.kind === 'found') found.set(setting, finding.value);
    if (finding.kind === 'problem') {
      const line = `${nameSetting(setting, finding.from)}: ${finding.reason}.`;
      problems.push({ setting: setting.env[0], line });
    } else if (finding.kind === 'unset' && setting.requiredBy?.includes(input.command)) {
      problems.push(missingValue(setting, { command: input.command, sources }));
    }
    const value =
      finding.kind === 'problem'
        ? undefined
        : parseValue(setting, { found: found.get(setting), input, problems });
    if (setting.isSecret) secrets[key] = value as string | null | undefined;
    else (values[group] ??= {})[key] = value;
  }
  problems.push(...checkTogether({ values: values as PartialSettings, secrets, found }));
  problems.push(...findUnknownNames(sources.environments, all));

  if (problems.length > 0) {
    const secretTexts = all.flatMap((setting) =>
      setting.isSecret ? (found.get(setting)?.text ?? []) : [],
    );
    throw toSettingsError(
      problems.map(({ setting, line }) => ({ setting, line: maskSecrets(line, secretTexts) })),
    );
  }
  // Sound: every entry of the table was parsed by its own parser, or there would be a problem.
  return { settings: alignToWindows(values as unknown as Settings), secrets: secrets as Secrets };
}

interface Entry {
  readonly group: string;
  readonly key: string;
  readonly setting: AnySetting;
}

/** Every setting of the table in its order, with the group and key that its value is found under. */
export function listSettings(): readonly Entry[] {
  return Object.entries(settingsTable).flatMap(([group, settings]) =>
    Object.entries(settings).map(([key, setting]: [string, AnySetting]) => ({
      group,
      key,
      setting,
    })),
  );
}

function readSources(input: SettingsInput, problems: Problem[]): ValueSources {
  const environments = [input.env];
  const { envFile } = input.flags;
  if (typeof envFile === 'string' && envFile !== '') {
    try {
      environments.push(parseEnv(input.readFile(envFile)));
    } catch (error) {
      const line = `--env-file: names ${envFile}, ${toReadFailure(error)}.`;
      problems.push({ setting: '--env-file', line });
    }
  }
  return { flags: input.flags, environments, readFile: input.readFile };
}

function missingValue(
  setting: AnySetting,
  { command, sources }: { command: CommandName; sources: ValueSources },
): Problem {
  const misspelt = findMisspelling(setting, sources.environments);
  const advice = misspelt === null ? '' : ` (${misspelt} is set: is the name misspelt?)`;
  const line = `${nameSetting(setting)}: not set, and ${command} needs it${advice}. Allowed: ${setting.allows}.`;
  return { setting: setting.env[0], line };
}

/** The parsed value; null for an unset setting without default; undefined where there is a problem. */
function parseValue(
  setting: AnySetting,
  {
    found,
    input,
    problems,
  }: { found: FoundValue | undefined; input: SettingsInput; problems: Problem[] },
): unknown {
  const fallback = setting.isSecret ? null : setting.default;
  const raw = found?.text ?? fallback;
  if (raw === null) return null;
  const isExact = setting.isSecret || setting.isExact;
  const text = isExact ? raw : raw.trim();
  const from = found?.from ?? setting.env[0];
  try {
    const value = setting.parse(text, input.now);
    if (!setting.isSecret && setting.isReadableFile) requireReadable(text, input.readFile);
    return value;
  } catch (error) {
    problems.push(refusedValue(setting, { from, text, reason: toAppError(error).message }));
    return undefined;
  }
}

function requireReadable(path: string, readFile: (path: string) => string): void {
  try {
    readFile(path);
  } catch (error) {
    throw refusal(toReadFailure(error).replace('which ', ''));
  }
}

/** Lookback becomes whole windows, and the start the start of a window: only whole windows are counted. */
function alignToWindows(settings: Settings): Settings {
  const { sizeMs, lookbackMs, startMs } = settings.windows;
  return {
    ...settings,
    windows: {
      ...settings.windows,
      lookbackMs: Math.ceil(lookbackMs / sizeMs) * sizeMs,
      startMs: toInstant(Math.floor(startMs / sizeMs) * sizeMs),
    },
  };
}
