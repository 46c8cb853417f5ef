/** Servers that send MLflow's callers elsewhere, or never stop talking. On real sockets. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { openRestTarget } from '../../src/mlflow/rest-target.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { sendRequest } from '../../src/smoke/send-request.ts';
import { startRewritingFront } from '../support/rewriting-front.ts';

const settingsOf = (trackingUri: string) => ({
  trackingUri,
  username: 'worker',
  password: 'password-of-the-worker',
  timeoutMs: 60_000,
  maxRetries: 2,
  clock: systemClock,
});

describe('MLflow', () => {
  test.each([301, 302, 307, 308])(
    'a redirect (%i) takes nothing to another host',
    async (status) => {
      await using stranger = await startRewritingFront(null);
      await using mlflow = await startRewritingFront(null);
      const location = `${stranger.url}/api/2.0/mlflow/runs/create`;
      mlflow.rewrite = () => ({ status, headers: { location }, body: '' });
      await using target = await openRestTarget(settingsOf(mlflow.url));
      const run = { experimentId: '1', name: 'r', startMs: 5, tags: {} };
      await expect(target.createRun(run)).rejects.toMatchObject({
        code: 'MLFLOW_UNEXPECTED',
        message: expect.stringMatching(
          /sends callers elsewhere .* Set MLFLOW_TRACKING_URI/,
        ) as string,
      });
      expect(mlflow.seen.at(-1)?.authorization).toMatch(/^Basic /);
      expect(stranger.seen).toEqual([]);
    },
  );

  test('an answer without end is given up, once, and told', async () => {
    let requests = 0;
    let sentBytes = 0;
    const chunk = Buffer.alloc(1_000_000, ' ');
    const server = createServer((request, response) => {
      if (request.url?.includes('runs/get') !== true) {
        response.writeHead(404).end();
        return;
      }
      requests += 1;
      response.writeHead(200, { 'content-type': 'application/json' });
      const send = (): void => {
        while (!response.destroyed) {
          sentBytes += chunk.length;
          if (!response.write(chunk)) {
            response.once('drain', send);
            return;
          }
        }
      };
      send();
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await using target = await openRestTarget(settingsOf(url));
      await expect(target.getRun('abc')).rejects.toMatchObject({
        code: 'MLFLOW_UNEXPECTED',
        message: expect.stringMatching(
          /larger than 268435456 bytes.*Check MLFLOW_TRACKING_URI/,
        ) as string,
      });
      expect(requests).toBe(1);
      expect(sentBytes).toBeLessThan(300_000_000);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    }
  });
});

describe('LiteLLM', () => {
  const gateway = { apiKey: 'sk-key-of-the-gateway', model: 'm', timeoutMs: 30_000 };
  const request = { marker: 'm1', clock: systemClock, signal: new AbortController().signal };

  test.each([302, 307, 308])('a redirect (%i) takes nothing to another host', async (status) => {
    await using stranger = await startRewritingFront(null);
    await using litellm = await startRewritingFront(null);
    const headers = { location: `${stranger.url}/v1/chat/completions` };
    litellm.rewrite = () => ({ status, headers, body: '' });
    await expect(sendRequest({ ...gateway, baseUrl: litellm.url }, request)).rejects.toMatchObject({
      code: 'LITELLM_REJECTED',
      hint: expect.stringContaining('LITELLM_BASE_URL') as string,
    });
    expect(litellm.seen).toHaveLength(1);
    expect(stranger.seen).toEqual([]);
  });

  test('an answer that is too large is not held', async () => {
    await using litellm = await startRewritingFront(null);
    litellm.rewrite = (_path, answer) => ({ ...answer, body: Buffer.alloc(20_000_000, ' ') });
    await expect(sendRequest({ ...gateway, baseUrl: litellm.url }, request)).rejects.toMatchObject({
      code: 'LITELLM_UNREACHABLE',
      message: expect.stringContaining('more than 10000000 bytes') as string,
    });
  });
});
