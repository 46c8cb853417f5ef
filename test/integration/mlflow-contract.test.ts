import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTarget } from '../../src/mlflow/open-target.ts';
import { createS3ArtifactWriter } from '../../src/mlflow/s3-artifacts.ts';
import { openCredentials } from '../../src/sagemaker/credentials.ts';
import { toManagedEndpoint } from '../../src/sagemaker/managed-endpoint.ts';
import { openSageMakerTarget } from '../../src/sagemaker/open-sagemaker-target.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { Target } from '../../src/sync/ports.ts';
import { createMlflowApi, type MlflowApi } from '../support/mlflow-api.ts';
import { declareRunContract } from '../support/mlflow-contract-runs.ts';
import { declareSearchContract } from '../support/mlflow-contract-search.ts';
import type { ContractSubject } from '../support/mlflow-contract-subject.ts';
import { startMlflowProxy } from '../support/mlflow-proxy.ts';
import { mlflowVersions } from '../support/mlflow-install.ts';
import { startMlflowServer, type MlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow } from '../support/mlflow-suite.ts';
import {
  appArn,
  describeWithManagedMlflow,
  startManagedMlflow,
  trackingServerArn,
  type ManagedMlflow,
} from '../support/sagemaker-double/managed-mlflow.ts';
import { readingS3 } from '../support/sagemaker-double/reading-s3.ts';

function countRows(file: string, runId: string, metric: string): number {
  const db = new Database(file, { readonly: true });
  try {
    const count = db.prepare('SELECT count(*) FROM metrics WHERE run_uuid = ? AND key = ?');
    return count.pluck().get(runId, metric) as number;
  } finally {
    db.close();
  }
}

const capabilitiesOf = {
  newest: [
    'artifact_proxy',
    'presigned_upload',
    'traces',
    'otlp_traces',
    'assessments',
    'logged_datasets',
    'search_is_null',
  ],
  old: ['artifact_proxy', 'logged_datasets'],
  // SageMaker has neither a proxy nor OTLP, whatever the MLflow behind its door has.
  managed: ['presigned_upload', 'traces', 'assessments', 'logged_datasets', 'search_is_null'],
};

/** Behind a gateway that hides the version, so that everything is asked for. */
async function openTargetOfUnknownVersion<T>(
  url: string,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  await using proxy = await startMlflowProxy(url);
  proxy.onRequest = ({ path }) => (path === '/version' ? { status: 403 } : 'pass');
  await using target = await openTarget({ ...settings, trackingUri: proxy.url });
  return await work(target);
}

const settings = { timeoutMs: 30_000, maxRetries: 2, clock: systemClock };

for (const version of mlflowVersions) {
  describeWithMlflow(`REST, MLflow ${version}`, [version], () => {
    let server: MlflowServer;
    let target: Target;
    let api: MlflowApi;
    beforeAll(async () => {
      server = await startMlflowServer({ version });
      api = createMlflowApi(server.url);
      target = await openTarget({ ...settings, trackingUri: server.url });
    });
    afterAll(async () => {
      await target?.[Symbol.asyncDispose]();
      await server?.stop();
    });

    const subject: ContractSubject = {
      target: () => target,
      countPoints: async (runId, metric) => (await api.getHistory(runId, metric)).length,
      readArtifact: ({ runId }, path) => api.downloadArtifact(runId, path),
    };
    declareRunContract(subject);
    declareSearchContract(subject);

    test('says what it is', () => {
      expect(target.description).toEqual({
        kind: 'rest',
        uri: server.url,
        version: server.version,
      });
    });

    test('tells what it can do, and asking writes nothing', async () => {
      const before = { ...target.traffic };
      const found = await target.capabilities.list();
      const there = found.filter(({ isThere }) => isThere === true).map(({ name }) => name);
      expect(there).toEqual(capabilitiesOf[version]);
      expect(found.filter(({ isThere }) => isThere === null)).toEqual([]);
      expect(target.traffic.writes).toBe(before.writes);
      // What the version rules out, asked for all the same: the server agrees.
      const asked = await openTargetOfUnknownVersion(server.url, (unknown) =>
        unknown.capabilities.list(),
      );
      expect(asked.map(({ name, isThere }) => ({ name, isThere }))).toEqual(
        found.map(({ name, isThere }) => ({ name, isThere })),
      );
    });
  });
}

