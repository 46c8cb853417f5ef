import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RestSettings } from '../../src/mlflow/rest-settings.ts';
import { openRestTarget } from '../../src/mlflow/rest-target.ts';
import { hasOpenssl, makeCertificate } from '../support/certificates.ts';
import { startForwardProxy } from '../support/forward-proxy.ts';
import { createPatientClock } from '../support/mlflow-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'langfuse-mlflow-tls-'));
if (hasOpenssl) {
  makeCertificate(folder, 'server');
  makeCertificate(folder, 'client');
  writeFileSync(
    join(folder, 'both.pem'),
    readFileSync(join(folder, 'client.pem'), 'utf8') +
      readFileSync(join(folder, 'client.key'), 'utf8'),
  );
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!hasOpenssl)('TLS to a server with its own authority (needs openssl)', () => {
  let server: Server;
  let url: string;
  /** Names of the certificates that clients showed. */
  const shown: (string | undefined)[] = [];
  beforeAll(async () => {
    const pem = (name: string): Buffer => readFileSync(join(folder, name));
    const options = {
      key: pem('server.key'),
      cert: pem('server.pem'),
      ca: pem('client.pem'),
      requestCert: true,
      rejectUnauthorized: false,
    };
    server = createServer(options, (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      shown.push(subject?.CN?.toString());
      response.end('3.17.2');
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    url =
      typeof address === 'object' && address !== null ? `https://127.0.0.1:${address.port}` : '';
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  async function readVersion(settings: Partial<RestSettings>): Promise<string | null> {
    const clock = createPatientClock();
    await using target = await openRestTarget({
      trackingUri: url,
      timeoutMs: 5000,
      maxRetries: 2,
      clock,
      ...settings,
    });
    return target.description.version;
  }

  test('an authority that is not known is refused at once, and the setting is named', async () => {
    await expect(readVersion({})).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringContaining('MLFLOW_TRACKING_SERVER_CERT_PATH'),
    });
  });

  test('an authority that is named is trusted', async () => {
    expect(await readVersion({ serverCertPath: join(folder, 'server.pem') })).toBe('3.17.2');
    await expect(readVersion({ serverCertPath: join(folder, 'client.pem') })).rejects.toMatchObject(
      { code: 'SETTINGS_INVALID' },
    );
  });

  test('checking can be turned off', async () => {
    expect(await readVersion({ insecureTls: true })).toBe('3.17.2');
  });

  test('a client certificate is shown', async () => {
    shown.length = 0;
    await readVersion({
      serverCertPath: join(folder, 'server.pem'),
      clientCertPath: join(folder, 'both.pem'),
    });
    expect(shown).toEqual(['client']);
  });

  test('through a proxy it is the same, in a tunnel', async () => {
    await using proxy = await startForwardProxy({ user: 'worker', password: 'pass@word' });
    const proxies = { http: null, https: proxy.url, exceptions: '' };
    const serverCertPath = join(folder, 'server.pem');
    shown.length = 0;
    expect(
      await readVersion({ proxies, serverCertPath, clientCertPath: join(folder, 'both.pem') }),
    ).toBe('3.17.2');
    expect(shown).toEqual(['client']);
    expect(proxy.seen).toEqual([`CONNECT ${new URL(url).host}`]);
    await expect(readVersion({ proxies })).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    const direct = { ...proxies, exceptions: '127.0.0.1' };
    expect(await readVersion({ proxies: direct, serverCertPath })).toBe('3.17.2');
    expect(proxy.seen).toHaveLength(2);
  });

  test('plain http to it is no endless retry', async () => {
    await expect(
      readVersion({ trackingUri: url.replace('https:', 'http:') }),
    ).rejects.toMatchObject({ code: 'MLFLOW_UNREACHABLE' });
  });
});
