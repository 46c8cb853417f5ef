import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A line of code that a file must not hold, and a piece of what the linter then says. */
const violations: readonly [file: string, code: string, message: string][] = [
  ['src/shared/x.ts', "import '../sync/ports.ts';", 'the floor that every room stands on'],
  ['src/config/x.ts', "import '../langfuse/y.ts';", 'it knows no other room'],
  ['src/config/x.ts', "import '../app.ts';", 'a room never reaches up to it'],
  ['src/langfuse/x.ts', "import '../mlflow/y.ts';", 'langfuse reads Langfuse and nothing else'],
  ['src/langfuse/x.ts', "import '../litellm/y.ts';", 'langfuse reads Langfuse and nothing else'],
  ['src/langfuse/x.ts', "import '../sync/plan.ts';", 'src/sync/ports.ts'],
  [
    'src/langfuse/x.ts',
    "import '../config/settings.ts';",
    'langfuse reads Langfuse and nothing else',
  ],
  ['src/litellm/x.ts', "import '../langfuse/y.ts';", 'knows no room but shared'],
  ['src/litellm/x.ts', "import 'node:fs';", 'litellm is a pure room'],
  ['src/litellm/x.ts', "import 'node:crypto';", 'litellm is a pure room'],
  ['src/litellm/x.ts', "import '../shared/clock.ts';", 'take the instant as an argument'],
  ['src/litellm/deep/x.ts', "import '../../store/y.ts';", 'knows no room but shared'],
  ['src/store/x.ts', "import '../metrics/y.ts';", 'the rooms after it'],
  ['src/store/x.ts', "import '../mlflow/y.ts';", 'the rooms after it'],
  ['src/backup/x.ts', "import '../sync/ports.ts';", 'copies the state file as a whole'],
  ['src/backup/x.ts', "import '../config/settings.ts';", 'copies the state file as a whole'],
  ['src/backup/x.ts', "import '../store/ledger.ts';", 'asks for nothing else of the store'],
  ['src/store/x.ts', "import '../backup/y.ts';", 'the rooms after it'],
  ['src/sync/x.ts', "import '../backup/y.ts';", 'handed to it by app.ts'],
  ['src/cli/x.ts', "import '../backup/y.ts';", 'asks app.ts for an open backup'],
  ['src/metrics/x.ts', "import '../store/y.ts';", 'nor the state file'],
  ['src/metrics/x.ts', "import 'node:fs/promises';", 'metrics is a pure room'],
  ['src/metrics/x.ts', "import 'better-sqlite3';", 'of all packages only zod'],
  ['src/metrics/x.ts', "import '../shared/clock.ts';", 'take the instant as an argument'],
  [
    'src/runs/x.ts',
    "import '../mlflow/y.ts';",
    'knows neither Langfuse, MLflow nor the state file',
  ],
  ['src/runs/x.ts', "import '../store/y.ts';", 'knows neither Langfuse, MLflow nor the state file'],
  ['src/runs/x.ts', "import 'node:os';", 'runs is a pure room'],
  ['src/runs/x.ts', "import { randomUUID } from 'node:crypto';", 'Only createHash'],
  ['src/runs/x.ts', "import '../shared/clock.ts';", 'take the instant as an argument'],
  ['src/mlflow/x.ts', "import '../langfuse/y.ts';", 'mlflow writes MLflow and nothing else'],
  ['src/mlflow/x.ts', "import '../runs/y.ts';", 'mlflow writes MLflow and nothing else'],
  ['src/mlflow/x.ts', "import '../sync/publish.ts';", 'src/sync/ports.ts'],
  ['src/sagemaker/x.ts', "import '../runs/y.ts';", 'it knows no data'],
  ['src/sagemaker/x.ts', "import '../sync/publish.ts';", 'src/sync/ports.ts'],
  ['src/mlflow/x.ts', "import '../sagemaker/y.ts';", 'mlflow writes MLflow and nothing else'],
  ['src/sync/x.ts', "import '../sagemaker/y.ts';", 'handed to it by app.ts'],
  ['src/sync/x.ts', "import '../langfuse/y.ts';", 'handed to it by app.ts'],
  ['src/sync/x.ts', "import '../mlflow/y.ts';", 'handed to it by app.ts'],
  [
    'src/sync/x.ts',
    "import type { Settings } from '../config/settings.ts';",
    'handed to it by app.ts',
  ],
  ['src/sync/x.ts', "import '../cli/y.ts';", 'handed to it by app.ts'],
  ['src/sync/x.ts', "import '../verify/y.ts';", 'handed to it by app.ts'],
  ['src/verify/x.ts', "import '../langfuse/y.ts';", 'handed to it'],
  ['src/verify/x.ts', "import '../mlflow/y.ts';", 'handed to it'],
  ['src/verify/x.ts', "import '../cli/y.ts';", 'handed to it'],
  ['src/smoke/x.ts', "import '../mlflow/y.ts';", 'follows one request through the ports'],
  ['src/smoke/x.ts', "import '../config/settings.ts';", 'handed to it'],
  ['src/sync/x.ts', "import '../smoke/y.ts';", 'handed to it by app.ts'],
  ['src/gateway/x.ts', "import '../litellm/y.ts';", 'it knows no room but shared'],
  ['src/gateway/x.ts', "import '../config/mask.ts';", 'it knows no room but shared'],
  ['src/gateway/x.ts', "import 'node:fs';", 'gateway is a pure room'],
  ['src/gateway/x.ts', "import '../app.ts';", 'a room never reaches up to it'],
  ['src/smoke/x.ts', "import '../gateway/y.ts';", 'handed to it'],
  ['src/verify/x.ts', "import '../gateway/y.ts';", 'handed to it'],
  ['src/report/x.ts', "import '../mlflow/y.ts';", 'reads and writes nothing by itself'],
  ['src/redact/x.ts', "import '../store/y.ts';", 'knows no room but shared'],
  ['src/redact/x.ts', "import 'node:fs';", 'redact is a pure room'],
  ['src/redact/x.ts', "import { randomUUID } from 'node:crypto';", 'Only digests'],
  ['src/redact/x.ts', "import 'zod';", 'only re2js'],
  ['src/redact/x.ts', "import '../shared/clock.ts';", 'take the instant as an argument'],
  ['src/langfuse/x.ts', "import '../redact/y.ts';", 'langfuse reads Langfuse and nothing else'],
  ['src/telemetry/x.ts', "import '../config/settings.ts';", 'prints what it is told'],
  ['src/telemetry/x.ts', "import '../sync/ports.ts';", 'prints what it is told'],
  ['src/schedule/x.ts', "import '../sync/ports.ts';", 'only decides when'],
  ['src/schedule/x.ts', "import '../monitor/y.ts';", 'only decides when'],
  ['src/monitor/x.ts', "import '../sync/run-sync.ts';", 'is handed to it'],
  ['src/sync/x.ts', "import '../monitor/y.ts';", 'handed to it by app.ts'],
  ['src/demo/x.ts', "import '../langfuse/y.ts';", 'let one error hide in both'],
  ['src/demo/x.ts', "import '../litellm/y.ts';", 'let one error hide in both'],
  ['src/cli/x.ts', "import '../langfuse/y.ts';", 'asks app.ts'],
  ['src/app.ts', "import './cli/y.ts';", 'commands call it, never the reverse'],
  ['src/store/x.ts', 'Date.now();', 'Take a Clock'],
  ['src/runs/x.ts', 'Math.random();', 'Take the randomness as an argument'],
  ['src/sync/x.ts', 'process.env;', 'Settings are parsed once'],
  ['src/langfuse/x.ts', "export { y } from '../mlflow/y.ts';", 'langfuse reads Langfuse'],
  ['src/langfuse/x.ts', "await import('../mlflow/y.ts');", 'langfuse reads Langfuse'],
];

