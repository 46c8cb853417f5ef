import { describe, expect, test } from 'vitest';
import { planOne } from './plan-one.ts';

const tags =
  '["user_api_key_alias", "user_api_key_team_alias", "user_api_key_user_id", "cache_hit"]';
const tagLine = `  langfuse_default_tags: ${tags}\n`;

function edit(text: string, removesMlflow = false): string {
  return planOne(text, removesMlflow).text;
}

describe('adds langfuse to both lists', () => {
  test.each([
    [
      'flow lists, quoted as they are',
      "litellm_settings:\n  success_callback: ['prometheus'] # keep\n  failure_callback: []\n",
      `litellm_settings:\n${tagLine}  success_callback: ['prometheus', 'langfuse'] # keep\n  failure_callback: ["langfuse"]\n`,
    ],
    [
      'block lists, indented as they are',
      'litellm_settings:\n  success_callback:\n  - prometheus # a\n  # b\n  failure_callback:\n    -   "x"\n',
      `litellm_settings:\n${tagLine}  success_callback:\n  - prometheus # a\n  - langfuse\n  # b\n  failure_callback:\n    -   "x"\n    -   "langfuse"\n`,
    ],
    [
      'a word and nothing become lists',
      'litellm_settings:\n  success_callback: prometheus # a\n  failure_callback: # b\n  x: 1\n',
      `litellm_settings:\n${tagLine}  success_callback: [prometheus, "langfuse"] # a\n  failure_callback: ["langfuse"] # b\n  x: 1\n`,
    ],
    [
      'a bare langfuse, which LiteLLM would read letter by letter',
      'litellm_settings:\n  success_callback: langfuse\n  failure_callback: [langfuse]\n',
      `litellm_settings:\n${tagLine}  success_callback: [langfuse]\n  failure_callback: [langfuse]\n`,
    ],
    [
      'no settings at all, and no line end at the end',
      'model_list: [] # none',
      `model_list: [] # none\nlitellm_settings:\n  success_callback: ["langfuse"]\n  failure_callback: ["langfuse"]\n${tagLine.trimEnd()}`,
    ],
    [
      'empty settings',
      'litellm_settings: # later\nx: 1\n',
      `litellm_settings: # later\n  success_callback: ["langfuse"]\n  failure_callback: ["langfuse"]\n${tagLine}x: 1\n`,
    ],
    [
      'flow settings',
      'litellm_settings: {drop_params: true}\n',
      `litellm_settings: {success_callback: ["langfuse"], failure_callback: ["langfuse"], langfuse_default_tags: ${tags}, drop_params: true}\n`,
    ],
    [
      'an empty file',
      '',
      `litellm_settings:\n  success_callback: ["langfuse"]\n  failure_callback: ["langfuse"]\n${tagLine}`,
    ],
    [
      'a byte order mark and CRLF',
      '\uFEFFlitellm_settings:\r\n  callbacks: [langfuse]\r\n  langfuse_default_tags:\r\n    - cache_hit\r\n',
      '\uFEFFlitellm_settings:\r\n  callbacks: [langfuse]\r\n  langfuse_default_tags:\r\n    - cache_hit\r\n    - user_api_key_alias\r\n    - user_api_key_team_alias\r\n    - user_api_key_user_id\r\n',
    ],
    [
      'a list of another name becomes a list of its own',
      'x: &d [a]\nlitellm_settings:\n  success_callback: *d\n  failure_callback: [langfuse]\n',
      `x: &d [a]\nlitellm_settings:\n${tagLine}  success_callback: ["a", "langfuse"]\n  failure_callback: [langfuse]\n`,
    ],
    [
      'what a merge brings stays in force',
      'x: &d\n  success_callback: [a]\nlitellm_settings:\n  <<: *d\n  failure_callback: [langfuse]\n',
      `x: &d\n  success_callback: [a]\nlitellm_settings:\n  success_callback: ["a", "langfuse"]\n${tagLine}  <<: *d\n  failure_callback: [langfuse]\n`,
    ],
  ])('%s', (_case, before, after) => {
    expect(edit(before)).toBe(after);
    expect(edit(after)).toBe(after);
  });

  test('no tag tells of a key whose owner is to stay unknown', () => {
    const { changes } = planOne('litellm_settings:\n  redact_user_api_key_info: yes\n');
    const change = changes.find(({ key }) => key === 'langfuse_default_tags');
    expect(change?.values).toEqual(['cache_hit']);
  });

  test('nothing beside langfuse_otel', () => {
    const text = 'litellm_settings:\n  callbacks: [langfuse_otel]\n';
    expect(planOne(text, true)).toMatchObject({ text, changes: [] });
  });
});

