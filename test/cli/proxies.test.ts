/** Langfuse, MLflow and LiteLLM are reached through the proxies that other programs of the machine use. */
import { describe, expect, test } from 'vitest';
import { startForwardProxy, type ForwardProxy } from '../support/forward-proxy.ts';
import { startMlflowProxy } from '../support/mlflow-proxy.ts';
import type { CliEnd } from './built-cli.ts';
import {
  dayName,
  expectFailure,
  findClosedPort,
  openWorkplace,
  type Workplace,
} from './workplace.ts';

/** The @ and the colon must be written in the URL as %40 and %3A. */
const credentials = { user: 'worker', password: 'pass@of:the-proxy-7d1e' };

const debug = { SYNC_LOG_LEVEL: 'debug' };

/** Neither as it is, nor as the URL has it, nor as HTTP sends it. */
function expectNoPassword(end: CliEnd): void {
  const said = `${end.stdout}\n${end.stderr}`;
  const { user, password } = credentials;
  for (const form of [
    password,
    encodeURIComponent(password),
    Buffer.from(`${user}:${password}`).toString('base64'),
  ]) {
    expect(said).not.toContain(form);
  }
}

/** What went through the proxy to Langfuse, as the sample server names its requests. */
function langfuseRequests(proxy: ForwardProxy, place: Workplace): string[] {
  return proxy.seen
    .filter((line) => line.startsWith(`GET ${place.server.url}/`))
    .map((line) => new URL(line.slice(4)).pathname);
}

describe('a proxy', () => {
  test.each(['HTTP_PROXY', 'http_proxy'])('of %s: every request takes it', async (name) => {
    await using proxy = await startForwardProxy(credentials);
    await using place = await openWorkplace();
    const args = ['backfill', '--from', dayName(0), '--to', dayName(1), '--json'];
    const end = await place.run(args, { ...debug, [name]: proxy.url });
    expectNoPassword(end);
    expect(end.code).toBe(0);
    expect(langfuseRequests(proxy, place)).toEqual(place.server.requests.map(({ path }) => path));
    expect(place.server.requests.every(({ headers }) => !('proxy-authorization' in headers))).toBe(
      true,
    );
  });

  test.each(['127.0.0.1', 'example.com, 127.0.0.1', '*'])('is left out by %s', async (list) => {
    await using proxy = await startForwardProxy(credentials);
    await using place = await openWorkplace();
    for (const name of ['NO_PROXY', 'no_proxy']) {
      const end = await place.run(['doctor'], { HTTP_PROXY: proxy.url, [name]: list });
      expect(end.code).toBe(0);
    }
    expect(place.server.requests.length).toBeGreaterThan(0);
    expect(proxy.seen).toEqual([]);
  });

  test('is left out for one port and taken for another', async () => {
    await using proxy = await startForwardProxy(null);
    await using place = await openWorkplace();
    const env = { HTTP_PROXY: proxy.url, NO_PROXY: `127.0.0.1:${await findClosedPort()}` };
    expect(await place.run(['doctor'], env)).toMatchObject({ code: 0 });
    expect(proxy.seen.length).toBe(place.server.requests.length);
  });

  test('is taken to MLflow and to LiteLLM too', async () => {
    await using proxy = await startForwardProxy(credentials);
    await using server = await startMlflowProxy();
    await using place = await openWorkplace();
    server.onRequest = () => ({ status: 401, body: 'no' });
    const env = { ...debug, HTTP_PROXY: proxy.url, NO_PROXY: `127.0.0.1:${place.server.port}` };
    const mlflow = await place.run(['sync'], { ...env, MLFLOW_TRACKING_URI: server.url });
    const litellm = await place.run(
      ['smoke', '--litellm-url', server.url, '--model', 'gpt-5-mini'],
      {
        ...env,
        LITELLM_API_KEY: 'sk-of-the-test',
      },
    );
    for (const end of [mlflow, litellm]) {
      expectNoPassword(end);
      expect(end.code).toBe(2);
    }
    expect(litellm.stdout).toMatch(/LiteLLM refused the key/);
    expect(proxy.seen.filter((line) => !line.startsWith('GET '))).toEqual([
      `POST ${server.url}/v1/chat/completions`,
    ]);
    expect(proxy.seen).toHaveLength(server.seen.length);
    expect(server.seen.every(({ headers }) => !('proxy-authorization' in headers))).toBe(true);
  });

  test('that is not there, refuses the password or is no URL: named, and no password', async () => {
    await using proxy = await startForwardProxy(credentials);
    await using place = await openWorkplace();
    const unreachable = {
      exitCode: 75,
      code: 'LANGFUSE_UNREACHABLE',
      message: /could not be reached/,
      next: /LANGFUSE_BASE_URL/,
    };
    const closed = `http://worker:${encodeURIComponent(credentials.password)}@127.0.0.1:${await findClosedPort()}`;
    const nowhere = await place.run(['sync'], { ...debug, HTTP_PROXY: closed });
    expectFailure(nowhere, unreachable);
    expectNoPassword(nowhere);

    const wrong = proxy.url.replace(/worker:[^@]*@/, 'worker:pass-that-is-wrong@');
    const refused = await place.run(['sync'], { ...debug, HTTP_PROXY: wrong });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/407|[Pp]roxy/);
    expect(refused.stderr).not.toContain('pass-that-is-wrong');

    const socks = `socks5://worker:${encodeURIComponent(credentials.password)}@127.0.0.1:1080`;
    const noUrl = await place.run(['sync'], { HTTPS_PROXY: socks });
    expectFailure(noUrl, {
      exitCode: 2,
      code: 'SETTINGS_INVALID',
      message: /HTTPS_PROXY.*must begin with http:\/\/ or https:\/\/, not socks5:\/\//,
      next: /docs\/configuration\.md/,
    });
    expectNoPassword(noUrl);
    expect(place.server.requests).toEqual([]);
  });

  test('is not asked by the demo for its own sample Langfuse', async () => {
    await using place = await openWorkplace();
    const closed = `http://127.0.0.1:${await findClosedPort()}`;
    expect(await place.run(['demo'], { HTTP_PROXY: closed })).toMatchObject({ code: 0 });
  });
});
