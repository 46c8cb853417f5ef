import { describe, expect, test } from 'vitest';
import type { RestSettings } from '../../src/mlflow/rest-settings.ts';
import { json, useScriptedMlflow, wireRun } from '../support/mlflow-scripted.ts';

const mlflow = useScriptedMlflow();

describe('opening', () => {
  test('a server that is not there', async () => {
    await mlflow().server[Symbol.asyncDispose]();
    await expect(mlflow().open()).rejects.toMatchObject({ code: 'MLFLOW_UNREACHABLE' });
  });

  test.each([
    ['https for http', (url: string) => url.replace('http:', 'https:'), /TLS failed/],
    ['a copied link', (url: string) => `${url}/#/experiments/1`, /copied from the browser/],
    ['no URL', () => 'http://', /not a URL/],
  ])('a tracking URI that cannot be meant: %s', async (_what, toUri, message) => {
    await expect(mlflow().open({ trackingUri: toUri(mlflow().server.url) })).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringMatching(message),
    });
  });

  test('TLS settings that exclude each other, and a file that is not there', async () => {
    await expect(mlflow().open({ insecureTls: true, serverCertPath: '/x' })).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
    });
    for (const [setting, path] of [
      ['MLFLOW_TRACKING_SERVER_CERT_PATH', { serverCertPath: '/nowhere.pem' }],
      ['MLFLOW_TRACKING_CLIENT_CERT_PATH', { clientCertPath: '/nowhere.pem' }],
    ] as const) {
      await expect(mlflow().open(path)).rejects.toMatchObject({
        code: 'SETTINGS_INVALID',
        message: expect.stringContaining(setting),
      });
    }
  });
});

describe('what is sent', () => {
  const authorizations = async (settings: Partial<RestSettings>) => {
    mlflow().answer(json({ run: wireRun }));
    const target = await mlflow().open(settings);
    await target.getRun('abc');
    return new Set(mlflow().server.seen.map(({ headers }) => headers.authorization));
  };
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

  test('no authorisation', async () => {
    expect(await authorizations({})).toEqual(new Set([undefined]));
  });

  test('a token, also one that ends in a line break', async () => {
    expect(await authorizations({ token: 'tok\n' })).toEqual(new Set(['Bearer tok']));
  });

  test('a username with its password, which wins over a token', async () => {
    const settings = { username: 'ü', password: 'p:w', token: 'tok' };
    expect(await authorizations(settings)).toEqual(new Set([basic('ü:p:w')]));
  });

  test('credentials in the URL are used and never shown', async () => {
    const trackingUri = mlflow().server.url.replace('http://', 'http://me:p%40ss@');
    expect(await authorizations({ trackingUri })).toEqual(new Set([basic('me:p@ss')]));
    const [target] = mlflow().opened;
    expect(target?.description.uri).toBe(mlflow().server.url);
  });

  test('neither Origin nor a body without its type; a workspace where one is set', async () => {
    mlflow().answer(json({}));
    const target = await mlflow().open({ workspace: 'team-a' });
    await target.deleteRun('abc');
    const last = mlflow().server.seen.at(-1);
    expect(last?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-mlflow-workspace': 'team-a',
    });
    expect(last?.headers.origin).toBeUndefined();
  });

  test('a server behind a path', async () => {
    mlflow().server.onRequest = ({ path }) =>
      path === '/mlflow/version' ? { status: 200, body: '2.10.2' } : json({ run: wireRun });
    const target = await mlflow().open({ trackingUri: `${mlflow().server.url}/mlflow/` });
    await target.getRun('abc');
    await target.putArtifact({
      run: { runId: 'abc', artifactUri: 'mlflow-artifacts:/1/abc/artifacts' },
      path: 'a b/c.json',
      body: Buffer.from('{}'),
      contentType: 'application/json',
    });
    expect(mlflow().server.seen.map(({ path }) => path)).toEqual([
      '/mlflow/version',
      '/mlflow/api/2.0/mlflow/runs/get?run_id=abc',
      '/mlflow/api/2.0/mlflow-artifacts/artifacts/1/abc/artifacts/a%20b/c.json',
    ]);
  });

  test('credentials do not go to another host that an artifact location names', async () => {
    mlflow().answer({ status: 200, body: '' });
    const target = await mlflow().open({ trackingUri: mlflow().server.url, token: 'tok' });
    const { port } = new URL(mlflow().server.url);
    await target.putArtifact({
      run: { runId: 'abc', artifactUri: `http://localhost:${port}/store/abc` },
      path: 'a.txt',
      body: Buffer.from('x'),
      contentType: 'text/plain',
    });
    const put = mlflow().server.seen.at(-1);
    expect(put?.path).toBe('/store/abc/a.txt');
    expect(put?.headers.authorization).toBeUndefined();
  });

  test('an upload is repeated, and a server without artifact serving is named', async () => {
    mlflow().answer(
      'reset',
      { status: 200, body: '' },
      {
        status: 503,
        body: 'disabled due to the mlflow server running with `--no-serve-artifacts`',
      },
    );
    const target = await mlflow().open();
    const artifact = {
      run: { runId: 'abc', artifactUri: 'mlflow-artifacts:/1/abc/artifacts' },
      path: 'a.txt',
      body: Buffer.from('hello'),
      contentType: 'text/plain',
    };
    await target.putArtifact(artifact);
    expect(mlflow().server.seen.at(-1)?.body.toString()).toBe('hello');
    await expect(target.putArtifact(artifact)).rejects.toMatchObject({
      code: 'MLFLOW_ARTIFACTS_UNSUPPORTED',
    });
  });

  test('a file on the server is not written to the worker', async () => {
    mlflow().answer(json({}));
    const target = await mlflow().open();
    for (const artifactUri of [
      '/var/mlruns/1/abc/artifacts',
      'file:///var/mlruns/1/abc/artifacts',
      './mlruns/1',
    ]) {
      await expect(
        target.putArtifact({
          run: { runId: 'abc', artifactUri },
          path: 'a.txt',
          body: Buffer.from('x'),
          contentType: 'text/plain',
        }),
      ).rejects.toMatchObject({ code: 'MLFLOW_ARTIFACTS_UNSUPPORTED' });
    }
  });
});

test('a target that was closed, and credentials that no header can hold, end at once', async () => {
  mlflow().answer(json({ run: wireRun }));
  const target = await mlflow().open();
  await target[Symbol.asyncDispose]();
  await expect(target.getRun('abc')).rejects.toMatchObject({ code: 'INTERNAL' });
  const error: unknown = await mlflow()
    .open({ token: 'two\nlines' })
    .catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'INTERNAL', message: expect.not.stringContaining('lines') });
  expect(mlflow().clock.sleeps).toEqual([]);
});
