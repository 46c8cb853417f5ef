/** A real S3 server on loopback that checks keys and signatures, in a folder of its own, stopped for sure. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import { findFreePort } from './mlflow-server.ts';

export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface SeaweedServer extends AsyncDisposable {
  readonly url: string;
  /** Of one who may do everything in every bucket. */
  readonly keys: S3Keys;
  /** Of one who may only read and list. */
  readonly readOnlyKeys: S3Keys;
  /** A client of the test's own, with the keys of one who may do everything. There is a bucket `state`. */
  readonly client: S3Client;
}

const keys: S3Keys = { accessKeyId: 'AKIATESTWORKER', secretAccessKey: 'secret-of-the-worker' };
const readOnlyKeys: S3Keys = {
  accessKeyId: 'AKIATESTREADER',
  secretAccessKey: 'secret-of-a-reader',
};

const identities = [
  { name: 'worker', credentials: [toCredential(keys)], actions: ['Admin'] },
  { name: 'reader', credentials: [toCredential(readOnlyKeys)], actions: ['Read', 'List'] },
];

const startTimeoutMs = 60_000;

/** Starts a server on free ports and waits until it takes objects. Throws with the end of its log when it does not. */
export async function startSeaweed(): Promise<SeaweedServer> {
  const { folder, problem } = inject('seaweed');
  if (folder === null) throw new Error(problem);
  const cwd = await mkdtemp(join(tmpdir(), 'langfuse-mlflow-s3-'));
  const logFile = join(cwd, 'server.log');
  const config = join(cwd, 's3.json');
  writeFileSync(config, JSON.stringify({ identities }));
  const port = await findFreePort();
  const log = openSync(logFile, 'a');
  const ports = await choosePorts();
  const child = spawn(join(folder, 'bin', 'weed'), toArguments({ cwd, config, port, ports }), {
    cwd,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killAtExit);

  const url = `http://127.0.0.1:${port}`;
  const client = new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: keys,
    maxAttempts: 1,
  });
  const stop = async (): Promise<void> => {
    client.destroy();
    // It waits long for its own parts when it is asked to end, and nothing of it is needed any more.
    child.kill('SIGKILL');
    while (!hasEnded(child)) await sleep(20);
    process.removeListener('exit', killAtExit);
    // These are where no flag reaches, and would stay.
    for (const { part, number } of ports) {
      await rm(join(tmpdir(), `seaweedfs-${part}-${number}.sock`), { force: true });
    }
    await rm(cwd, { recursive: true, force: true });
  };
  try {
    await waitUntilReady(child, () => client.send(new CreateBucketCommand({ Bucket: 'state' })));
    return { url, keys, readOnlyKeys, client, [Symbol.asyncDispose]: stop };
  } catch (error) {
    const text = readFileSync(logFile, 'utf8');
    await stop();
    throw new Error(`weed did not start:\n${text.slice(-4000)}`, { cause: error });
  }
}

interface PartPort {
  /** `filer` or, for its gRPC twin, `filer-grpc`. */
  readonly part: string;
  readonly number: number;
}

/** Every part of the server and its twin needs a port, also those that are not used here. */
async function choosePorts(): Promise<PartPort[]> {
  const ports: PartPort[] = [];
  for (const part of [
    'master',
    'volume',
    'filer',
    'master-grpc',
    'volume-grpc',
    'filer-grpc',
    's3-grpc',
  ])
    ports.push({ part, number: await findFreePort() });
  return ports;
}

function toArguments(place: {
  readonly cwd: string;
  readonly config: string;
  readonly port: number;
  readonly ports: readonly PartPort[];
}): string[] {
  const ports = place.ports.map(({ part, number }) => {
    const [name, twin] = part.split('-');
    return `-${name}.port${twin === undefined ? '' : `.${twin}`}=${number}`;
  });
  return [
    '-logtostderr=true',
    'server',
    `-dir=${place.cwd}`,
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    ...ports,
    '-filer',
    '-s3',
    `-s3.port=${place.port}`,
    `-s3.config=${place.config}`,
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    `-filer.localSocket=${join(place.cwd, 'filer.sock')}`,
    `-s3.localSocket=${join(place.cwd, 's3.sock')}`,
    '-master.telemetry=false',
    '-master.volumeSizeLimitMB=64',
    '-volume.max=32',
    '-volume.minFreeSpacePercent=1',
  ];
}

async function waitUntilReady(child: ChildProcess, attempt: () => Promise<unknown>): Promise<void> {
  const giveUpAt = Date.now() + startTimeoutMs;
  for (;;) {
    if (hasEnded(child)) throw new Error(`it ended with code ${child.exitCode}`);
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
    }
    await sleep(200);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function toCredential(of: S3Keys): { accessKey: string; secretKey: string } {
  return { accessKey: of.accessKeyId, secretKey: of.secretAccessKey };
}
