import { Option, type Command } from 'commander';
import type { CommandName } from './command-names.ts';
import { groupTitles } from './setting-groups.ts';
import { listSettings } from './list-settings.ts';
import type { AnySetting } from './setting.ts';

/**
 * Adds a flag to `command` for every setting that it takes, and `--env-file`.
 *
 * The flags have no defaults and read no environment by themselves: `command.opts()` goes to
 * parseSettings, which alone decides what wins.
 */
export function addSettingOptions(command: Command, name: CommandName): void {
  const use =
    name === 'litellm'
      ? 'also set MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME in this file of NAME=value lines; what it holds counts as a setting'
      : 'also read settings from this file of NAME=value lines';
  command.addOption(new Option('--env-file <FILE>', use));
  for (const { group, setting } of listSettings()) {
    if (!setting.commands.includes(name)) continue;
    for (const option of toOptions(setting)) {
      command.addOption(option.helpGroup(`${groupTitles[group]}:`));
    }
  }
}

function toOptions(setting: AnySetting): Option[] {
  const text = setting.description.replaceAll('`', '');
  const [env] = setting.env;
  if (setting.isSecret) {
    const help = `File that holds: ${text} (env: ${env} or ${env}_FILE)`;
    return [new Option(`${setting.fileFlag} <FILE>`, help)];
  }
  const preset =
    setting.default === null || setting.default === '' ? '' : `default: ${setting.default}, `;
  const help = `${text} (${preset}env: ${env})`;
  if (setting.placeholder !== null) {
    return [new Option(`${setting.flag} <${setting.placeholder}>`, help)];
  }
  const negated = new Option(
    setting.flag.replace(/^--/, '--no-'),
    `the opposite of ${setting.flag}`,
  );
  return [new Option(setting.flag, help), negated.hideHelp()];
}