/** What the walls must let through, or they would be a wall around everything. */
const allowed: readonly [file: string, code: string][] = [
  ['src/shared/x.ts', "import './time.ts';"],
  ['src/langfuse/x.ts', "import type { Source } from '../sync/ports.ts';"],
  ['src/langfuse/x.ts', "import '@langfuse/client';"],
  ['src/litellm/x.ts', "import { z } from 'zod';"],
  ['src/litellm/x.ts', "import '../shared/time.ts';"],
  ['src/store/x.ts', "import '../litellm/generation.ts';"],
  ['src/backup/x.ts', "import '../store/open-state.ts';"],
  ['src/backup/x.ts', "import '@aws-sdk/client-s3';"],
  ['src/cli/x.ts', "import type { Backup } from '../backup/y.ts';"],
  ['src/metrics/x.ts', "import '../litellm/generation.ts';"],
  ['src/runs/x.ts', "import { createHash } from 'node:crypto';"],
  ['src/runs/x.ts', "import '../metrics/catalogue.ts';"],
  ['src/mlflow/x.ts', "import type { Target } from '../sync/ports.ts';"],
  ['src/sync/x.ts', "import '../store/y.ts';"],
  ['src/sync/x.ts', "import '../runs/y.ts';"],
  ['src/sync/x.ts', "import '../redact/y.ts';"],
  ['src/redact/x.ts', "import { createHmac } from 'node:crypto';"],
  ['src/redact/x.ts', "import 're2js';"],
  ['src/verify/x.ts', "import '../sync/ports.ts';"],
  ['src/verify/x.ts', "import '../store/y.ts';"],
  ['src/verify/x.ts', "import '../runs/y.ts';"],
  ['src/cli/x.ts', "import '../verify/y.ts';"],
  ['src/cli/x.ts', "import '../gateway/y.ts';"],
  ['src/gateway/x.ts', "import 'yaml';"],
  ['src/gateway/x.ts', "import '../shared/errors.ts';"],
  ['src/cli/x.ts', "import '../app.ts';"],
  ['src/cli/x.ts', "import '../config/parse-settings.ts';"],
  ['src/app.ts', "import './langfuse/y.ts';"],
  ['src/app.ts', "import './mlflow/y.ts';"],
  ['src/shared/clock.ts', 'Date.now();'],
  ['src/cli.ts', 'process.env;'],
];

