import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openTempFolder } from '../support/temp-folder.ts';
import { runCli, type CliEnd } from './built-cli.ts';
import { hashFiles } from './workplace.ts';

vi.setConfig({ testTimeout: 120_000 });
const config = [
  '# the gateway of the team',
  'general_settings: {master_key: sk-made-up-master}',
  'litellm_settings:',
  "  success_callback: ['mlflow'] # since May",
  '  failure_callback:',
  '    - mlflow',
  '',
].join('\r\n');
const edited = config
  .replace("['mlflow']", "['langfuse']")
  .replace('- mlflow', '- langfuse')
  .replace(
    'litellm_settings:',
    'litellm_settings:\r\n  langfuse_default_tags: ["user_api_key_alias", "user_api_key_team_alias", "user_api_key_user_id", "cache_hit"]',
  );
const arn = 'arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/team-mlflow';

function update(cwd: string, text: string, env: Record<string, string> = {}): Promise<CliEnd> {
  return runCli({ args: ['litellm', 'update-config', ...text.split(' ')], cwd, env });
}

test('edits once, keeps a copy and the mode, follows a link; twice changes nothing', async () => {
  using folder = openTempFolder();
  const at = (name: string): string => join(folder.path, name);
  mkdirSync(at('real'));
  writeFileSync(at('real/config.yaml'), config);
  chmodSync(at('real/config.yaml'), 0o640);
  writeFileSync(at('real/config.yaml.bak'), 'of long ago');
  symlinkSync('real/config.yaml', at('link.yaml'));

  const dry = await update(folder.path, 'link.yaml --remove-mlflow --dry-run');
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout).toContain("\n+  success_callback: ['langfuse'] # since May\n");
  expect(dry.stdout).not.toContain('made-up');
  expect(readFileSync(at('real/config.yaml'), 'utf8')).toBe(config);
  expect(readdirSync(at('real'))).toEqual(['config.yaml', 'config.yaml.bak']);

  const end = await update(folder.path, 'link.yaml --remove-mlflow --json');
  expect(end).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(end.stdout)).toMatchObject({
    file: 'link.yaml',
    changed: true,
    dry_run: false,
    backup: expect.stringMatching(/real\/config\.yaml\.bak\.1$/),
    findings: [],
    diff: null,
    env_file: null,
    exit_code: 0,
  });
  expect(readFileSync(at('real/config.yaml'), 'utf8')).toBe(edited);
  expect(statSync(at('real/config.yaml')).mode & 0o777).toBe(0o640);
  expect(lstatSync(at('link.yaml')).isSymbolicLink()).toBe(true);
  expect(readFileSync(at('real/config.yaml.bak'), 'utf8')).toBe('of long ago');
  expect(readFileSync(at('real/config.yaml.bak.1'), 'utf8')).toBe(config);
  expect(statSync(at('real/config.yaml.bak.1')).mode & 0o777).toBe(0o640);

  const before = hashFiles(folder.path);
  const again = await update(folder.path, 'link.yaml --remove-mlflow');
  expect(again).toMatchObject({ code: 0, stdout: 'link.yaml: nothing to change\n', stderr: '' });
  expect(hashFiles(folder.path)).toEqual(before);
});

test('what is left to a person is told with its line', async () => {
  using folder = openTempFolder();
  writeFileSync(join(folder.path, 'c.yaml'), config);
  const dry = await update(folder.path, 'c.yaml --dry-run');
  expect(dry.stdout).toMatch(/^note: line 4: success_callback still has mlflow/m);
  // Now with lines of the new file, which has one more above.
  const { stdout } = await update(folder.path, 'c.yaml');
  expect(stdout).toMatch(
    /^note: line 5: success_callback still has mlflow: .* \[mlflow_callback\]$/m,
  );
  expect(stdout).toMatch(/^ {2}next: .*--remove-mlflow/m);
});

test('--check writes nothing and ends with 3 for a due edit, a trap, or a due line of --env-file', async () => {
  using folder = openTempFolder();
  const put = (text: string): void => writeFileSync(join(folder.path, 'c.yaml'), text);
  put(config);
  const before = hashFiles(folder.path);
  const due = await update(folder.path, 'c.yaml --check');
  expect(due).toMatchObject({ code: 3, stderr: '' });
  expect(due.stdout).toMatch(/^check: an edit is due/m);
  expect(hashFiles(folder.path)).toEqual(before);
  const asked = await update(folder.path, 'c.yaml --check --remove-mlflow --json');
  expect(JSON.parse(asked.stdout)).toMatchObject({
    changed: true,
    dry_run: true,
    check: { edit_due: true, traps: 0 },
    exit_code: 3,
  });
  expect(hashFiles(folder.path)).toEqual(before);

  // What may be meant is told, and does not fail.
  put(`${edited}  turn_off_message_logging: true\r\n`);
  const noted = await update(folder.path, 'c.yaml --check');
  expect(noted.code).toBe(0);
  expect(noted.stdout).toMatch(/^note: line \d+: turn_off_message_logging[^]*^check: as it/m);

  put(`${edited}environment_variables: {LANGFUSE_SAMPLE_RATE: 0.1}\r\n`);
  const trap = await update(folder.path, 'c.yaml --check');
  expect(trap.code).toBe(3);
  expect(trap.stdout).toMatch(/^trap: line \d+: LANGFUSE_SAMPLE_RATE[^]*^check: 1 trap is/m);
  // The edit itself has nothing to do, so it is no failure of it.
  expect((await update(folder.path, 'c.yaml')).code).toBe(0);

  put(edited);
  writeFileSync(join(folder.path, 'gateway.env'), '');
  const env = { MLFLOW_TRACKING_URI: arn };
  expect((await update(folder.path, 'c.yaml --check', env)).code).toBe(0);
  expect((await update(folder.path, 'c.yaml --check --env-file gateway.env', env)).code).toBe(3);
  expect(readFileSync(join(folder.path, 'gateway.env'), 'utf8')).toBe('');
});

