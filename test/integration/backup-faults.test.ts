/** Two workers on one backup, answers that are lost, and everything that a store may refuse, on a real S3 server. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BackupSettings } from '../../src/backup/backup-settings.ts';
import { openBackup } from '../../src/backup/open-backup.ts';
import {
  countRows,
  createHandClock,
  openBackupBench,
  readOneMoreWindow,
  useKeys,
  type BackupBench,
} from '../support/seaweed-backup-bench.ts';
import { startPlainStore } from '../support/seaweed-plain-store.ts';
import { startCuttingProxy } from '../support/seaweed-proxy.ts';
import { startSeaweed, type SeaweedServer } from '../support/seaweed-server.ts';
import { describeWithSeaweed } from '../support/seaweed-suite.ts';

const copyPut = /^PUT .*state\.db\.gz\?/;
const copyGet = /^GET .*state\.db\.gz\?/;

describeWithSeaweed('a backup in S3 that others use, or that fails', () => {
  let s3: SeaweedServer;
  let bench: BackupBench;

  beforeAll(async () => {
    s3 = await startSeaweed();
  });
  afterAll(() => s3[Symbol.asyncDispose]());
  beforeEach(() => {
    bench = openBackupBench(s3);
  });
  afterEach(() => bench[Symbol.dispose]());

  describe('two workers', () => {
    it('lets one in, and tells the other who holds the backup', async () => {
      await using first = await openBackup(bench.toSettings('a.db'));
      await expect(openBackup(bench.toSettings('b.db'))).rejects.toMatchObject({
        code: 'STATE_BUSY',
        exitCode: 75,
        message: expect.stringMatching(
          /Another worker \(worker on a\.db\) is using .* runs out in \d+ s/,
        ) as string,
      });
      expect(first.signal.aborted).toBe(false);
    });

    it('lets exactly one of many in that come at once', async () => {
      const settled = await Promise.allSettled(
        Array.from({ length: 6 }, (_, n) => openBackup(bench.toSettings(`${n}.db`))),
      );
      const opened = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const codes = settled.flatMap((one) =>
        one.status === 'rejected' ? [(one.reason as { code: string }).code] : [],
      );
      for (const one of opened) await one[Symbol.asyncDispose]();
      expect(opened).toHaveLength(1);
      expect(codes).toEqual(Array.from({ length: 5 }, () => 'STATE_BUSY'));
    });

    it('takes over from one that died, by the clock of the store, and the dead one writes nothing more', async () => {
      await using proxy = await startCuttingProxy(s3.url);
      // By its own clock no time passes: only the store tells it that it is not alone.
      const cutOff = { leaseMs: 3000, clock: createHandClock(), endpoint: proxy.url };
      await using dead = await bench.open('a.db', cutOff);
      readOneMoreWindow(dead.state);
      proxy.cut({ request: /./, afterBytes: 'request', times: 9999 });
      await expect(bench.run('b.db')).rejects.toMatchObject({ code: 'STATE_BUSY' });
      await sleep(5500);
      expect((await bench.run('b.db')).outcome).toMatchObject({ kind: 'written', generation: 1 });
      proxy.heal();
      expect(await dead.backup.finish()).toMatchObject({
        kind: 'failed',
        error: {
          code: 'STATE_BUSY',
          message: expect.stringContaining('has taken over the backup') as string,
        },
      });
      expect(dead.backup.signal.aborted).toBe(true);
      expect(proxy.seen.filter((line) => copyPut.test(line))).toEqual([]);
    });

    it('keeps the lease of a worker that runs for longer than it', async () => {
      await using worker = await bench.open('a.db', { leaseMs: 2000 });
      await sleep(4500);
      await expect(bench.run('b.db')).rejects.toMatchObject({ code: 'STATE_BUSY' });
      expect(worker.backup.signal.aborted).toBe(false);
    });

    it('does not overwrite what another has written, even with a lease', async () => {
      await bench.run('a.db');
      await using worker = await bench.open('a.db');
      readOneMoreWindow(worker.state);
      const ofAnother = { bytes: new TextEncoder().encode('of another'), metadata: {} };
      await bench.putObject(ofAnother);
      expect(await worker.backup.finish()).toMatchObject({
        kind: 'failed',
        error: {
          code: 'STATE_BUSY',
          exitCode: 75,
          message: expect.stringContaining('was not overwritten') as string,
        },
      });
      expect(worker.backup.signal.aborted).toBe(true);
      expect((await bench.readObject())?.bytes).toEqual(ofAnother.bytes);
    });

    it('ends after a suspension that outlived the lease, without asking anybody', async () => {
      const clock = createHandClock();
      await using worker = await bench.open('a.db', { clock });
      clock.move(3_600_000);
      expect(await worker.backup.finish()).toMatchObject({
        kind: 'failed',
        error: {
          code: 'STATE_BUSY',
          message: expect.stringContaining('could not be renewed in time') as string,
        },
      });
      expect(await bench.readObject()).toBeNull();
    });
  });

  describe('a store with the ways of AWS', () => {
    const copyPath = (): string => `/state/${encodeURI(bench.key)}`;

    it('a copy that was deleted during the run is not made again over who deleted it', async () => {
      await using store = await startPlainStore('aws');
      await bench.run('a.db', { endpoint: store.url });
      await using worker = await bench.open('a.db', { endpoint: store.url });
      readOneMoreWindow(worker.state);
      expect(store.objects.delete(copyPath())).toBe(true);
      expect(await worker.backup.finish()).toMatchObject({
        kind: 'failed',
        error: { code: 'STATE_BUSY' },
      });
      expect(store.objects.has(copyPath())).toBe(false);
    });

    it("what is not what the store's own checksum was made of is a damaged copy", async () => {
      await using store = await startPlainStore('aws');
      await bench.run('a.db', { endpoint: store.url });
      const bytes = store.objects.get(copyPath()) ?? Buffer.alloc(0);
      store.objects.set(copyPath(), gzipSync(gunzipSync(bytes), { level: 1 }));
      await expect(bench.run('b.db', { endpoint: store.url })).rejects.toMatchObject({
        code: 'BACKUP_UNUSABLE',
        message: expect.stringContaining('is damaged') as string,
      });
    });
  });

  describe('lost answers', () => {
    it('knows its own copy when the answer to it was lost', async () => {
      await using proxy = await startCuttingProxy(s3.url);
      await using worker = await bench.open('a.db', { endpoint: proxy.url });
      readOneMoreWindow(worker.state);
      proxy.cut({ request: copyPut, afterBytes: 0, times: 1 });
      expect(await worker.backup.finish()).toMatchObject({ kind: 'written', generation: 1 });
      expect(proxy.seen.filter((line) => copyPut.test(line))).toHaveLength(2);
    });

    it('takes the lease although the answer to that was lost', async () => {
      await using proxy = await startCuttingProxy(s3.url);
      proxy.cut({ request: /^PUT .*\.lease/, afterBytes: 0, times: 1 });
      await using backup = await openBackup(bench.toSettings('a.db', { endpoint: proxy.url }));
      expect(backup.signal.aborted).toBe(false);
    });

    it('reads a copy again that was cut off, and says so when it always is', async () => {
      await bench.run('a.db');
      await using proxy = await startCuttingProxy(s3.url);
      const changes = { endpoint: proxy.url, clock: createHandClock({ sleeps: false }) };
      // The first reading wants the headers alone; the copy itself is read after it.
      proxy.cut({ request: copyGet, afterBytes: 1500, times: 2 });
      expect((await bench.run('b.db', changes)).start).toEqual({ kind: 'restore', why: 'missing' });
      proxy.cut({ request: copyGet, afterBytes: 1500, times: 99 });
      await expect(bench.run('c.db', changes)).rejects.toMatchObject({
        code: 'BACKUP_UNREACHABLE',
        exitCode: 75,
      });
      expect(existsSync(join(bench.folder, 'c.db'))).toBe(false);
      expect(bench.leftBeside('c.db')).toEqual([]);
    });

    it('keeps the state, and writes the copy next time, when it could not be written', async () => {
      await using proxy = await startCuttingProxy(s3.url);
      {
        const changes = { endpoint: proxy.url, clock: createHandClock({ sleeps: false }) };
        await using worker = await bench.open('a.db', changes);
        readOneMoreWindow(worker.state);
        proxy.cut({ request: copyPut, afterBytes: 'request', times: 99 });
        expect(await worker.backup.finish()).toMatchObject({
          kind: 'failed',
          error: {
            code: 'BACKUP_UNREACHABLE',
            retryable: true,
            message: expect.stringMatching(/s3:PutObject on s3:.* failed/) as string,
          },
        });
        expect(countRows(worker.state, 'windows')).toBe(1);
      }
      expect(await bench.readObject()).toBeNull();
      expect((await bench.run('a.db')).outcome).toMatchObject({ kind: 'written', generation: 1 });
      expect(bench.windowsIn('a.db')).toBe(2);
    });
  });

  describe('refused before anything is read or made', () => {
    const expectFailure = async (
      changes: Partial<BackupSettings>,
      expected: { readonly code: string; readonly message: RegExp },
    ): Promise<void> => {
      const failure = await openBackup(bench.toSettings('a.db', changes)).then(
        () => null,
        (error: unknown) => error as { readonly code: string; readonly message: string },
      );
      expect(failure?.message).toMatch(expected.message);
      expect(failure?.code).toBe(expected.code);
      expect(failure?.message).not.toContain(s3.keys.secretAccessKey);
      expect(readdirSync(bench.folder)).toEqual([]);
    };

    it('a wrong secret: the action, the object and what S3 says', async () => {
      useKeys({ ...s3.keys, secretAccessKey: 'wrong' });
      await expectFailure(
        {},
        {
          code: 'BACKUP_DENIED',
          message: /^s3:GetObject on s3:\/\/state\/.*\.lease was refused: SignatureDoesNotMatch/,
        },
      );
    });

    it('an unknown access key', async () => {
      useKeys({ ...s3.keys, accessKeyId: 'AKIANOBODY' });
      await expectFailure({}, { code: 'BACKUP_DENIED', message: /InvalidAccessKeyId/ });
    });

    it('keys that may only read', async () => {
      useKeys(s3.readOnlyKeys);
      await expectFailure(
        {},
        { code: 'BACKUP_DENIED', message: /s3:PutObject on .*\.lease was refused: AccessDenied/ },
      );
    });

    it('a missing bucket', async () => {
      await expectFailure(
        { bucket: 'nowhere' },
        { code: 'BACKUP_UNUSABLE', message: /bucket nowhere of SYNC_STATE_BACKUP does not exist/ },
      );
    });

    it('no credentials at all', async () => {
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, '');
      await expectFailure({}, { code: 'BACKUP_DENIED', message: /No AWS credentials were found/ });
    });

    it('nobody there', async () => {
      const clock = createHandClock({ sleeps: false });
      await expectFailure(
        { endpoint: 'http://127.0.0.1:1', clock },
        { code: 'BACKUP_UNREACHABLE', message: /s3:GetObject on .* failed: .*ECONNREFUSED/ },
      );
    });

    it.each(['ignores', 'refuses'] as const)('a store that %s conditions', async (manner) => {
      await using store = await startPlainStore(manner);
      await expectFailure(
        { endpoint: store.url },
        { code: 'BACKUP_UNUSABLE', message: /has no conditional writes/ },
      );
      expect([...store.objects.keys()].filter((path) => !path.endsWith('.lease'))).toEqual([]);
    });

    it('a lease that is none', async () => {
      const lease = { Bucket: bench.bucket, Key: `${bench.key}.lease` };
      await s3.client.send(new PutObjectCommand({ ...lease, Body: 'mine!' }));
      await expectFailure({}, { code: 'BACKUP_UNUSABLE', message: /\.lease is not a lease/ });
    });
  });
});
