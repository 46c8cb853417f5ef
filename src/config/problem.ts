import { AppError } from '../shared/errors.ts';
import { showFound } from './mask.ts';
import type { AnySetting } from './setting.ts';

/** One thing that is wrong with the settings, as a line that a person can act on. */
export interface Problem {
  /** First environment name of the setting. */
  readonly setting: string;
  readonly line: string;
}

/** `LANGFUSE_HOST (or --langfuse-base-url)`: the name it was found under, then how else it can be set. */
export function nameSetting(setting: AnySetting, from: string = setting.env[0]): string {
  const flag = setting.isSecret ? setting.fileFlag : setting.flag;
  const others = [setting.env[0], setting.isSecret ? `${setting.env[0]}_FILE` : null, flag];
  const rest = others.filter((name) => name !== null && name !== from);
  return `${from} (or ${rest.join(', ')})`;
}

/** A value that was found and is refused. `reason` is the second half of "which …". */
export function refusedValue(
  setting: AnySetting,
  { from, text, reason }: { from: string; text: string; reason: string },
): Problem {
  const found = showFound(text, { isSecret: setting.isSecret });
  return {
    setting: setting.env[0],
    line: `${nameSetting(setting, from)}: found ${found}, which ${reason}. Allowed: ${setting.allows}.`,
  };
}

/** A value that `command` cannot do without. */
export function missingValue(
  setting: AnySetting,
  { command, misspelt }: { command: string; misspelt: string | null },
): Problem {
  const advice = misspelt === null ? '' : ` (${misspelt} is set: is the name misspelt?)`;
  const line = `${nameSetting(setting)}: not set, and ${command} needs it${advice}. Allowed: ${setting.allows}.`;
  return { setting: setting.env[0], line };
}

/** Everything wrong with the settings as one error, a line each. */
export function toSettingsError(problems: readonly Problem[]): AppError {
  const heading =
    problems.length === 1
      ? 'One setting cannot be used:'
      : `${problems.length} settings cannot be used:`;
  const lines = problems.map((problem) => `  - ${problem.line}`);
  return new AppError('SETTINGS_INVALID', [heading, ...lines].join('\n'), {
    details: { problems },
  });
}
