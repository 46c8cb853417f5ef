/** Pods without a volume, as processes: each begins without a state file, and MLflow ends as after one worker. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { startCli, type CliEnd } from '../cli/built-cli.ts';
import { dayName, days, expectNoSecret, openWorkplace, type Workplace } from '../cli/workplace.ts';
import { startCuttingProxy } from '../support/seaweed-proxy.ts';
import { startSeaweed, type S3Keys, type SeaweedServer } from '../support/seaweed-server.ts';
import { describeWithSeaweed } from '../support/seaweed-suite.ts';

interface Summary {
  readonly windows: { readonly planned: number; readonly read: number };
  readonly runs: { readonly created: number; readonly updated: number };
  readonly mlflow: { readonly writes: number };
  readonly backup: {
    readonly url: string;
    readonly generation?: number;
    readonly lease_taken_from?: string | null;
    readonly error?: { readonly code: string; readonly message: string };
  };
}

describeWithSeaweed('pods without a volume', () => {
  let s3: SeaweedServer;
  let place: Workplace;
  let pods = 0;

  beforeAll(async () => {
    s3 = await startSeaweed();
  });
  afterAll(() => s3[Symbol.asyncDispose]());
  beforeEach(async () => {
    place = await openWorkplace();
  });
  afterEach(() => place[Symbol.asyncDispose]());

  /** Settings of a pod; the folder of its state file is new and empty. */
  async function startPod(changes: Readonly<Record<string, string>> = {}): Promise<Pod> {
    pods += 1;
    const folder = join(place.path, `pod-${pods}`);
    await mkdir(folder);
    return {
      folder,
      env: {
        ...place.env,
        SYNC_STATE_FILE: join(folder, 'state.db'),
        SYNC_STATE_BACKUP: `s3://state/${place.path.split('/').at(-1)}/state.db.gz`,
        AWS_ENDPOINT_URL_S3: s3.url,
        ...toEnv(s3.keys),
        ...changes,
      },
    };
  }

  interface Pod {
    readonly folder: string;
    readonly env: Readonly<Record<string, string>>;
  }

  const run = async (pod: Pod, args: readonly string[] = ['sync', '--json']): Promise<CliEnd> => {
    const end = await place.run(args, pod.env);
    expectNoSecret(end);
    expect(`${end.stdout}${end.stderr}`).not.toContain(s3.keys.secretAccessKey);
    return end;
  };
  const summaryOf = (end: CliEnd): Summary => JSON.parse(end.stdout) as Summary;
  const readMlflow = (): Buffer => readFileSync(join(place.path, 'mlflow.db'));

  it('the next one goes on where the last one ended, and publishes nothing twice', async () => {
    const first = await startPod();
    const firstEnd = await run(first);
    expect(firstEnd.code).toBe(0);
    expect(summaryOf(firstEnd)).toMatchObject({
      windows: { planned: days, read: days },
      backup: { url: first.env['SYNC_STATE_BACKUP'], generation: 1 },
    });
    expect(summaryOf(firstEnd).runs.created).toBeGreaterThan(0);
    await rm(first.folder, { recursive: true });
    const mlflow = readMlflow();

    const secondEnd = await run(await startPod());
    expect(secondEnd.code).toBe(0);
    expect(summaryOf(secondEnd)).toMatchObject({
      runs: { created: 0, updated: 0 },
      mlflow: { writes: 0 },
      backup: { generation: 2 },
    });
    expect(secondEnd.stderr).toMatch(/was restored from s3:\/\/state\/.*, generation 1\./);
    expect(readMlflow().equals(mlflow)).toBe(true);
  });

  it('says where its copy is, for people', async () => {
    const end = await run(await startPod(), ['sync']);
    expect(end.stdout).toMatch(/\nBackup {4}generation 1 in s3:\/\/state\/.*, \d+\.\d MB\n$/);
  });

  it('one whose copy could not be written ends with 75, its runs stand, and nothing is doubled later', async () => {
    await using proxy = await startCuttingProxy(s3.url);
    proxy.cut({ request: /^PUT .*state\.db\.gz\?/, afterBytes: 'request', times: 99 });
    const first = await startPod({ AWS_ENDPOINT_URL_S3: proxy.url });
    const end = await run(first);
    expect(end.code).toBe(75);
    const summary = summaryOf(end);
    expect(summary.windows).toMatchObject({ read: days });
    expect(summary.runs.created).toBeGreaterThan(0);
    expect(summary.backup.error).toMatchObject({ code: 'BACKUP_UNREACHABLE' });
    const mlflow = readMlflow();

    const forPeople = await run(first, ['sync']);
    expect(forPeople.code).toBe(75);
    expect(forPeople.stdout).toMatch(/\nBACKUP {4}the copy of the state in s3:.* is behind: /);
    expect(forPeople.stdout).toContain('nothing in MLflow is lost');
    expect(forPeople.stdout).toMatch(/\n {2}next: {3}Check that the S3 of SYNC_STATE_BACKUP/);

    proxy.heal();
    const healed = await run(first);
    expect(healed.code).toBe(0);
    expect(summaryOf(healed)).toMatchObject({ mlflow: { writes: 0 }, backup: { generation: 1 } });
    expect(readMlflow().equals(mlflow)).toBe(true);
  });

  it('a second one beside the first ends with 75 and writes nothing; the first, told to stop, keeps its copy', async () => {
    place.server.setFaults([slowDay(1)]);
    const first = await startPod();
    const sync = startCli({ args: ['sync'], cwd: place.path, env: first.env });
    await sync.said(`${dayName(0)}: runs`);
    const mlflow = readMlflow();

    const second = await startPod();
    const refused = await run(second);
    expect(refused.code).toBe(75);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: {
        code: 'STATE_BUSY',
        message: expect.stringMatching(
          /^Another worker \(.* \(process \d+\)\) is using the backup/,
        ),
      },
    });
    expect(existsSync(join(second.folder, 'state.db'))).toBe(false);
    expect(readMlflow().equals(mlflow)).toBe(true);

    sync.child.kill('SIGTERM');
    const stopped = await sync.ended;
    expect(stopped.code).toBe(143);
    expect(stopped.stdout).toMatch(/\nBackup {4}generation 1 in s3:/);
    await rm(first.folder, { recursive: true });

    place.server.setFaults([]);
    const end = await run(await startPod());
    expect(end.code).toBe(0);
    const summary = summaryOf(end);
    expect(summary.windows.read).toBe(days);
    expect(summary.backup.generation).toBe(2);
  });

  it('one that was killed is waited for until its lease has run out, and then nothing is doubled', async () => {
    const aDay = { SYNC_SETTLE: `${Number.parseInt(place.env['SYNC_SETTLE'] ?? '', 10) + 2880}m` };
    expect((await run(await startPod(aDay))).code).toBe(0);
    place.server.setFaults([slowDay(2)]);
    const killed = await startPod();
    const sync = startCli({ args: ['sync'], cwd: place.path, env: killed.env });
    while (!place.server.requests.some((request) => slowDay(2).when(request))) await sleep(20);
    sync.child.kill('SIGKILL');
    await sync.ended;
    await rm(killed.folder, { recursive: true });
    place.server.setFaults([]);

    const early = await run(await startPod());
    expect(early.code).toBe(75);
    const { error } = JSON.parse(early.stdout) as { error: { message: string; next: string } };
    const [, holder = '', left] =
      /^Another worker \((.*)\) is using the backup .*; its lease runs out in (\d+) s unless/.exec(
        error.message,
      ) ?? [];
    expect(holder).toContain(`(process ${sync.child.pid})`);
    expect(Number(left)).toBeGreaterThan(0);
    expect(Number(left)).toBeLessThanOrEqual(121);
    expect(error.next).toContain('or for the lease of one that died to run out, and run again');

    await outliveLease(killed, holder);
    const late = await run(await startPod());
    expect(late).toMatchObject({ code: 0 });
    expect(summaryOf(late).backup).toMatchObject({ generation: 2, lease_taken_from: holder });
    const after = await run(await startPod(), ['verify', '--json']);
    expect(JSON.parse(after.stdout)).toMatchObject({ clean: true, langfuse: { windows: days } });
  });

  /** As if two minutes had passed: the lease counts from the moment at which the store wrote it. */
  async function outliveLease(pod: Pod, holder: string): Promise<void> {
    const [, bucket, key] = /^s3:\/\/(\w+)\/(.*)$/.exec(pod.env['SYNC_STATE_BACKUP'] ?? '') ?? [];
    const text = JSON.stringify({ holder, lease_ms: 1000, is_released: false });
    const object = { Bucket: bucket, Key: `${key}.lease`, Body: `${text}\n` };
    await s3.client.send(new PutObjectCommand(object));
    await sleep(3100);
  }

  it('doctor says what the copy is, and whether it could be written', async () => {
    const pod = await startPod();
    const before = await run(pod, ['doctor']);
    expect(before.stdout).toMatch(/\nok {4}state {5}backup .* does not exist yet; .* lease can be/);
    await run(pod);
    const after = await run(pod, ['doctor']);
    expect(after).toMatchObject({ code: 0 });
    // The keys are SeaweedFS's: AWS is not asked whose they are.
    expect(after.stdout).not.toContain('identity');
    expect(after.stdout).toMatch(/backup .* holds generation 1, written \d min ago; its lease can/);
    const denied = await run(await startPod(toEnv(s3.readOnlyKeys)), ['doctor']);
    expect(denied.code).toBe(2);
    expect(denied.stdout).toMatch(/\nFAIL {2}state {5}backup .*s3:PutObject on .* AccessDenied/);
  });

  it('the demo never touches the copy of the real state, also when --env-file tells of it', async () => {
    const pod = await startPod();
    const names = Object.keys(pod.env).filter((name) => name.startsWith('SYNC_STATE_'));
    const lines = names.map((name) => `${name}=${pod.env[name] ?? ''}`);
    writeFileSync(join(place.path, 'real.env'), lines.join('\n'));
    const kept = Object.entries(pod.env).filter(([name]) => !names.includes(name));
    const demo = { folder: pod.folder, env: Object.fromEntries(kept) };
    expect((await run(demo, ['demo', '--env-file', 'real.env', '--json'])).code).toBe(0);
    expect((await run(pod, ['doctor'])).stdout).toMatch(/backup .* does not exist yet/);
  });

  it('one with a wrong key ends with 2 before a file is made', async () => {
    const pod = await startPod({ AWS_SECRET_ACCESS_KEY: 'wrong' });
    const end = await run(pod, ['sync']);
    expect(end.code).toBe(2);
    expect(end.stderr).toMatch(
      /error: s3:GetObject on s3:\/\/state\/.* was refused: SignatureDoes/,
    );
    expect(end.stderr).toMatch(/next: {2}Check the AWS credentials/);
    expect(existsSync(join(pod.folder, 'state.db'))).toBe(false);
  });
});

const toEnv = (keys: S3Keys): Readonly<Record<string, string>> => ({
  AWS_ACCESS_KEY_ID: keys.accessKeyId,
  AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
});

/** Answers about that day take so long that the run can be met in the middle of it. */
const slowDay = (index: number) =>
  ({
    kind: 'delay',
    delayMs: 60_000,
    path: '/api/public/v2/observations',
    when: (request: { readonly query: URLSearchParams }) =>
      (request.query.get('fromStartTime') ?? '').startsWith(dayName(index)),
  }) as const;