for (const resource of ['mlflow-tracking-server', 'mlflow-app'] as const) {
  describeWithManagedMlflow(`SageMaker, ${resource}`, () => {
    const arn = resource === 'mlflow-app' ? appArn : trackingServerArn;
    let managed: ManagedMlflow;
    let target: Target;
    let api: MlflowApi;
    beforeAll(async () => {
      managed = await startManagedMlflow(arn);
      api = readingS3(createMlflowApi(managed.mlflow.url), managed);
      target = await openManagedTarget(managed, resource);
    }, 120_000);
    afterAll(async () => {
      await target?.[Symbol.asyncDispose]();
      await managed?.[Symbol.asyncDispose]();
    });

    const subject: ContractSubject = {
      target: () => target,
      countPoints: async (runId, metric) => (await api.getHistory(runId, metric)).length,
      readArtifact: ({ runId }, path) => api.downloadArtifact(runId, path),
      reachesS3: true,
    };
    declareRunContract(subject);
    declareSearchContract(subject);

    test('says what it is, and asks nobody for it', () => {
      expect(target.description).toEqual({ kind: 'rest', uri: arn, version: null });
    });

    test('tells what it can do, and asking writes nothing', async () => {
      const before = target.traffic.writes;
      const found = await target.capabilities.list();
      const there = found.filter(({ isThere }) => isThere === true).map(({ name }) => name);
      expect(there).toEqual(capabilitiesOf.managed);
      expect(target.traffic.writes).toBe(before);
    });

    test('took no request that was signed or routed wrongly', () => {
      expect(managed.rest.seen.length).toBeGreaterThan(100);
      expect(managed.rest.seen.filter(({ status }) => status === 403 || status >= 500)).toEqual([]);
    });
  });
}

/** With the signatures and the S3 writer that a worker has. */
async function openManagedTarget(
  managed: ManagedMlflow,
  resource: 'mlflow-tracking-server' | 'mlflow-app',
): Promise<Target> {
  const { arn, url } = managed.rest;
  const { keys, url: endpoint } = managed.s3;
  const region = 'us-east-1';
  const credentials = openCredentials({
    region,
    assumeRoleArn: null,
    clock: systemClock,
    openChain: () => Promise.resolve(() => Promise.resolve(keys)),
  });
  return openSageMakerTarget(
    { ...settings, trackingUri: arn },
    {
      endpoint: toManagedEndpoint({ arn, region, resource }, url),
      credentials,
      artifactWriters: {
        s3: createS3ArtifactWriter({
          region: () => Promise.resolve(region),
          endpoint,
          credentials: credentials.provider,
          identityText: credentials.identityText,
          kmsKeyId: null,
          expectedOwner: null,
          timeoutMs: settings.timeoutMs,
        }),
      },
    },
  );
}

describe('local store', () => {
  let folder: string;
  let target: Target;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'langfuse-mlflow-local-'));
    target = await openTarget({
      ...settings,
      trackingUri: `sqlite:///${join(folder, 'mlflow.db')}`,
    });
  });
  afterAll(async () => {
    await target?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const subject: ContractSubject = {
    target: () => target,
    countPoints: (runId, metric) =>
      Promise.resolve(countRows(join(folder, 'mlflow.db'), runId, metric)),
    readArtifact: ({ artifactUri }, path) => readFile(join(folder, artifactUri, path)),
  };
  declareRunContract(subject);
  declareSearchContract(subject);

  test('says what it is', () => {
    expect(target.description).toMatchObject({ kind: 'local', version: 'acf3f17fdcc7' });
  });
});
