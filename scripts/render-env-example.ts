import { listSettings } from '../src/config/list-settings.ts';
import type { AnySetting } from '../src/config/setting.ts';
import { groupTitles } from '../src/config/setting-groups.ts';

/** `.env.example`: every setting with its default, all but the required ones commented out. */
export function renderEnvExample(): string {
  const lines = [
    '# Settings of langfuse-mlflow. Copy this file to .env, fill in the keys, and run',
    '#   langfuse-mlflow sync --env-file .env',
    '# Variables of the real environment win over this file, and flags over both.',
    '# docs/configuration.md explains each one. Made by `npm run generate`: do not edit by hand.',
  ];
  let lastGroup = '';
  for (const { group, setting } of listSettings()) {
    if (group !== lastGroup) lines.push('', `# ---- ${groupTitles[group]}`);
    lastGroup = group;
    lines.push('', ...wrap(setting.description.replaceAll('`', '')), ...renderAssignment(setting));
  }
  return `${lines.join('\n')}\n`;
}

function renderAssignment(setting: AnySetting): string[] {
  const [name] = setting.env;
  const fileLine = setting.fromFile ? [`# ${name}_FILE=/run/secrets/${name.toLowerCase()}`] : [];
  if (setting.requiredBy) return [`${name}=`, ...fileLine];
  const preset = setting.isSecret ? '' : (setting.default ?? '');
  return [`# ${name}=${preset}`, ...fileLine];
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > 100) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
