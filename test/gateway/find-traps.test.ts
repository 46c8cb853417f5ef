import { expect, test } from 'vitest';
import { planOne } from './plan-one.ts';

function find(text: string, removesMlflow = false): (string | number | null)[][] {
  const { findings } = planOne(text, removesMlflow);
  for (const { message, next } of findings) {
    expect(message).toMatch(/\.$/);
    expect(next).toMatch(/\.$/);
  }
  return findings.map(({ code, line }) => [code, line]);
}

const good =
  'litellm_settings:\n  success_callback: [langfuse]\n  failure_callback: [langfuse]\n  langfuse_default_tags: [user_api_key_alias]\n';

test('nothing in a config that is right', () => {
  expect(find(`${good}environment_variables:\n  LANGFUSE_SECRET_KEY: os.environ/X\n`)).toEqual([]);
});

test.each([
  [
    'model_list:\n  - model_name: a\n    litellm_settings:\n      success_callback: [langfuse]\n',
    [
      ['settings_missing', null],
      ['settings_nested', 3],
    ],
  ],
  [
    `include:\n  - a.yaml\n  - more.yaml\n${good}`,
    [
      ['include_missing', 2],
      ['include_missing', 3],
    ],
  ],
  [`include: more.yaml\n${good}`, [['include_invalid', 1]]],
  [`include:\n${good}`, [['include_invalid', 1]]],
  ['litellm_settings:\n  callbacks: ["langfuse_otel"]\n', [['langfuse_otel_active', 2]]],
  [
    'litellm_settings:\n  callbacks: [langfuse_otel]\n  success_callback: [langfuse]\n',
    [
      ['langfuse_otel_active', 2],
      ['double_logging', 3],
    ],
  ],
  [
    'litellm_settings:\n  success_callback: [langfuse]\n  callbacks: [langfuse]\n',
    [['double_logging', 2]],
  ],
  [`${good}  callbacks: [mlflow_callback.handler]\n`, [['mlflow_callback', 5]]],
  [`${good}  redact_user_api_key_info: true\n`, [['keys_redacted', 5]]],
  [`${good}  turn_off_message_logging: on\n`, [['messages_off', 5]]],
  [`${good}  disable_add_user_agent_to_request_tags: true\n`, [['user_agent_off', 5]]],
  [`${good}environment_variables:\n  LANGFUSE_SAMPLE_RATE: "0.1"\n`, [['sampled', 6]]],
  [
    `${good}environment_variables:\n  LANGFUSE_SECRET_KEY: plain-made-up\n`,
    [['literal_secret', 6]],
  ],
  [
    `${good}  default_team_settings:\n    - team_id: t\n      langfuse_secret: &s made-up\n    - other: sk-lf-made-up\n`,
    [
      ['literal_secret', 7],
      ['literal_secret', 8],
    ],
  ],
] as const)('%j', (text, expected) => {
  expect(find(text)).toEqual(expected);
});

test('mlflow is not reported where it is taken out', () => {
  expect(find(`${good}  callbacks: [mlflow]\n`, true)).toEqual([]);
});

test('no finding holds the secret', () => {
  const { findings } = planOne(`${good}a:\n  LANGFUSE_SECRET_KEY: sk-lf-made-up\n`);
  expect(findings).toHaveLength(1);
  expect(JSON.stringify(findings)).not.toContain('made-up');
});
