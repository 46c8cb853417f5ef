/** Whatever keeps a run from beginning: one clear message, the documented exit code, and nothing written. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createSampleTraffic } from '../../src/demo/traffic.ts';
import {
  dayName,
  days,
  expectRefusal,
  findClosedPort,
  hashFiles,
  openWorkplace,
  secrets,
  smallTraffic,
  startMs,
  type ExpectedFailure,
} from './workplace.ts';

const settings = {
  exitCode: 2,
  code: 'SETTINGS_INVALID',
  next: /docs\/configuration\.md/,
} as const;

describe('settings', () => {
  test('quotes left in a URL', async () => {
    await using place = await openWorkplace();
    await expectRefusal(place, {
      args: ['sync'],
      env: { LANGFUSE_BASE_URL: '"https://cloud.langfuse.com"' },
      expected: { ...settings, message: /LANGFUSE_BASE_URL .*has quotes left in it/ },
    });
    expect(place.server.requests).toEqual([]);
  });

  test('a presigned UI link as tracking URI, which is never repeated', async () => {
    await using place = await openWorkplace();
    const token = secrets.mlflowToken;
    await expectRefusal(place, {
      args: ['sync'],
      env: {
        MLFLOW_TRACKING_URI: `https://t-abc.us-east-1.experiments.sagemaker.aws/auth?authToken=${token}`,
      },
      expected: { ...settings, message: /MLFLOW_TRACKING_URI .*presigned link/ },
    });
  });

  test('the address of a SageMaker server where its ARN is needed', async () => {
    await using place = await openWorkplace();
    await expectRefusal(place, {
      args: ['sync'],
      env: { MLFLOW_TRACKING_URI: 'https://t-abc.us-east-1.experiments.sagemaker.aws' },
      expected: {
        ...settings,
        message: /only an ARN .*arn:aws:sagemaker:us-east-1:ACCOUNT:mlflow-tracking-server\/NAME/,
      },
    });
  });

  test('everything that is wrong is told at once', async () => {
    await using place = await openWorkplace();
    await expectRefusal(place, {
      args: ['sync', '--window', '5h'],
      env: {
        LANGFUSE_PUBLIC_KEY: '',
        LANGFUSE_SECRET_KEY: '',
        MLFLOW_TRACKING_USERNAME: 'worker',
        SYNC_SETLE: '1h',
      },
      expected: {
        ...settings,
        message:
          /5 settings cannot be used:[^]*LANGFUSE_PUBLIC_KEY[^]*LANGFUSE_SECRET_KEY[^]*--window[^]*MLFLOW_TRACKING_PASSWORD[^]*did you mean SYNC_SETTLE\?/,
      },
    });
  });

  test('a secret in the wrong place is refused and not repeated', async () => {
    await using place = await openWorkplace();
    await expectRefusal(place, {
      args: ['sync'],
      env: {
        LANGFUSE_PUBLIC_KEY: secrets.wrong,
        MLFLOW_TRACKING_URI: `https://worker:${secrets.mlflowPassword}@mlflow.example.com`,
      },
      expected: { ...settings, message: /2 settings cannot be used/ },
    });
  });
});

describe('Langfuse', () => {
  test('wrong keys', async () => {
    await using place = await openWorkplace();
    await expectRefusal(place, {
      args: ['sync'],
      env: { LANGFUSE_SECRET_KEY: secrets.wrong },
      expected: {
        exitCode: 2,
        code: 'LANGFUSE_AUTH',
        message: /401/,
        next: /LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY/,
      },
    });
  });

  test('the keys of an organisation', async () => {
    await using place = await openWorkplace({
      organizationKeys: { publicKey: 'pk-lf-org', secretKey: secrets.organization },
    });
    await expectRefusal(place, {
      args: ['sync'],
      env: { LANGFUSE_PUBLIC_KEY: 'pk-lf-org', LANGFUSE_SECRET_KEY: secrets.organization },
      expected: {
        exitCode: 2,
        code: 'LANGFUSE_AUTH',
        message: /organi[sz]ation/i,
        next: /LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY/,
      },
    });
  });

  test('the keys of another project than the one in the state file', async () => {
    const other = createSampleTraffic({ seed: 8, startMs, days, requestsPerDay: 5 });
    await using place = await openWorkplace({
      otherProjects: [
        {
          keys: { publicKey: 'pk-lf-other', secretKey: secrets.otherProject },
          traffic: { ...other, project: { id: 'other-project', name: 'other-team' } },
        },
      ],
    });
    expect(await place.run(['sync'])).toMatchObject({ code: 0 });
    await expectRefusal(place, {
      args: ['sync'],
      env: { LANGFUSE_PUBLIC_KEY: 'pk-lf-other', LANGFUSE_SECRET_KEY: secrets.otherProject },
      expected: {
        exitCode: 2,
        code: 'LANGFUSE_WRONG_PROJECT',
        message: new RegExp(`other-project.*${smallTraffic().project.name}`),
        next: /another SYNC_STATE_FILE/,
      },
    });
  });

  test('unreachable', async () => {
    await using place = await openWorkplace();
    const url = `http://127.0.0.1:${await findClosedPort()}`;
    await expectRefusal(place, {
      args: ['sync'],
      env: { LANGFUSE_BASE_URL: url },
      expected: {
        exitCode: 75,
        code: 'LANGFUSE_UNREACHABLE',
        message: new RegExp(url),
        next: /LANGFUSE_BASE_URL/,
      },
    });
  });

  test('a login page with status 200', async () => {
    await using place = await openWorkplace({ faults: [{ kind: 'login_page' }] });
    await expectRefusal(place, {
      args: ['sync'],
      expected: {
        exitCode: 2,
        code: 'LANGFUSE_UNEXPECTED',
        message: /HTML/i,
        next: /LANGFUSE_BASE_URL \(a login page or proxy may be answering\)/,
      },
    });
  });

  test('a longer wait than SYNC_LANGFUSE_MAX_WAIT', async () => {
    await using place = await openWorkplace({
      faults: [{ kind: 'rate_limited', retryAfterSeconds: 40 }],
    });
    await expectRefusal(place, {
      args: ['sync'],
      expected: {
        exitCode: 75,
        code: 'LANGFUSE_RATE_LIMITED',
        message: /429|wait/,
        next: /run again later/,
      },
    });
  });

  test('a version 4 server in legacy mode, when told to read its stale new API', async () => {
    await using place = await openWorkplace({ mode: 'v4-legacy-mode' });
    await expectRefusal(place, {
      args: ['sync'],
      env: { SYNC_LANGFUSE_READER: 'v2' },
      expected: {
        exitCode: 2,
        code: 'LANGFUSE_UNSUPPORTED',
        message: /v2 reader was asked for.*stale/,
        next: /Leave SYNC_LANGFUSE_READER at auto/,
      },
    });
  });
});

describe('MLflow', () => {
  test('unreachable', async () => {
    await using place = await openWorkplace();
    const url = `http://127.0.0.1:${await findClosedPort()}`;
    await expectRefusal(place, {
      args: ['sync'],
      env: { MLFLOW_TRACKING_URI: url },
      expected: {
        exitCode: 75,
        code: 'MLFLOW_UNREACHABLE',
        message: new RegExp(url),
        next: /MLFLOW_TRACKING_URI/,
      },
    });
  });

  // MLflow's own basic authentication leaves /version open.
  test.each([
    [
      'refuses the user at /api',
      { version: 200, api: 401 },
      {
        exitCode: 2,
        code: 'MLFLOW_AUTH',
        message: /401/,
        next: /MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD/,
      },
    ],
    [
      'is a page with status 200',
      { version: 200, api: 200 },
      {
        exitCode: 2,
        code: 'MLFLOW_UNEXPECTED',
        message: /127\.0\.0\.1/,
        next: /check MLFLOW_TRACKING_URI/,
      },
    ],
    [
      'refuses everybody',
      { version: 401, api: 401 },
      {
        exitCode: 2,
        code: 'MLFLOW_AUTH',
        message: /401/,
        next: /MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD/,
      },
    ],
  ] satisfies [string, { version: number; api: number }, ExpectedFailure][])(
    'a server that %s',
    async (_case, status, expected) => {
      await using place = await openWorkplace();
      await using page = await startPage((path) =>
        path === '/version' ? status.version : status.api,
      );
      await expectRefusal(place, {
        args: ['sync'],
        env: {
          MLFLOW_TRACKING_URI: page.url,
          MLFLOW_TRACKING_USERNAME: 'worker',
          MLFLOW_TRACKING_PASSWORD: secrets.mlflowPassword,
          MLFLOW_TRACKING_TOKEN: secrets.mlflowToken,
        },
        expected,
      });
    },
  );
});

/** Answers every request with a page. */
async function startPage(
  toStatus: (path: string) => number,
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    response.writeHead(toStatus(request.url ?? ''), { 'Content-Type': 'text/html' });
    response.end('<html><title>Sign in</title></html>');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

describe('backfill', () => {
  const usage = { exitCode: 2, code: 'USAGE', next: /--help/ } as const;
  test.each([
    [
      '--from after --to',
      ['2025-03-02', '2025-03-01'],
      /--to 2025-03-01.* is not after --from 2025-03-02/,
    ],
    ['an empty range', ['2025-03-01', '2025-03-01'], /is not after --from/],
    [
      'a range in the future',
      ['2999-01-01', '2999-02-01'],
      /No window of 2999-01-01.* has settled/,
    ],
    [
      'a day that no calendar has',
      ['2025-02-30', '2025-03-02'],
      /--from 2025-02-30: must be a real UTC day/,
    ],
    [
      'a time without its zone',
      ['2025-02-01T10:00', '2025-03-02'],
      /--from .*has no time zone; write 2025-02-01T10:00Z/,
    ],
    ['no date at all', ['2025-03-01', 'yesterday'], /--to yesterday: must be a real UTC day/],
  ])('%s', async (_case, [from = '', to = ''], message) => {
    await using place = await openWorkplace();
    await expectRefusal(place, {
      args: ['backfill', '--from', from, '--to', to],
      expected: { ...usage, message },
    });
    expect(place.server.requests).toEqual([]);
  });

  test('a range that is there is read and nothing else', async () => {
    await using place = await openWorkplace();
    const end = await place.run(['backfill', '--from', dayName(0), '--to', dayName(1), '--json']);
    expect(end.code).toBe(0);
    expect(JSON.parse(end.stdout)).toMatchObject({
      command: 'backfill',
      exit_code: 0,
      windows: { planned: 1, read: 1, failed: [] },
    });
    expect(Object.keys(hashFiles(place.path))).toContain('langfuse-mlflow.db');
  });
});
