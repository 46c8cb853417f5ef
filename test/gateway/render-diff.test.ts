import { expect, test } from 'vitest';
import { planOne } from './plan-one.ts';
import { renderDiff } from '../../src/gateway/render-diff.ts';

test('a unified diff that shows no secret around the change', () => {
  const before = [
    'shared: &shared made-up-one',
    'environment_variables: {DATABASE: "made-up-two", HOST: os.environ/HOST}',
    '# api_key: made-up-three',
    'litellm_settings:',
    '  success_callback: [a] # sk-made-up-four',
    '  max_tokens: 100',
    '  api_key: *shared',
    '  redis_password: 12345678',
    '  private: |',
    '    made-up-five',
    '    made-up-six',
    '  url: postgres://user:made-up-seven@host/db',
    '  extra_headers: {x: [made-up-eight]}',
    '',
  ].join('\r\n');
  const after = planOne(before).text;
  const diff = renderDiff('config.yaml', { before, after });
  expect(`${diff}\n${renderDiff('x', { before: '', after: before })}`).not.toMatch(
    /made-up|12345678/,
  );
  expect(diff).toMatch(/^--- config\.yaml\s+\+\+\+ config\.yaml\s+@@ /);
  expect(diff).toContain('\n-  success_callback: [a] # ***\n');
  expect(diff).toContain('\n+  success_callback: [a, langfuse] # ***\n');
  expect(diff).toContain('\n   max_tokens: 100\n');
  expect(renderDiff('x', { before: '', after: before })).toContain('HOST: os.environ/HOST');
  expect(renderDiff('x', { before, after: before })).toBe('');
});