describe('takes mlflow out', () => {
  const done = `litellm_settings:\n${tagLine}`;
  test.each([
    [
      'of flow lists: first, middle, last, with comments',
      `${done}  success_callback: [mlflow, a, mlflow_callback.handler, langfuse]\n  failure_callback: [a, langfuse, mlflow]\n  callbacks: [\n    mlflow, # old\n    b # new\n  ]\n`,
      `${done}  success_callback: [a, langfuse]\n  failure_callback: [a, langfuse]\n  callbacks: [\n    # old\n    b # new\n  ]\n`,
    ],
    [
      'of a list over several lines, with a comma at its end',
      `${done}  success_callback: [\n    "a",   # one\n    "mlflow",\n    "mlflow_callback.x",  # two\n  ]\n  failure_callback: [langfuse]\n`,
      `${done}  success_callback: [\n    "a", "langfuse",   # one\n    # two\n  ]\n  failure_callback: [langfuse]\n`,
    ],
    [
      'of block lists, the last one without a line end',
      `${done}  success_callback:\n    - mlflow # old\n    # kept\n    - langfuse\n  failure_callback:\n    - langfuse\n    - mlflow`,
      `${done}  success_callback:\n    # kept\n    - langfuse\n  failure_callback:\n    - langfuse`,
    ],
    [
      'where nothing else is in the list',
      `${done}  success_callback: [mlflow]\n  callbacks:\n    - mlflow\n  failure_callback:\n    - mlflow`,
      `${done}  success_callback: [langfuse]\n  callbacks: []\n  failure_callback:\n    - langfuse`,
    ],
    [
      'and keeps what only looks like it',
      `${done}  success_callback: [my_mlflow, mlflowx, langfuse]\n  failure_callback: [langfuse]\n`,
      `${done}  success_callback: [my_mlflow, mlflowx, langfuse]\n  failure_callback: [langfuse]\n`,
    ],
  ])('%s', (_case, before, after) => {
    expect(edit(before, true).replaceAll(/^ +(# old|# two)/gm, '    $1')).toBe(after);
    expect(edit(after, true)).toBe(after);
  });
});

describe('refuses, and says where', () => {
  test.each([
    [
      'what is no YAML',
      'a: 1\nb: [1,\nc: }\n',
      /^config\.yaml: Line \d+, column \d+ is not valid YAML/,
    ],
    [
      'a key twice',
      'litellm_settings:\n  a: 1\n  a: 2\n',
      /^config\.yaml: Line 3, column 3: this key stands twice/,
    ],
    ['two documents', 'a: 1\n---\nb: 2\n', /^config\.yaml: A second document begins at line [23]/],
    ['a list', '- a\n', /no mapping/],
    [
      'settings that are a word',
      'a: 1\nlitellm_settings: yes please\n',
      /^config\.yaml: Line 2: .* no mapping/,
    ],
    ['an end of the document', 'a: 1\n...\n', /^config\.yaml: The edit of .* is not made/],
    ['JSON', '{"litellm_settings": {}}', /one \{…\} or JSON mapping/],
    ['an unknown alias', 'a: *b\n', /can't be resolved|not valid/],
    [
      'a list under two names',
      'litellm_settings:\n  success_callback: &both [a]\nx: *both\n',
      /^config\.yaml: The edit of .* is not made/,
    ],
  ])('%s', (_case, text, message) => {
    let failure: unknown;
    try {
      edit(text);
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({
      code: 'GATEWAY_CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });
});
