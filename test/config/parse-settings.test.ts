import { describe, expect, test } from 'vitest';
import { hourMs, minuteMs } from '../../src/shared/time.ts';
import { keys, now, parse, problemsOf } from './settings-input.ts';

describe('defaults', () => {
  test('the keys alone are enough', () => {
    const { settings, secrets } = parse({ env: keys });
    expect(settings.langfuse).toEqual({
      baseUrl: 'https://cloud.langfuse.com',
      publicKey: 'pk-lf-public-key',
      reader: 'auto',
      concurrency: 4,
      timeoutMs: 60_000,
      maxWaitMs: 15 * minuteMs,
      maxAnswerBytes: 67_108_864,
      pageSize: 1000,
      environments: [],
    });
    expect(settings.understanding).toEqual({
      origin: 'litellm',
      file: null,
      modelAliases: {},
      maxLatencyMs: 6 * hourMs,
    });
    expect(settings.windows).toEqual({
      sizeMs: 24 * hourMs,
      emptyCheck: 'on',
      settleMs: 30 * minuteMs,
      lookbackMs: 72 * hourMs,
      factsRetentionMs: null,
      startMs: Date.UTC(2026, 10, 18),
      maxRuntimeMs: null,
    });
    expect(settings.mlflow).toMatchObject({
      trackingUri: { kind: 'local', path: 'mlflow.db' },
      username: null,
      experimentName: 'litellm-monitoring',
      insecureTls: false,
      timeoutMs: 120_000,
      maxRetries: 7,
    });
    expect(secrets).toEqual({
      langfuseSecretKey: 'sk-lf-secret-key',
      litellmApiKey: null,
      mlflowPassword: null,
      mlflowToken: null,
      httpProxy: null,
      httpsProxy: null,
      hashKey: null,
      pushgatewayUrl: null,
      pingUrl: null,
      webhookUrl: null,
    });
  });

  test('a command that does not read Langfuse needs no keys', () => {
    const parsed = parse({ command: 'status' });
    expect(parsed.settings.langfuse.publicKey).toBeNull();
  });

  test.each(['sync', 'backfill', 'doctor'] as const)(
    '%s names both missing keys at once',
    (command) => {
      expect(problemsOf({ command })).toEqual([
        `LANGFUSE_PUBLIC_KEY (or --langfuse-public-key): not set, and ${command} needs it. Allowed: a public key, usually pk-lf-….`,
        `LANGFUSE_SECRET_KEY (or LANGFUSE_SECRET_KEY_FILE, --langfuse-secret-key-file): not set, and ${command} needs it. Allowed: a secret key, usually sk-lf-….`,
      ]);
    },
  );

  test('a misspelt name is pointed out where its setting is missing', () => {
    const [line] = problemsOf({
      env: { LANGFUSE_PUBLICKEY: 'pk-lf-x', LANGFUSE_SECRET_KEY: 'sk-lf-x' },
    });
    expect(line).toContain('LANGFUSE_PUBLICKEY is set: is the name misspelt?');
  });
});

describe('where a value comes from', () => {
  const baseUrl = (input: Parameters<typeof parse>[0]): string =>
    parse({ ...input, env: { ...keys, ...input.env } }).settings.langfuse.baseUrl;

  test('names in their order, and an empty one is unset', () => {
    const env = { LANGFUSE_BASEURL: 'https://c', LANGFUSE_HOST: 'https://b' };
    expect(baseUrl({ env })).toBe('https://b');
    expect(baseUrl({ env: { ...env, LANGFUSE_BASE_URL: 'https://a' } })).toBe('https://a');
    expect(baseUrl({ env: { ...env, LANGFUSE_BASE_URL: '', LANGFUSE_HOST: '  ' } })).toBe(
      'https://c',
    );
  });

  test('a flag wins over the environment, the environment over --env-file', () => {
    const files = { 'my.env': 'LANGFUSE_BASE_URL="https://file"\nSYNC_SETTLE=1h # late\n' };
    const flags = { envFile: 'my.env' };
    const inFile = parse({ env: keys, flags, files }).settings;
    expect([inFile.langfuse.baseUrl, inFile.windows.settleMs]).toEqual(['https://file', hourMs]);
    // Even under a name that comes later in the order.
    expect(baseUrl({ env: { LANGFUSE_HOST: 'https://env' }, flags, files })).toBe('https://env');
    expect(baseUrl({ env: { LANGFUSE_HOST: '' }, flags, files })).toBe('https://file');
    expect(
      baseUrl({
        env: { LANGFUSE_HOST: 'https://env' },
        flags: { ...flags, langfuseBaseUrl: 'https://flag' },
        files,
      }),
    ).toBe('https://flag');
  });

  test('an --env-file that is not there is a problem', () => {
    expect(problemsOf({ env: keys, flags: { envFile: 'my.env' } })).toEqual([
      '--env-file: names my.env, which cannot be read (ENOENT).',
    ]);
  });

  test('a refused value is named as it was given', () => {
    const named = (input: Parameters<typeof parse>[0]): string | undefined =>
      problemsOf({ ...input, env: { ...keys, ...input.env } })[0]?.split(': ')[0];
    expect(named({ env: { LANGFUSE_HOST: 'x.com' } })).toBe(
      'LANGFUSE_HOST (or LANGFUSE_BASE_URL, --langfuse-base-url)',
    );
    expect(named({ flags: { langfuseBaseUrl: 'x.com' } })).toBe(
      '--langfuse-base-url (or LANGFUSE_BASE_URL)',
    );
  });

  test('spaces around a value are dropped', () => {
    expect(parse({ env: { ...keys, SYNC_SETTLE: ' 1h \r' } }).settings.windows.settleMs).toBe(
      hourMs,
    );
  });

  test('a switch given as a flag', () => {
    const env = { ...keys, SYNC_REQUEST_RUNS: 'true' };
    expect(parse({ env }).settings.content.requestRuns).toBe(true);
    expect(parse({ env, flags: { requestRuns: false } }).settings.content.requestRuns).toBe(false);
  });
});

