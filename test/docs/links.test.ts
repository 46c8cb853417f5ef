/** What the pages say must be there: files, headings, scripts, commands, flags, settings, tags, tables, columns. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import type { CliSurroundings } from '../../src/cli/surroundings.ts';
import { listSettings } from '../../src/config/list-settings.ts';
import { renderErrorsTable } from '../../src/report/errors-table.ts';
import { renderModelsTable } from '../../src/report/models-table.ts';
import { renderRequestsTable } from '../../src/report/requests-table.ts';
import { renderSessionsTable } from '../../src/report/sessions-table.ts';
import { grains } from '../../src/runs/run-spec.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { ExitCode, errorCatalogue } from '../../src/shared/errors.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

function listFiles(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path));
}

const pages = ['README.md', 'CHANGELOG.md', ...listFiles('docs', '.md')];

/** Code blocks hold no links and no headings. */
function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/(`+)[^`][\s\S]*?\1(?!`)/g, 'code');
}

/** A heading's anchor as GitHub makes it. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
    .replaceAll(' ', '-');
}

function anchorsOf(path: string): Set<string> {
  const text = read(path).replaceAll(/^```[\s\S]*?^```/gm, '');
  return new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => toAnchor(heading)));
}

function matches(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ''))].toSorted();
}

/** Everything of `said` that is not in `known`. */
function unknown(said: readonly string[], known: Iterable<string>): string[] {
  const all = new Set(known);
  return said.filter((one) => !all.has(one));
}

const program = createProgram({
  env: {},
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
  signal: new AbortController().signal,
  readFile: () => '',
  isJson: false,
  printJson: () => {},
  secrets: new Set<string>(),
  setExitCode: () => {},
} satisfies CliSurroundings);
const flagsOf = new Map(
  program.commands.map((command) => [
    command.name(),
    [...command.options.map(({ long }) => long ?? ''), '--help'],
  ]),
);

describe.each(pages)('%s', (page) => {
  const text = read(page);

  test('every relative link leads somewhere', () => {
    const links = matches(withoutCode(text), /\]\(<?([^)\s>]+)>?\)/g).filter(
      (link) => !/^[a-z]+:/.test(link),
    );
    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : relative(root, resolve(root, dirname(page), path));
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(target).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('every npm script exists', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const said = matches(text, /npm run (?:--silent )?([\w:-]+)/g);
    expect(unknown(said, Object.keys(scripts))).toEqual([]);
  });

  test('every command and flag exists', () => {
    const calls = [
      ...text.matchAll(/(?<=^|`|\s)langfuse-mlflow ([a-z]+(?:-[a-z]+)*)((?: [^\n`|#]*)?)/g),
    ];
    const wrong = calls.flatMap(([, name = '', rest = '']) => {
      const flags = flagsOf.get(name);
      if (flags === undefined) return [name];
      return unknown(matches(rest, /(--[a-z][a-z-]*)/g), flags).map((flag) => `${name} ${flag}`);
    });
    expect(wrong).toEqual([]);
  });

  test('every setting and error code exists', () => {
    // Variables of other programs that a page speaks of.
    const others = ['LANGFUSE_SAMPLE_RATE', 'LANGFUSE_DEBUG'];
    const names = listSettings().flatMap(({ setting }) =>
      setting.env.flatMap((name) => [name, `${name}_FILE`]),
    );
    const said = matches(text, /\b((?:SYNC|LANGFUSE|MLFLOW)_[A-Z][A-Z_]*[A-Z])\b/g);
    expect(unknown(said, [...names, ...others, ...Object.keys(errorCatalogue)])).toEqual([]);
  });

  test('every file of the project that is named exists', () => {
    const said = matches(text, /`((?:src|test|scripts|migrations)\/[\w./-]+)`/g);
    expect(said.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('docs/formats.md', () => {
  const text = read('docs/formats.md');

  test('has every tag of our own, and no other', () => {
    const sources = listFiles('src', '.ts').map(read).join('\n');
    const tags = [
      ...matches(sources, /\$\{tagPrefix\}(\w+)`/g),
      ...matches(sources, /'langfuse_mlflow\.(\w+)'/g),
    ];
    const said = matches(text, /`langfuse_mlflow\.(\w+)`/g);
    expect(new Set(said)).toEqual(new Set(tags));
  });

  test('has every kind of run', () => {
    const rows = matches(
      text,
      /^\| `(\w+)` \| [^|]*\| [^|]*\| [^|]*\| (?:revision|window number) \|$/gm,
    );
    expect(rows).toEqual(grains.toSorted());
  });

  test('has every table of the state file, and no other', () => {
    const schema = listFiles('migrations', '.sql').map(read).join('\n');
    const tables = [...matches(schema, /^CREATE (?:TABLE|VIEW) (\w+)/gm), 'migrations'];
    const section = text.slice(text.indexOf('## The state file'), text.indexOf('## --json'));
    const rows = [...section.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].map(([, cell = '']) => cell);
    expect(matches(rows.join(), /`(\w+)`/g)).toEqual(tables.toSorted());
  });

  test('has every column of the tables', () => {
    const tables = [
      renderModelsTable([]),
      renderSessionsTable([]),
      renderRequestsTable([], { total: 0 }),
      renderErrorsTable([]),
    ].map((bytes) => JSON.parse(new TextDecoder().decode(bytes)) as { columns: string[] });
    const columns = tables.flatMap((table) => table.columns);
    expect(columns.length).toBeGreaterThan(80);
    expect(columns.filter((column) => !text.includes(`\`${column}\``))).toEqual([]);
  });
});

test('the README names every command and every exit code', () => {
  const text = read('README.md');
  for (const name of flagsOf.keys()) {
    // `demo` is started by its npm script.
    expect(text).toMatch(new RegExp(`(?:langfuse-mlflow|npm run) ${name}\\b`));
  }
  for (const code of Object.values(ExitCode)) {
    expect(text).toMatch(new RegExp(`^\\| (?:\\d+, )?${code}(?:, \\d+)? \\|`, 'm'));
  }
});

test.each([
  ['schedule', 'a built-in scheduler'],
  ['verify', 'comparing MLflow with Langfuse'],
  ['recover', 'rebuilding the state file'],
])('the README calls %s missing if and only if it is', (command, words) => {
  const text = read('README.md').replaceAll(/\s+/g, ' ');
  expect(text.includes(words)).toBe(!flagsOf.has(command));
});
