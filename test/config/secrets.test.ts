import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskSecrets } from '../../src/config/mask.ts';
import { listSettings } from '../../src/config/list-settings.ts';
import { keys, parse, problemsOf } from './settings-input.ts';

describe('a secret from a file', () => {
  const env = { LANGFUSE_PUBLIC_KEY: keys.LANGFUSE_PUBLIC_KEY };
  const file = { LANGFUSE_SECRET_KEY_FILE: '/run/key' };

  test.each(['sk-lf-from-file', 'sk-lf-from-file\n', 'sk-lf-from-file\r\n'])(
    '%j is taken without the line break at its end',
    (text) => {
      const { secrets } = parse({ env: { ...env, ...file }, files: { '/run/key': text } });
      expect(secrets.langfuseSecretKey).toBe('sk-lf-from-file');
    },
  );

  test('by flag', () => {
    const flags = { langfuseSecretKeyFile: '/run/key' };
    const files = { '/run/key': 'sk-lf-from-flag' };
    expect(parse({ env: { ...keys }, flags, files }).secrets.langfuseSecretKey).toBe(
      'sk-lf-from-flag',
    );
  });

  test('both set', () => {
    expect(problemsOf({ env: { ...keys, ...file }, files: { '/run/key': 'sk-lf-x' } })).toEqual([
      'LANGFUSE_SECRET_KEY (or LANGFUSE_SECRET_KEY_FILE, --langfuse-secret-key-file): is set together with LANGFUSE_SECRET_KEY_FILE; keep one.',
    ]);
  });

  test('unreadable or empty', () => {
    expect(problemsOf({ env: { ...env, ...file } })).toEqual([
      'LANGFUSE_SECRET_KEY_FILE (or LANGFUSE_SECRET_KEY, --langfuse-secret-key-file): names /run/key, which cannot be read (ENOENT).',
    ]);
    expect(problemsOf({ env: { ...env, ...file }, files: { '/run/key': '\n' } })[0]).toContain(
      'names /run/key, which is empty',
    );
  });

  test('a password keeps its spaces, only the last line break goes', () => {
    const password = { MLFLOW_TRACKING_USERNAME: 'u', MLFLOW_TRACKING_PASSWORD_FILE: '/pw' };
    const { secrets } = parse({ env: { ...keys, ...password }, files: { '/pw': ' pass word \n' } });
    expect(secrets.mlflowPassword).toBe(' pass word ');
    expect(
      problemsOf({ env: { ...keys, ...password }, files: { '/pw': 'pass\nword\n' } })[0],
    ).toContain('found a value (set, 9 characters), which holds a line break');
  });
});

describe('keys that cannot be meant', () => {
  test.each([
    ['LANGFUSE_PUBLIC_KEY', 'sk-lf-123456', 'seem to be swapped'],
    ['LANGFUSE_PUBLIC_KEY', 'pk-lf-1:sk-lf-2', 'colon'],
    ['LANGFUSE_PUBLIC_KEY', ' pk-lf-1', 'space or a line break'],
    ['LANGFUSE_SECRET_KEY', 'pk-lf-123456', 'seem to be swapped'],
    ['LANGFUSE_SECRET_KEY', '"sk-lf-123456"', 'quotes left in it'],
    ['LANGFUSE_SECRET_KEY', 'sk-lf-123456\n', 'space or a line break'],
    ['LANGFUSE_SECRET_KEY', 'sk-lf-\u200b123456', 'not printable ASCII'],
    ['LANGFUSE_SECRET_KEY', 'sk-lf-...', 'placeholder'],
    ['LANGFUSE_SECRET_KEY', '<your secret key>', 'space or a line break'],
    ['LANGFUSE_SECRET_KEY', '********', 'placeholder'],
  ])('%s %j', (name, text, reason) => {
    expect(problemsOf({ env: { ...keys, [name]: text } }).join('\n')).toContain(reason);
  });

  test('keys of a self-hosted server may look like anything', () => {
    const env = { LANGFUSE_PUBLIC_KEY: 'lf_pk_1234', LANGFUSE_SECRET_KEY: 'local-dev' };
    expect(parse({ env }).settings.langfuse.publicKey).toBe('lf_pk_1234');
  });
});

describe('no secret is shown', () => {
  test('settings that may be logged hold none', () => {
    const env = {
      ...keys,
      MLFLOW_TRACKING_USERNAME: 'u',
      MLFLOW_TRACKING_PASSWORD: 'hunter22',
      MLFLOW_TRACKING_TOKEN: 'token-4711',
      LITELLM_API_KEY: 'sk-gateway',
      SYNC_HASH_KEY: 'names-are-hashed',
      HTTP_PROXY: 'http://proxy:3128',
      https_proxy: 'http://user:proxy-word@proxy:3128',
      SYNC_PUSHGATEWAY_URL: 'http://user:push-word@gateway:9091',
      SYNC_PING_URL: 'https://ping.example/ping-word',
      SYNC_WEBHOOK_URL: 'https://chat.example/hook-word',
    };
    const { settings, secrets } = parse({ env });
    expect(Object.values(secrets)).toEqual([
      'sk-lf-secret-key',
      'sk-gateway',
      'hunter22',
      'token-4711',
      'http://proxy:3128/',
      'http://user:proxy-word@proxy:3128/',
      'names-are-hashed',
      'http://user:push-word@gateway:9091',
      'https://ping.example/ping-word',
      'https://chat.example/hook-word',
    ]);
    expect(JSON.stringify(settings)).not.toMatch(
      /sk-lf|sk-gateway|hunter22|token-4711|proxy-word|names-are-hashed|push-word|ping-word|hook-word/,
    );
  });

  test('whatever is wrong with it, and also where it was put into another setting', () => {
    const secretText = fc.string({ minLength: 6, maxLength: 40 }).map((text) => `S3${text}cret`);
    const others = listSettings().flatMap(({ setting }) => (setting.isSecret ? [] : setting.env));
    fc.assert(
      fc.property(
        secretText,
        fc.constantFrom(
          'LANGFUSE_SECRET_KEY',
          'MLFLOW_TRACKING_PASSWORD',
          'MLFLOW_TRACKING_TOKEN',
          'LITELLM_API_KEY',
        ),
        fc.constantFrom(...others),
        (text, name, other) => {
          const env = { ...keys, [name]: text, [other]: text, SYNC_UNKNOWN_NAME: 'x' };
          const message = problemsOf({ env }).join('\n');
          expect(message).not.toContain(text);
          expect(message).not.toContain(JSON.stringify(text).slice(1, -1));
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    ['found "https://user:pa/ss@host/x"', 'found "https://***@host/x"'],
    ['found "user:pass@host:5000"', 'found "***@host:5000"'],
    ['write https://ghp_token@host', 'write https://***@host'],
    ['"https://x/auth?authToken=ey.J"', '"https://x/auth?***"'],
    ['found "sk-lf-1234-abcd"', 'found "sk-***"'],
    ['did you mean v2?', 'did you mean v2?'],
    ['https://host:5000 and https://other', 'https://host:5000 and https://other'],
  ])('%s is shown as %s', (line, shown) => {
    expect(maskSecrets(line, [])).toBe(shown);
  });
});
