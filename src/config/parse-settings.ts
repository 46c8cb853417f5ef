import { parseEnv } from 'node:util';
import type { MeasureChecks } from '../shared/measures.ts';
import { toAppError } from '../shared/errors.ts';
import { hideValues } from '../shared/hide-values.ts';
import { toInstant, type InstantMs } from '../shared/time.ts';
import { checkTogether, type PartialSettings } from './check-together.ts';
import { readMeasures } from './read-measures.ts';
import { nameTarget } from './name-target.ts';
import type { CommandName } from './command-names.ts';
import { findValue, toReadFailure, type Finding, type ValueSources } from './find-value.ts';
import { listSettings } from './list-settings.ts';
import { maskSecrets } from './mask.ts';
import {
  missingValue,
  nameSetting,
  refusedValue,
  toSettingsError,
  type Problem,
} from './problem.ts';
import { refusal } from './refusal.ts';
import type { AnySetting } from './setting.ts';
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
  /** What a settings file is checked by. */
  readonly measureChecks: MeasureChecks;
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
  const findings = new Map(entries.map(({ setting }) => [setting, findValue(setting, sources)]));
  const secretTexts = [...findings].flatMap(([setting, finding]) =>
    setting.isSecret && finding.kind === 'found' ? [finding.text] : [],
  );

  const values: Record<string, Record<string, unknown>> = {};
  const secrets: Record<string, string | null | undefined> = {};
  for (const { group, key, setting } of entries) {
    const finding = findings.get(setting) ?? { kind: 'unset' };
    const parsed = parseFinding({ setting, finding, input, sources, secretTexts });
    if (parsed.problem !== undefined) problems.push(parsed.problem);
    if (setting.isSecret) secrets[key] = parsed.value as string | null | undefined;
    else (values[group] ??= {})[key] = parsed.value;
  }
  nameTarget(values as PartialSettings, findings);
  const { understanding = {} } = values;
  const own = readMeasures(understanding, input);
  problems.push(...own.problems);
  values['understanding'] = { ...understanding, modelAliases: own.modelAliases };
  problems.push(
    ...checkTogether({
      values: values as PartialSettings,
      secrets,
      findings,
    }),
    ...findUnknownNames(sources.environments, [...findings.keys()]),
  );
  if (problems.length > 0) {
    throw toSettingsError(
      problems.map(({ setting, line }) => ({ setting, line: maskSecrets(line, secretTexts) })),
    );
  }
  // Sound: every entry of the table was parsed by its own parser, or there would be a problem.
  const settings = { ...values, measures: own.measures } as unknown as Settings;
  return { settings: alignToWindows(settings), secrets: secrets as Secrets };
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

/** `value` is null for a setting that is unset and has no default, undefined where there is a problem. */
interface Parsed {
  readonly value?: unknown;
  readonly problem?: Problem;
}

function parseFinding({
  setting,
  finding,
  input,
  sources,
  secretTexts,
}: {
  setting: AnySetting;
  finding: Finding;
  input: SettingsInput;
  sources: ValueSources;
  secretTexts: readonly string[];
}): Parsed {
  if (finding.kind === 'problem') {
    const line = `${nameSetting(setting, finding.from)}: ${finding.reason}.`;
    return { problem: { setting: setting.env[0], line } };
  }
  if (finding.kind === 'unset' && setting.requiredBy?.includes(input.command)) {
    const misspelt = findMisspelling(setting, sources.environments);
    return { problem: missingValue(setting, { command: input.command, misspelt }) };
  }
  const preset = setting.isSecret ? null : setting.default;
  const raw = finding.kind === 'found' ? finding.text : preset;
  if (raw === null) return { value: null };
  const text = setting.isSecret || setting.isExact ? raw : raw.trim();
  try {
    const value = setting.parse(text, input.now);
    if (!setting.isSecret && setting.isReadableFile) requireReadable(text, input.readFile);
    return { value };
  } catch (error) {
    const from = finding.kind === 'found' ? finding.from : setting.env[0];
    const shown = setting.isSecret ? text : hideValues(text, secretTexts);
    const reason = toAppError(error).message;
    return {
      problem: refusedValue(setting, { from, text: shown, reason }),
    };
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
