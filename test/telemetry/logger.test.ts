import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/shared/errors.ts';
import { createLogger, type Logger } from '../../src/telemetry/create-logger.ts';
import { describeError } from '../../src/telemetry/describe-error.ts';
import { hideSecrets } from '../../src/telemetry/hide-secrets.ts';

async function logTo(
  written: string[],
  options: Partial<Parameters<typeof createLogger>[0]> = {},
): Promise<Logger> {
  return createLogger({
    level: 'info',
    format: 'auto',
    isTerminal: false,
    secrets: ['sk-lf-secret', 'quo"ted'],
    write: (text) => written.push(text),
    ...options,
  });
}

describe('log lines', () => {
  test('are one JSON object each, off a terminal', async () => {
    const written: string[] = [];
    const log = await logTo(written);
    log.info({ window: '2026-11-24' }, 'published');
    log.debug('too small');
    expect(written).toHaveLength(1);
    const line: unknown = JSON.parse(written[0] ?? '');
    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/),
      window: '2026-11-24',
      msg: 'published',
    });
  });

  const hostile = 'a\u001b[31mb\u0007c\u009bd\u202ee\u2028f\\u001bg\rh\u007f';

  test('hold no character that a terminal acts on, and the same text', async () => {
    const written: string[] = [];
    const log = await logTo(written);
    log.info({ name: hostile }, hostile);
    // oxlint-disable-next-line no-control-regex -- those are what must not be there.
    expect(written[0]?.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
    expect(JSON.parse(written[0] ?? '')).toMatchObject({ name: hostile, msg: hostile });
  });

  test('show such a character by its escape to people', async () => {
    const written: string[] = [];
    const log = await logTo(written, { format: 'pretty' });
    log.info({ name: hostile }, hostile);
    // oxlint-disable-next-line no-control-regex -- those are what must not be there.
    expect(written.join('')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/);
    expect(written[0]).toContain(
      'a\\u001b[31mb\\u0007c\\u009bd\\u202ee\\u2028f\\u001bg\\rh\\u007f',
    );
  });

  test('are for people on a terminal', async () => {
    const written: string[] = [];
    (await logTo(written, { isTerminal: true })).warn('slow');
    expect(written[0]).toMatch(/WARN.*slow/s);
    expect(() => JSON.parse(written[0] ?? '') as unknown).toThrow(SyntaxError);
  });

  test('are as the format says, wherever they go', async () => {
    const json: string[] = [];
    (await logTo(json, { isTerminal: true, format: 'json' })).info('x');
    expect(JSON.parse(json[0] ?? '')).toMatchObject({ msg: 'x' });
    const pretty: string[] = [];
    (await logTo(pretty, { format: 'pretty' })).info('x');
    expect(pretty[0]).toMatch(/^\[[\d:]+\] INFO: x\n$/);
  });

  test('silent writes nothing', async () => {
    const written: string[] = [];
    (await logTo(written, { level: 'silent' })).error('x');
    expect(written).toEqual([]);
  });
});

describe('secrets', () => {
  test.each(['json', 'pretty'] as const)('never reach a %s line', async (format) => {
    const written: string[] = [];
    const log = await logTo(written, { format });
    const sdkError = Object.assign(new Error('401 for Basic cGs6c2s='), {
      request: { headers: { authorization: 'Basic cGs6c2s=' } },
    });
    log.error({ err: new AppError('LANGFUSE_AUTH', 'no', { cause: sdkError }) }, 'sk-lf-secret');
    log.info(
      { a: { b: 'has quo"ted in it' } },
      'https://x/auth?authToken=eyJ.x&X-Amz-Signature=f00',
    );
    expect(written.join('')).not.toMatch(/sk-lf-secret|quo\\?"ted|cGs6c2s|eyJ|f00/);
  });

  test('the rest of a line is left as it is', () => {
    expect(hideSecrets('a sk-lf-secret b?c=d', ['sk-lf-secret', 'b', ''])).toBe('a *** b?c=d');
  });
});

describe('errors', () => {
  test('an expected failure has its code and next step, no stack', () => {
    const error = new AppError('STATE_BUSY', 'Another worker holds x.db.', {
      cause: Object.assign(new Error('SQLITE_BUSY'), { code: 'SQLITE_BUSY' }),
      details: { file: 'x.db' },
    });
    expect(describeError(error)).toEqual({
      type: 'AppError',
      code: 'STATE_BUSY',
      message: 'Another worker holds x.db.',
      hint: 'Another worker is using this state file; wait for it to end.',
      details: { file: 'x.db' },
      cause: {
        type: 'Error',
        message: 'SQLITE_BUSY',
        code: 'SQLITE_BUSY',
        stack: expect.stringContaining('SQLITE_BUSY'),
      },
    });
  });

  test('an unexpected one has its stack', () => {
    expect(describeError(new AppError('INTERNAL', 'x'))).toHaveProperty('stack');
    expect(describeError('thrown text')).toEqual({ type: 'string', message: 'thrown text' });
  });

  test('a chain of causes that never ends is cut', () => {
    const error = new Error('loop');
    error.cause = error;
    expect(JSON.stringify(describeError(error)).length).toBeLessThan(10_000);
  });
});
