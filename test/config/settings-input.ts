import { openMeasureChecks } from '../../src/app-measures.ts';
import { parseSettings, type ParsedSettings } from '../../src/config/parse-settings.ts';
import type { CommandName } from '../../src/config/command-names.ts';
import { AppError } from '../../src/shared/errors.ts';
import { toInstant } from '../../src/shared/time.ts';

export const now = toInstant(Date.UTC(2026, 10, 25, 10, 30));

export const keys = {
  LANGFUSE_PUBLIC_KEY: 'pk-lf-public-key',
  LANGFUSE_SECRET_KEY: 'sk-lf-secret-key',
};

interface Input {
  command?: CommandName;
  env?: Record<string, string>;
  flags?: Record<string, unknown>;
  /** Text by path; every other path does not exist. */
  files?: Record<string, string>;
}

export function parse({
  command = 'sync',
  env = {},
  flags = {},
  files = {},
}: Input): ParsedSettings {
  const readFile = (path: string): string => {
    const text = files[path];
    if (text === undefined) {
      throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
    }
    return text;
  };
  using opened = openMeasureChecks();
  const measureChecks = opened.checks;
  return parseSettings({ command, env, flags, readFile, now, measureChecks });
}

/** The problem lines of settings that must be refused, without the heading. */
export function problemsOf(input: Input): string[] {
  try {
    parse(input);
  } catch (error) {
    if (error instanceof AppError && error.code === 'SETTINGS_INVALID') {
      const [heading = '', ...lines] = error.message.split('\n');
      const count = lines.length === 1 ? 'One setting' : `${lines.length} settings`;
      if (!heading.startsWith(count))
        throw new Error(`wrong heading: ${heading}`, { cause: error });
      return lines.map((line) => line.replace(/^ {2}- /, ''));
    }
    throw error;
  }
  throw new Error('expected the settings to be refused');
}