describe('windows', () => {
  const windows = (env: Record<string, string>): object =>
    parse({ env: { ...keys, ...env } }).settings.windows;

  test('lookback becomes whole windows, the start the start of a window', () => {
    expect(
      windows({ SYNC_WINDOW: '6h', SYNC_LOOKBACK: '7h', SYNC_START: '2026-11-20T07:00Z' }),
    ).toEqual({
      sizeMs: 6 * hourMs,
      emptyCheck: 'on',
      settleMs: 30 * minuteMs,
      lookbackMs: 12 * hourMs,
      factsRetentionMs: null,
      startMs: Date.UTC(2026, 10, 20, 6),
      maxRuntimeMs: null,
    });
    expect(windows({ SYNC_LOOKBACK: '1h' })).toMatchObject({ lookbackMs: 24 * hourMs });
    expect(windows({ SYNC_LOOKBACK: '0s' })).toMatchObject({ lookbackMs: 0 });
  });

  test('facts are kept for longer than their windows are read again', () => {
    expect(windows({ SYNC_FACTS_RETENTION: '30d' })).toMatchObject({
      factsRetentionMs: 30 * 24 * hourMs,
    });
    expect(() => windows({ SYNC_LOOKBACK: '2d', SYNC_FACTS_RETENTION: '10d' })).toThrow(
      'must be longer than SYNC_LOOKBACK, SYNC_WINDOW and a week together (10d)',
    );
    expect(windows({ SYNC_LOOKBACK: '2d', SYNC_FACTS_RETENTION: '11d' })).toMatchObject({
      factsRetentionMs: 11 * 24 * hourMs,
    });
    expect(() =>
      windows({ SYNC_WINDOW: '6h', SYNC_LOOKBACK: '19h', SYNC_FACTS_RETENTION: '8d' }),
    ).toThrow('(198h)');
  });

  test('one day may be written in hours', () => {
    expect(windows({ SYNC_WINDOW: '24h' })).toMatchObject({ sizeMs: 24 * hourMs });
  });

  test.each(['5h', '2d', '0s', '45m', '48h'])('a window of %s does not divide a day', (size) => {
    expect(problemsOf({ env: { ...keys, SYNC_WINDOW: size } })[0]).toContain(
      'which must divide a day: one of 1h, 2h, 3h, 4h, 6h, 8h, 12h, 1d',
    );
  });

  test.each([
    ['SYNC_SETTLE', '8d', 'from 0s to 7d'],
    ['SYNC_LOOKBACK', '1000d', 'from 0s to 90d'],
    ['SYNC_START', '2026-11-26', `in the future; it is ${new Date(now).toISOString()} now`],
  ])('%s=%s is nonsense', (name, text, reason) => {
    expect(problemsOf({ env: { ...keys, [name]: text } })[0]).toContain(reason);
  });
});