interface Diagnostic {
  readonly filename: string;
  readonly code: string;
  readonly help?: string;
  readonly message: string;
}

const folder = mkdtempSync(join(tmpdir(), 'walls-'));
const found = new Map<string, string[]>();

/** Every case in a tree of its own (`<number>/src/…`), with the project's rules, in one run of oxlint. */
beforeAll(() => {
  const cases = [...violations, ...allowed];
  for (const [index, [file, code]] of cases.entries()) {
    const path = join(folder, String(index), file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${code}\n`);
    cpSync(join(root, '.oxlintrc.json'), join(folder, String(index), '.oxlintrc.json'));
  }
  for (const { filename, code, help, message } of lint()) {
    if (!/no-restricted/.test(code)) continue;
    const index = filename.split('/')[0] ?? '';
    found.set(index, [...(found.get(index) ?? []), help ?? message]);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function lint(): Diagnostic[] {
  const oxlint = join(root, 'node_modules', '.bin', 'oxlint');
  let output: string;
  try {
    output = execFileSync(oxlint, ['--format', 'json', '.'], { cwd: folder, encoding: 'utf8' });
  } catch (error) {
    // It ends with 1 when it found something, which is what is wanted here.
    output = String((error as { stdout: unknown }).stdout);
  }
  return (JSON.parse(output) as { diagnostics: Diagnostic[] }).diagnostics;
}

describe('the linter refuses', () => {
  test.each(violations.map((violation, index) => [...violation, index] as const))(
    '%s: %s',
    (_file, _code, message, index) => {
      expect(found.get(String(index)) ?? []).toEqual([expect.stringContaining(message)]);
    },
  );
});

describe('the linter allows', () => {
  test.each(allowed.map((entry, index) => [...entry, index + violations.length] as const))(
    '%s: %s',
    (_file, _code, index) => {
      expect(found.get(String(index)) ?? []).toEqual([]);
    },
  );
});

test('every room has a wall', () => {
  const rooms = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && readdirSync(join(root, 'src', entry.name)).length > 0)
    .map((entry) => `src/${entry.name}/**/*.ts`);
  const { overrides } = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as {
    overrides: { files: string[]; rules: Record<string, unknown> }[];
  };
  const walled = overrides
    .filter(({ rules }) => 'no-restricted-imports' in rules)
    .flatMap(({ files }) => files);
  expect(walled).toEqual(expect.arrayContaining(rooms));
});

// The linter has no rule for `new Date()` without an argument, which reads the clock as well.
test('only the clock asks for the current time', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && path !== join('shared', 'clock.ts'),
  );
  const reading = files.filter((path) =>
    /new Date\(\s*\)|\bDate\(\)/.test(readFileSync(join(root, 'src', path), 'utf8')),
  );
  expect(files.length).toBeGreaterThan(20);
  expect(reading).toEqual([]);
});
