import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTarget } from '../../src/mlflow/open-target.ts';
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