describe('all problems at once', () => {
  test('each line has the setting, what was found and what is allowed', () => {
    expect(
      problemsOf({
        env: {
          ...keys,
          LANGFUSE_BASE_URL: '"cloud.langfuse.com"',
          SYNC_SETTEL: '1h',
          SYNC_LANGFUSE_READER: 'v3',
          MLFLOW_TRACKING_URI: './mlruns',
        },
        flags: { mlflowConcurrency: '0' },
      }),
    ).toEqual([
      'LANGFUSE_BASE_URL (or --langfuse-base-url): found "\\"cloud.langfuse.com\\"", which has quotes left in it; write https://cloud.langfuse.com without them. Allowed: an http or https URL.',
      'SYNC_LANGFUSE_READER (or --langfuse-reader): found "v3", which must be one of auto, v2, legacy; did you mean v2?. Allowed: auto, v2 or legacy.',
      expect.stringMatching(
        /^MLFLOW_TRACKING_URI \(or --mlflow-tracking-uri\): found ".\/mlruns", which is a folder/,
      ),
      '--mlflow-concurrency (or SYNC_MLFLOW_CONCURRENCY): found "0", which must be a whole number from 1 to 64. Allowed: a whole number from 1 to 64.',
      'SYNC_SETTEL: is no setting of this worker; did you mean SYNC_SETTLE?',
    ]);
  });

  test('unknown SYNC_ names are refused, those that Kubernetes makes are not', () => {
    const env = {
      ...keys,
      SYNC_WORKER_SERVICE_HOST: '10.0.0.1',
      SYNC_WORKER_SERVICE_PORT_HTTP: '80',
      SYNC_WORKER_PORT: 'tcp://10.0.0.1:80',
      SYNC_WORKER_PORT_80_TCP_ADDR: '10.0.0.1',
      SYNC_EMPTY: '',
    };
    expect(parse({ env }).settings.log.level).toBe('info');
    expect(problemsOf({ env: { ...env, SYNC_WINDOWS: '1d', SYNC_COMPLETELY_OTHER: 'x' } })).toEqual(
      [
        'SYNC_WINDOWS: is no setting of this worker; did you mean SYNC_WINDOW?',
        'SYNC_COMPLETELY_OTHER: is no setting of this worker; docs/configuration.md lists every setting',
      ],
    );
  });

  test('an unknown SYNC_ name in --env-file is refused too', () => {
    expect(
      problemsOf({ env: keys, flags: { envFile: 'e' }, files: { e: 'SYNC_LOOKBAK=3d' } })[0],
    ).toContain('did you mean SYNC_LOOKBACK?');
  });
});

describe('values that are not allowed together', () => {
  const problems = (env: Record<string, string>, files: Record<string, string> = {}): string =>
    problemsOf({ env: { ...keys, ...env }, files }).join('\n');

  test('no verification and an authority', () => {
    expect(
      problems(
        { MLFLOW_TRACKING_INSECURE_TLS: 'true', MLFLOW_TRACKING_SERVER_CERT_PATH: 'ca.pem' },
        { 'ca.pem': 'PEM' },
      ),
    ).toContain('set together with MLFLOW_TRACKING_SERVER_CERT_PATH');
  });

  test('a user name without password, and the reverse', () => {
    expect(problems({ MLFLOW_TRACKING_USERNAME: 'u' })).toContain(
      'without MLFLOW_TRACKING_PASSWORD',
    );
    expect(problems({ MLFLOW_TRACKING_PASSWORD: 'hunter22' })).toContain(
      'without MLFLOW_TRACKING_USERNAME',
    );
  });

  test('a password that could not be read is not also called missing', () => {
    const lines = problemsOf({
      env: { ...keys, MLFLOW_TRACKING_USERNAME: 'u', MLFLOW_TRACKING_PASSWORD_FILE: '/nope' },
    });
    expect(lines).toEqual([
      'MLFLOW_TRACKING_PASSWORD_FILE (or MLFLOW_TRACKING_PASSWORD, --mlflow-tracking-password-file): names /nope, which cannot be read (ENOENT).',
    ]);
  });

  test('one file for state and MLflow', () => {
    expect(
      problems({ MLFLOW_TRACKING_URI: 'sqlite:///x.db', SYNC_STATE_FILE: './x.db' }),
    ).toContain('SYNC_STATE_FILE (or --state-file): is the file that MLFLOW_TRACKING_URI names');
  });

  test('a certificate that is not there', () => {
    expect(problems({ MLFLOW_TRACKING_CLIENT_CERT_PATH: '/nope.pem' })).toContain(
      'found "/nope.pem", which cannot be read (ENOENT)',
    );
  });

  test('the same key twice', () => {
    expect(
      problems({ LANGFUSE_PUBLIC_KEY: 'same-key', LANGFUSE_SECRET_KEY: 'same-key' }),
    ).toContain('is the same as LANGFUSE_PUBLIC_KEY');
  });
});
