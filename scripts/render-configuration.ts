import { listSettings } from '../src/config/list-settings.ts';
import type { AnySetting } from '../src/config/setting.ts';
import { groupTitles } from '../src/config/setting-groups.ts';

const introduction = `# Settings

Every setting, from the one table in \`src/config\` (made by \`npm run generate\`; do not edit by hand).

A setting is taken from the first place that has it:

1. its flag;
2. the environment, under each of its names in the order given here;
3. the file named by \`--env-file\`, lines of \`NAME=value\`. No \`.env\` file is read unless it is named.

An empty value is no value. All problems are reported at once, before anything is read or written, and
the command ends with exit code 2. A variable that begins with \`SYNC_\` and is not listed here is
refused too, since a misspelt name would otherwise go unseen.

**Secrets** have no flag, because flags are seen by every user of a machine. Set the variable, or
\`NAME_FILE\` (or the \`…-file\` flag) to the path of a file that holds the value; a line break at its
end is dropped. Setting both \`NAME\` and \`NAME_FILE\` is refused. No secret is ever logged or written.

**Durations** are a whole number and a unit: \`90s\`, \`30m\`, \`6h\`, \`3d\`.

To trust a private certificate authority for Langfuse, use Node's own \`NODE_EXTRA_CA_CERTS\`.`;

/** docs/configuration.md */
export function renderConfigurationPage(): string {
  const sections: string[] = [introduction];
  let lastGroup = '';
  for (const { group, setting } of listSettings()) {
    if (group !== lastGroup) sections.push(`## ${groupTitles[group]}`);
    lastGroup = group;
    sections.push(renderSetting(setting));
  }
  return `${sections.join('\n\n')}\n`;
}

function renderSetting(setting: AnySetting): string {
  const [name, ...others] = setting.env;
  const rows: [string, string][] = [];
  if (others.length > 0) rows.push(['Also read from', others.map(code).join(', then ')]);
  if (setting.fromFile) rows.push(['From a file', code(`${name}_FILE`)]);
  rows.push(
    ['Flag', renderFlag(setting)],
    ['Allowed', setting.allows],
    ['Default', renderDefault(setting)],
  );
  if (setting.requiredBy) rows.push(['Required by', setting.requiredBy.map(code).join(', ')]);
  rows.push(
    ['Example', code(`${name}=${setting.example}`)],
    ['Flag taken by', setting.commands.map(code).join(', ')],
  );
  const table = rows.map(([label, value]) => `| ${label} | ${value.replaceAll('|', '\\|')} |`);
  return [`### \`${name}\``, '', setting.description, '', '| | |', '|---|---|', ...table].join(
    '\n',
  );
}

function renderFlag(setting: AnySetting): string {
  if (setting.isSecret) return code(`${setting.fileFlag} FILE`);
  if (setting.placeholder !== null) return code(`${setting.flag} ${setting.placeholder}`);
  return `${code(setting.flag)}, ${code(setting.flag.replace('--', '--no-'))}`;
}

function renderDefault(setting: AnySetting): string {
  if (setting.isSecret || setting.default === null) return 'not set';
  return setting.default === '' ? 'empty' : code(setting.default);
}

function code(text: string): string {
  return `\`${text}\``;
}