test.each([
  ['a: [1\nb: }\n', 'GATEWAY_CONFIG_INVALID', /^c\.yaml: Line \d, column \d is not valid YAML/],
  ['\xff', 'GATEWAY_CONFIG_INVALID', /no UTF-8/],
  [null, 'USAGE', /c\.yaml does not exist/],
] as const)('refuses %j and writes nothing', async (content, code, message) => {
  using folder = openTempFolder();
  if (content !== null) writeFileSync(join(folder.path, 'c.yaml'), content, 'latin1');
  writeFileSync(join(folder.path, 'gateway.env'), '');
  const before = hashFiles(folder.path);
  const end = await update(folder.path, 'c.yaml --env-file gateway.env --json');
  expect(JSON.parse(end.stdout)).toEqual({
    error: {
      code,
      message: expect.stringMatching(message),
      next: expect.any(String),
      exit_code: 2,
    },
  });
  expect(hashFiles(folder.path)).toEqual(before);
});

test('the included file that holds the callbacks is edited, and no other', async () => {
  using folder = openTempFolder();
  const at = (name: string): string => join(folder.path, name);
  mkdirSync(at('etc/parts'), { recursive: true });
  writeFileSync(at('etc/config.yaml'), 'include:\n  - parts/settings.yaml\n  - gone.yaml\n');
  // Beside the file that names it there is none, so LiteLLM looks beside the one it is started with.
  writeFileSync(at('etc/parts/settings.yaml'), 'include: [models.yaml]\r\nlitellm_settings:\r\n');
  writeFileSync(at('etc/models.yaml'), 'model_list: []\n');
  const end = await update(folder.path, 'etc/config.yaml --json');
  expect(JSON.parse(end.stdout)).toMatchObject({
    file: 'etc/config.yaml',
    edited_file: 'etc/parts/settings.yaml',
    backup: expect.stringMatching(/etc\/parts\/settings\.yaml\.bak$/),
    findings: [{ code: 'include_missing', kind: 'trap', file: 'etc/config.yaml', line: 3 }],
    exit_code: 0,
  });
  expect(readFileSync(at('etc/config.yaml'), 'utf8')).not.toContain('langfuse');
  expect(readFileSync(at('etc/parts/settings.yaml'), 'utf8')).toContain('success_callback');
  const again = await update(folder.path, 'etc/config.yaml --check');
  expect(again.code).toBe(3);
  expect(again.stdout).toMatch(
    /^etc\/config\.yaml includes etc\/parts\/settings\.yaml, .*\netc\/parts\/settings\.yaml: nothing to change\n\ntrap: line 3: The included file gone\.yaml does not exist \(etc\/gone\.yaml\)/,
  );
});

test('--env-file gets the two lines', async () => {
  using folder = openTempFolder();
  const file = join(folder.path, 'gateway.env');
  writeFileSync(join(folder.path, 'c.yaml'), edited);
  writeFileSync(file, '', { mode: 0o600 });
  const env = { MLFLOW_TRACKING_URI: arn, MLFLOW_EXPERIMENT_NAME: 'team a' };
  const dry = await update(folder.path, 'c.yaml --env-file gateway.env --dry-run', env);
  expect(dry.stdout).toContain(`gateway.env: would be set\n  MLFLOW_TRACKING_URI=${arn}\n`);
  expect(readFileSync(file, 'utf8')).toBe('');
  const end = await update(folder.path, 'c.yaml --env-file gateway.env', env);
  expect(end).toMatchObject({ code: 0, stderr: '' });
  const lines = `MLFLOW_TRACKING_URI=${arn}\nMLFLOW_EXPERIMENT_NAME="team a"\n`;
  expect(readFileSync(file, 'utf8')).toBe(lines);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('--env-file keeps every other line, and its own values where nothing else is set', async () => {
  using folder = openTempFolder();
  const file = join(folder.path, 'gateway.env');
  writeFileSync(join(folder.path, 'c.yaml'), edited);
  const own = `# keys\nLANGFUSE_SECRET_KEY=sk-lf-made-up\nMLFLOW_TRACKING_URI='${arn}' # ours\n`;
  writeFileSync(file, own);
  const end = await update(folder.path, 'c.yaml --env-file gateway.env');
  expect(end).toMatchObject({ code: 0, stderr: '' });
  expect(end.stdout).not.toContain('made-up');
  expect(readFileSync(file, 'utf8')).toBe(`${own}MLFLOW_EXPERIMENT_NAME=litellm-monitoring\n`);
});

test('a presigned link never comes into the file', async () => {
  using folder = openTempFolder();
  writeFileSync(join(folder.path, 'c.yaml'), config);
  writeFileSync(join(folder.path, 'gateway.env'), 'A=1\n');
  const before = hashFiles(folder.path);
  const end = await update(folder.path, 'c.yaml --env-file gateway.env', {
    MLFLOW_TRACKING_URI: 'https://t-x.us-east-1.experiments.sagemaker.aws/auth?authToken=made-up',
  });
  expect(end.code).toBe(2);
  expect(end.stderr).toMatch(/presigned link/);
  expect(end.stderr).not.toContain('made-up');
  expect(hashFiles(folder.path)).toEqual(before);
});
