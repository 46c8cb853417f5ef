/** AWS is reached through the proxies of the machine: STS, SageMaker's API, signed REST, artifacts and the copy of the state in S3. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openS3Objects } from '../../src/backup/s3-objects.ts';
import { createS3ArtifactWriter } from '../../src/mlflow/s3-artifacts.ts';
import { createSignedLinks } from '../../src/mlflow/signed-links.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { CliEnd } from '../cli/built-cli.ts';
import { openWorkplace, secrets } from '../cli/workplace.ts';
import { hasOpenssl, makeCertificate, startTlsDoor } from '../support/certificates.ts';
import { startForwardProxy } from '../support/forward-proxy.ts';
import { startControlDouble } from '../support/sagemaker-double/control-plane.ts';
import {
  describeWithManagedMlflow,
  startManagedMlflow,
  type ManagedMlflow,
} from '../support/sagemaker-double/managed-mlflow.ts';
import { startSts } from '../support/sagemaker-double/sts.ts';

const credentials = { user: 'worker', password: 'pass@of:the-proxy-5be0' };
const roleArn = 'arn:aws:iam::123456789012:role/mlflow-writer';

describeWithManagedMlflow('AWS behind a proxy', () => {
  let managed: ManagedMlflow;
  const folder = mkdtempSync(join(tmpdir(), 'langfuse-mlflow-proxies-'));

  beforeAll(async () => {
    managed = await startManagedMlflow();
    if (hasOpenssl) makeCertificate(folder, 'aws');
  }, 120_000);

  afterAll(async () => {
    vi.unstubAllEnvs();
    await managed?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it.skipIf(!hasOpenssl)(
    'each plane is reached in a tunnel, or straight where NO_PROXY says so (needs openssl)',
    async () => {
      await using place = await openWorkplace();
      const { keys } = managed.s3;
      await using control = await startControlDouble();
      control.keys.set(keys.accessKeyId, keys);
      await using sts = await startSts({
        keys: { [keys.accessKeyId]: keys },
        onIssue: (accessKeyId, key) => control.keys.set(accessKeyId, key),
      });
      const door = (url: string): ReturnType<typeof startTlsDoor> =>
        startTlsDoor(url, { folder, name: 'aws' });
      await using stsDoor = await door(sts.url);
      await using controlDoor = await door(control.url);
      await using restDoor = await door(managed.rest.url);
      await using s3Door = await door(managed.s3.url);
      await using proxy = await startForwardProxy(credentials);
      const doors = [stsDoor, controlDoor, restDoor, s3Door];
      const env = {
        NODE_EXTRA_CA_CERTS: join(folder, 'aws.pem'),
        AWS_ACCESS_KEY_ID: keys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_REGION: 'us-east-1',
        AWS_ENDPOINT_URL_STS: stsDoor.url,
        AWS_ENDPOINT_URL_SAGEMAKER: controlDoor.url,
        AWS_ENDPOINT_URL_S3: s3Door.url,
        SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT: restDoor.url,
        MLFLOW_TRACKING_URI: managed.rest.arn,
        MLFLOW_EXPERIMENT_NAME: 'behind-a-proxy',
        SYNC_STATE_BACKUP: 's3://state/proxied/state.db.gz',
        SYNC_LOG_LEVEL: 'debug',
        HTTPS_PROXY: proxy.url,
      };
      const tunnels = (): Set<string> => {
        const seen = new Set(proxy.seen);
        proxy.seen.length = 0;
        return seen;
      };
      const toTunnel = ({ url }: { readonly url: string }): string =>
        `CONNECT ${new URL(url).host}`;

      const synced = await place.run(['sync'], env);
      expectDone(synced);
      expectNoPassword(synced);
      // Nobody was refused, so STS and SageMaker's API had nothing to say.
      expect(tunnels()).toEqual(new Set([restDoor, s3Door].map(toTunnel)));
      const stored = await managed.s3.client.send(
        new ListObjectsV2Command({ Bucket: managed.bucket }),
      );
      expect(stored.KeyCount).toBeGreaterThan(10);

      const looked = await place.run(['doctor'], env);
      expectDone(looked);
      expect(tunnels()).toEqual(new Set(doors.map(toTunnel)));

      const direct = await place.run(['doctor'], { ...env, NO_PROXY: '127.0.0.1' });
      expectDone(direct);
      expect(tunnels()).toEqual(new Set());

      const told = await place.run(['tracking-server', 'info', '--json'], {
        ...env,
        SAGEMAKER_MLFLOW_ASSUME_ROLE_ARN: roleArn,
      });
      expectDone(told);
      expect(sts.seen.map((asked) => asked['RoleArn'])).toContain(roleArn);
      expect(tunnels()).toEqual(new Set([stsDoor, controlDoor].map(toTunnel)));

      const wrong = proxy.url.replace(/worker:[^@]*@/, 'worker:pass-that-is-wrong@');
      const refused = await place.run(['tracking-server', 'info'], { ...env, HTTPS_PROXY: wrong });
      expect(refused.code).toBe(75);
      expect(refused.stderr).toMatch(/sagemaker:DescribeMlflowTrackingServer.*407/);
      expect(refused.stderr).not.toContain('pass-that-is-wrong');
    },
    240_000,
  );

  it('artifacts and the copy of the state are whole, in parts or at once', async () => {
    await using proxy = await startForwardProxy(credentials);
    const proxies = { http: proxy.url, https: null, exceptions: '' };
    const { keys, readOnlyKeys, url, client } = managed.s3;
    const writerOf = (who: typeof keys): ReturnType<typeof createS3ArtifactWriter> =>
      createS3ArtifactWriter({
        region: () => Promise.resolve('us-east-1'),
        endpoint: url,
        credentials: () => Promise.resolve(who),
        identityText: () => 'the test',
        kmsKeyId: null,
        expectedOwner: null,
        proxies,
        timeoutMs: 60_000,
      });
    const writer = writerOf(keys);
    const run = { runId: 'proxied', artifactUri: `${managed.artifactRoot}/0/proxied/artifacts` };
    const large = Buffer.alloc(20 * 1024 * 1024 + 3, 'a line of text\n');
    const artifact = { run, path: "tables/it's (1) 100+ ü.json", contentType: 'application/json' };
    await writer.put({ ...artifact, body: large });
    const head = await client.send(
      new HeadObjectCommand({
        Bucket: managed.bucket,
        Key: `team/0/proxied/artifacts/${artifact.path}`,
      }),
    );
    expect(head.ETag).toMatch(/-2"$/);
    expect(Buffer.compare(Buffer.from((await writer.get(artifact)) ?? []), large)).toBe(0);
    await writer.delete(artifact);
    expect(await writer.get(artifact)).toBeNull();
    await expect(
      writerOf(readOnlyKeys).put({ ...artifact, body: Buffer.from('x') }),
    ).rejects.toMatchObject({ code: 'MLFLOW_ARTIFACTS_DENIED' });

    using objects = await openS3Objects({
      bucket: 'state',
      region: null,
      endpoint: url,
      proxies,
      clock: systemClock,
      credentials: { provider: () => Promise.resolve(keys), refresh: () => undefined },
    });
    const lease = {
      key: 'proxied/lease',
      condition: { kind: 'absent' },
      metadata: { holder: 'the test' },
      content: { kind: 'text', text: '{"held": true}' },
    } as const;
    expect(await objects.put(lease)).toMatchObject({ kind: 'written' });
    expect(await objects.put(lease)).toEqual({ kind: 'refused' });
    const found = await objects.get(lease.key);
    const texts: string[] = [];
    for await (const chunk of found?.body.setEncoding('utf8') ?? []) texts.push(String(chunk));
    expect([texts.join(''), found?.metadata['holder']]).toEqual([lease.content.text, 'the test']);
    expect(await objects.get('proxied/nothing')).toBeNull();
    expect(proxy.seen).toContain(`GET ${url}/state/proxied/nothing?x-id=GetObject`);
    const lines = proxy.seen.filter((line) => !line.includes(` ${url}/`));
    expect([lines, proxy.seen.length > 10]).toEqual([[], true]);
  });

  it('a link that MLflow signed goes through it too', async () => {
    await using proxy = await startForwardProxy(credentials);
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.end('stored'));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const link = { url: `http://127.0.0.1:${port}/bucket/a.md?X-Amz-Signature=x`, headers: {} };
    for (const exceptions of ['', `127.0.0.1:${port}`]) {
      await using links = createSignedLinks({
        policy: {
          maxRetries: 0,
          clock: systemClock,
          random: () => 0,
          signal: undefined,
          onNotice: () => undefined,
        },
        timeoutMs: 5000,
        proxies: { http: proxy.url, https: null, exceptions },
      });
      await links.put(link, { at: 's3://bucket/a.md', body: Buffer.from('x') });
      expect(Buffer.from((await links.get(link, { at: 'there' })) ?? []).toString()).toBe('stored');
      expect(proxy.seen).toEqual([`PUT ${link.url}`, `GET ${link.url}`]);
    }
    server.close();
  });
});

function expectDone(end: CliEnd): void {
  if (end.code !== 0) throw new Error(`exit code ${end.code}\n${end.stdout}\n${end.stderr}`);
}

function expectNoPassword({ stdout, stderr }: CliEnd): void {
  const said = `${stdout}\n${stderr}`;
  for (const text of [
    credentials.password,
    encodeURIComponent(credentials.password),
    secrets.langfuse,
  ])
    expect(said).not.toContain(text);
}
