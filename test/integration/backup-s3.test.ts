/** The copy of the state on a real S3 server: restored, kept, replaced, and never made of anything that is damaged. */
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openState } from '../../src/store/open-state.ts';
import {
  countRows,
  openBackupBench,
  putWindow,
  readOneMoreWindow,
  type BackupBench,
  type StoredCopy,
} from '../support/seaweed-backup-bench.ts';
import { startSeaweed, type SeaweedServer } from '../support/seaweed-server.ts';
import { describeWithSeaweed } from '../support/seaweed-suite.ts';

describeWithSeaweed('the copy of the state in S3', () => {
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

  const readCopy = async (): Promise<StoredCopy> => {
    const copy = await bench.readObject();
    if (copy === null) throw new Error('there is no copy');
    return copy;
  };

  it('gives a pod without a volume the state of the last run, again and again', async () => {
    expect(await bench.run('a.db')).toMatchObject({
      start: { kind: 'keep', why: 'no-backup' },
      outcome: { kind: 'written', generation: 1 },
    });
    expect(await bench.run('b.db')).toMatchObject({
      start: { kind: 'restore', why: 'missing' },
      outcome: { kind: 'written', generation: 2 },
    });
    expect(bench.windowsIn('b.db')).toBe(2);
    expect(bench.notices).toEqual([
      expect.stringContaining(`was restored from s3://${bench.bucket}/${bench.key}, generation 1`),
    ]);
    await bench.run('c.db');
    expect(bench.windowsIn('c.db')).toBe(3);
    expect(bench.leftBeside('c.db')).toEqual([]);
    // A file that was restored is no wider open than one that was made here.
    expect(statSync(join(bench.folder, 'c.db')).mode & 0o777).toBe(0o600);
  });

  it('lets a restored state be used at once, though its worker held the lease of the file', async () => {
    {
      await using worker = await bench.open('a.db');
      readOneMoreWindow(worker.state);
      worker.state.db.exec('UPDATE lease SET expires_ms = 9999999999999');
      await worker.backup.finish();
    }
    expect((await bench.run('b.db')).outcome.kind).toBe('written');
    expect(bench.windowsIn('b.db')).toBe(2);
  });

  it('keeps the file that the copy was made of, also when it went on since', async () => {
    await bench.run('a.db');
    expect((await bench.run('a.db')).start).toEqual({ kind: 'keep', why: 'own' });
    bench.runWithoutBackup('a.db');
    expect((await bench.run('a.db')).start).toEqual({ kind: 'keep', why: 'own' });
    expect(bench.windowsIn('a.db')).toBe(4);
  });

  it('takes the copy over an older file that was not used since', async () => {
    await bench.run('a.db');
    await bench.run('b.db');
    expect(await bench.run('a.db')).toMatchObject({
      start: { kind: 'restore', why: 'older' },
      outcome: { kind: 'written', generation: 3 },
    });
    expect(bench.windowsIn('a.db')).toBe(3);
    expect(bench.leftBeside('a.db')).toEqual([]);
  });

  it('refuses a fork, names the choices, and changes neither side', async () => {
    await bench.run('a.db');
    await bench.run('b.db');
    bench.runWithoutBackup('a.db');
    const before = await readCopy();
    await expect(bench.run('a.db')).rejects.toMatchObject({
      code: 'BACKUP_FORKED',
      exitCode: 2,
      message: expect.stringContaining('have gone on since generation 1') as string,
      hint: expect.stringMatching(/state file away .* backup away/) as string,
    });
    expect(bench.windowsIn('a.db')).toBe(2);
    expect(await readCopy()).toEqual(before);
  });

  it('keeps a file that is newer than a copy that was put back, and writes over that', async () => {
    await bench.run('a.db');
    const old = await readCopy();
    await bench.run('a.db');
    await bench.run('a.db');
    await bench.putObject(old);
    expect(await bench.run('a.db')).toMatchObject({
      start: { kind: 'keep', why: 'newer' },
      outcome: { kind: 'written', generation: 4 },
    });
    expect(bench.notices).toEqual([expect.stringContaining('is older than')]);
  });

  it('writes the copy anew when it was deleted', async () => {
    await bench.run('a.db');
    await s3.client.send(new DeleteObjectCommand({ Bucket: bench.bucket, Key: bench.key }));
    expect((await bench.run('a.db')).outcome).toMatchObject({ kind: 'written', generation: 2 });
  });

  it('goes on with the file when its worker died after the copy was written and before it knew', async () => {
    await bench.run('a.db');
    {
      await using worker = await bench.open('a.db');
      readOneMoreWindow(worker.state);
      for (const suffix of ['', '-wal']) {
        copyFileSync(join(bench.folder, `a.db${suffix}`), join(bench.folder, `dead.db${suffix}`));
      }
      expect(await worker.backup.finish()).toMatchObject({ kind: 'written', generation: 2 });
    }
    expect(await bench.run('dead.db')).toMatchObject({
      start: { kind: 'keep', why: 'own' },
      outcome: { kind: 'written', generation: 3 },
    });
    expect(bench.windowsIn('dead.db')).toBe(3);
  });

  it('copies a state that is being written, whole transactions only, before the run ends', async () => {
    await using worker = await bench.open('a.db', { intervalMs: 20 });
    const { state } = worker;
    // One row in each of two tables, always together: a copy that tears them apart is seen.
    const pair = state.db.transaction((n: number) => {
      putWindow(state, n);
      const session = String(n).padStart(2000, '0');
      state.db.prepare("INSERT INTO session_changes VALUES ('project', ?)").run(session);
    });
    let n = 0;
    let copy = await bench.readObject();
    while (Number(copy?.metadata['langfuse-mlflow-generation'] ?? 0) < 3) {
      for (let i = 0; i < 50; i += 1) pair((n += 1));
      await sleep(2);
      copy = await bench.readObject();
    }
    using other = openBackupBench(s3);
    await other.putObject(await readCopy());
    {
      await using restored = await other.open('b.db');
      expect(restored.backup.start).toEqual({ kind: 'restore', why: 'missing' });
      const windows = countRows(restored.state, 'windows');
      expect(windows).toBeGreaterThan(50);
      expect(countRows(restored.state, 'session_changes')).toBe(windows);
    }
  });

  it('does not replace a file that another process is using', async () => {
    await bench.run('a.db');
    await bench.run('b.db');
    using other = openState(join(bench.folder, 'a.db'));
    await expect(bench.run('a.db')).rejects.toMatchObject({
      code: 'STATE_BUSY',
      message: expect.stringContaining('open in another process') as string,
    });
    expect(countRows(other, 'windows')).toBe(1);
    expect(bench.leftBeside('a.db')).toEqual([]);
  });

  describe('a copy that can not be trusted is refused, and no file is made of it', () => {
    const expectRefused = async (message: RegExp): Promise<void> => {
      await expect(bench.run('b.db')).rejects.toMatchObject({
        code: 'BACKUP_UNUSABLE',
        exitCode: 2,
        message: expect.stringMatching(message) as string,
      });
      expect(existsSync(join(bench.folder, 'b.db'))).toBe(false);
      expect(bench.leftBeside('b.db')).toEqual([]);
    };

    it('one byte changed, cut short, packed anew, or other bytes', async () => {
      await bench.run('a.db');
      const { bytes, metadata } = await readCopy();
      const changed = bytes.slice();
      changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
      // Unpacks to the very same state: only the checksum tells that somebody had it in hand.
      const packedAnew = gzipSync(gunzipSync(bytes), { level: 1 });
      const texts = [bytes.slice(0, -20), new TextEncoder().encode('<html>'), packedAnew];
      for (const body of [changed, ...texts]) {
        await bench.putObject({ bytes: body, metadata });
        await expectRefused(/is damaged: it is not what (was written|its checksum was made of)/);
      }
    });

    it('another copy under the metadata of this one', async () => {
      await bench.run('a.db');
      const { bytes, metadata } = await readCopy();
      await bench.putObject({
        bytes,
        metadata: { ...metadata, 'langfuse-mlflow-generation': '2' },
      });
      await expectRefused(/holds another copy than its metadata says/);
    });

    it('an object of another program, or of a newer version', async () => {
      await bench.run('a.db');
      const { bytes, metadata } = await readCopy();
      await bench.putObject({ bytes, metadata: {} });
      await expectRefused(/is not a backup of this worker's state/);
      await bench.putObject({ bytes, metadata: { ...metadata, 'langfuse-mlflow-format': '2' } });
      await expectRefused(/newer version of this worker \(format 2\)/);
    });
  });

  it('does not write a damaged state over a good copy', async () => {
    const path = join(bench.folder, 'a.db');
    {
      using state = openState(path);
      const add = state.db.prepare("INSERT INTO session_changes VALUES ('project', ?)");
      for (let n = 0; n < 500; n += 1) add.run(String(n).padStart(2000, '0'));
    }
    await bench.run('a.db');
    const before = await readCopy();
    const bytes = readFileSync(path);
    bytes.fill(0xff, bytes.length - 100 * 4096, bytes.length - 90 * 4096);
    writeFileSync(path, bytes);
    expect((await bench.run('a.db')).outcome).toMatchObject({
      kind: 'failed',
      error: {
        code: 'STATE_UNUSABLE',
        message: expect.stringMatching(/damaged|not a readable/) as string,
      },
    });
    expect(await readCopy()).toEqual(before);
    expect(bench.leftBeside('a.db')).toEqual([]);
  });
});
