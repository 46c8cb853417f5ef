import { expect, test } from 'vitest';
import { planUpdate, type UpdatePlan } from '../../src/gateway/plan-update.ts';

/** Plans for `config.yaml` among these files, all in one folder. */
function plan(files: Readonly<Record<string, string>>, removesMlflow = false): UpdatePlan {
  return planUpdate(
    { path: 'config.yaml', text: files['config.yaml'] ?? '' },
    { removesMlflow, disk: { resolve: (entry) => entry, read: (path) => files[path] ?? null } },
  );
}
const found = ({ findings }: UpdatePlan): unknown[] =>
  findings.map(({ code, file, line }) => [code, file, line]);

const right =
  'litellm_settings:\n  success_callback: [langfuse]\n  failure_callback: [langfuse]\n  langfuse_default_tags: [user_api_key_alias, user_api_key_team_alias, user_api_key_user_id, cache_hit]\n';

test('models alone may be included: the root is edited', () => {
  const { file, text, ...rest } = plan({
    'config.yaml': 'include: [models.yaml]\n',
    'models.yaml': 'model_list: []\n',
  });
  expect([file, text]).toEqual([
    'config.yaml',
    expect.stringMatching(/^include: .*\nlitellm_settings:\n/),
  ]);
  expect(rest.changes.map(({ key }) => key)).toContain('failure_callback');
});

test('an included litellm_settings replaces that of the root whole, so it is the one that is edited', () => {
  const result = plan(
    {
      'config.yaml': `include:\n  - settings.yaml\n${right}`,
      'settings.yaml': '# ours\nlitellm_settings:\n  callbacks: [mlflow]\n',
    },
    true,
  );
  expect(result.file).toBe('settings.yaml');
  expect(result.text).toMatch(/^# ours\nlitellm_settings:[^]*success_callback: \["langfuse"\]/);
  expect(result.text).toContain('callbacks: []');
  expect(found(result)).toEqual([['settings_replaced', 'config.yaml', 3]]);
});

test('of several the last by breadth is taken, and one that holds nothing as well', () => {
  const files = {
    'config.yaml': `include: [a.yaml, b.yaml]\n`,
    'a.yaml': 'include: [deep.yaml]\n',
    'b.yaml': right,
    'deep.yaml': 'litellm_settings:\n',
  };
  const result = plan(files);
  expect(result.file).toBe('deep.yaml');
  expect(found(result)).toEqual([['settings_replaced', 'b.yaml', 1]]);
  // Once in the root, it is not read again where it is included deeper.
  const other = plan({ ...files, 'config.yaml': 'include: [deep.yaml, a.yaml, b.yaml]\n' });
  expect([other.file, other.changes]).toEqual(['b.yaml', []]);
});

test('files that include each other end', () => {
  const result = plan({
    'config.yaml': `include: [a.yaml]\n${right}`,
    'a.yaml': 'include: [config.yaml, a.yaml]\n',
  });
  expect([result.changes, found(result)]).toEqual([[], []]);
});

test('a trap is told with the file that it is in', () => {
  const result = plan({
    'config.yaml': `include: [env.yaml]\n${right}`,
    'env.yaml':
      'x: 1\nenvironment_variables:\n  LANGFUSE_SECRET_KEY: made-up\ninclude:\n  - gone.yaml\n',
  });
  expect(found(result)).toEqual([
    ['include_missing', 'env.yaml', 5],
    ['literal_secret', 'env.yaml', 3],
  ]);
});

test('switches of a replaced litellm_settings are no traps, those of the one that is taken are', () => {
  const result = plan({
    'config.yaml': `include: [s.yaml]\n${right}  redact_user_api_key_info: true\n`,
    's.yaml': `${right}  turn_off_message_logging: true\n`,
  });
  expect(found(result)).toEqual([
    ['settings_replaced', 'config.yaml', 2],
    ['messages_off', 's.yaml', 5],
  ]);
});

test('an included file that is no YAML is named', () => {
  expect(() => plan({ 'config.yaml': 'include: [bad.yaml]\n', 'bad.yaml': 'a: [\n' })).toThrow(
    /^bad\.yaml: Line 2/,
  );
});

test('an address is named as not followed, without what may be a key in it', () => {
  const result = plan({
    'config.yaml': `include:\n  - s3://team/models.yaml\n  - https://me:hush@host/a.yaml?token=hush\n${right}`,
    // As LiteLLM joins it; even where there is such a folder, the address is not meant.
    's3:/team/models.yaml': 'model_list: []\n',
  });
  expect(found(result)).toEqual([
    ['include_address', 'config.yaml', 2],
    ['include_address', 'config.yaml', 3],
  ]);
  const said = result.findings.map(({ message }) => message).join('\n');
  expect(said).toMatch(
    /s3:\/\/team\/models\.yaml, which is not followed[^]*https:\/\/host\/a\.yaml, /,
  );
  expect(said).not.toContain('hush');
});

test.each(['config.yaml', 'own.yaml'])(
  'lines of include are those after the edit, in %s',
  (holder) => {
    const text = 'litellm_settings:\n  cache: true\ninclude:\n  - gone.yaml\n';
    const files = { 'config.yaml': 'include: [own.yaml]\n', [holder]: text };
    const { findings, findingsAfter, text: after } = plan(files);
    const lineOf = (all: UpdatePlan['findings']): unknown =>
      all.find(({ code }) => code === 'include_missing')?.line;
    const edited = after.split('\n').findIndex((line) => line.includes('gone.yaml')) + 1;
    expect([lineOf(findings), lineOf(findingsAfter)]).toEqual([4, edited]);
    expect(edited).toBeGreaterThan(4);
  },
);

test('a proxy that reads its config from a bucket is told from one that reads this file', () => {
  const options = { removesMlflow: false, disk: { resolve: String, read: () => null } };
  const root = { path: 'config.yaml', text: right };
  expect(planUpdate(root, { ...options, bucket: 'team-config' }).findings).toMatchObject([
    { code: 'config_in_bucket', kind: 'note', message: expect.stringContaining('team-config') },
  ]);
  expect(planUpdate(root, { ...options, bucket: null }).findings).toEqual([]);
});
