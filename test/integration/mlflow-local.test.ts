import { cp, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLocalTarget } from '../../src/mlflow/local-target.ts';
import { renderLoggedArtifacts } from '../../src/mlflow/limits.ts';
import { systemClock } from '../../src/shared/clock.ts';
import type { RunRef, Target } from '../../src/sync/ports.ts';
import { createMlflowApi, type ApiRun, type MlflowApi } from '../support/mlflow-api.ts';
import { aKey, collect } from '../support/mlflow-contract-subject.ts';
import { mlflowProgram, run as runProgram, type MlflowVersion } from '../support/mlflow-install.ts';
import { readStructure } from '../support/mlflow-schema.ts';
import { quietMlflowEnv, startMlflowServer } from '../support/mlflow-server.ts';
import { describeWithMlflow, requireMlflow } from '../support/mlflow-suite.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'langfuse-mlflow-local-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const startMs = Date.UTC(2026, 10, 24);
const table = JSON.stringify({ columns: ['model', 'cost'], data: [['gpt-4o', 0.1]] });

function open(at = folder): Promise<Target> {
  return openLocalTarget({
    trackingUri: `sqlite:///${join(at, 'mlflow.db')}`,
    timeoutMs: 20_000,
    clock: systemClock,
  });
}

/** A Python program against the store in the folder, as a user would write one. */
async function python(version: MlflowVersion, program: string): Promise<string> {
  const { code, stdout, stderr } = await runProgram(
    mlflowProgram(requireMlflow(version), 'python'),
    ['-c', program],
    {
      cwd: folder,
      env: { ...process.env, ...quietMlflowEnv },
    },
  );
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}

const makeStoreInPython = `
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
SqlAlchemyStore("sqlite:///mlflow.db", "./artifacts")
`;

interface Written {
  readonly experimentId: string;
  readonly parent: RunRef;
  readonly child: RunRef;
}

/** A window run with a model run below it, with everything that a run can have. */
async function writeWindow(target: Target, window: string): Promise<Written> {
  const { experimentId } = await target.ensureExperiment('litellm-monitoring');
  return target.batched(async () => {
    const parent = await target.createRun({
      experimentId,
      name: window,
      startMs,
      tags: {
        'langfuse_mlflow.key': aKey(window),
        'mlflow.user': 'worker',
        'mlflow.source.name': 'langfuse-mlflow-sync',
        'mlflow.source.type': 'JOB',
      },
    });
    const child = await target.createRun({
      experimentId,
      name: `gpt-4o ${window}`,
      startMs: startMs + 1,
      tags: { 'langfuse_mlflow.key': aKey(`model ${window}`), 'mlflow.parentRunId': parent.runId },
    });
    for (const step of [0, 1]) {
      await target.logBatch({
        runId: child.runId,
        params: { model: 'gpt-4o', unicode: 'ü 日本 😀' },
        metrics: [
          { key: 'cost_usd', value: 0.1 + step * 0.2, step, timestampMs: startMs + step },
          { key: 'latency_ms/p95', value: 1500, step, timestampMs: startMs },
          { key: 'gone', value: step === 0 ? 1 : Number.NaN, step, timestampMs: startMs },
        ],
        tags: { 'mlflow.loggedArtifacts': renderLoggedArtifacts(['requests.json']) },
      });
    }
    await target.putArtifact({
      run: child,
      path: 'requests.json',
      body: Buffer.from(table),
      contentType: 'application/json',
    });
    await target.putArtifact({
      run: child,
      path: 'sessions/a b.md',
      body: Buffer.from('# ü'),
      contentType: 'text/markdown',
    });
    await target.updateRun({ runId: child.runId, status: 'FINISHED', endMs: startMs + 5 });
    await target.updateRun({ runId: parent.runId, status: 'FINISHED', endMs: startMs + 10 });
    return { experimentId, parent, child };
  });
}

/** What MLflow's API must say of it. */
async function expectWindow(api: MlflowApi, written: Written, window: string): Promise<void> {
  const runs = await api.searchRuns(
    written.experimentId,
    `tags."langfuse_mlflow.key" = '${aKey(window)}'`,
  );
  expect(runs).toEqual([
    {
      runId: written.parent.runId,
      name: window,
      status: 'FINISHED',
      startMs,
      endMs: startMs + 10,
      artifactUri: written.parent.artifactUri,
      tags: {
        'langfuse_mlflow.key': aKey(window),
        'mlflow.runName': window,
        'mlflow.user': 'worker',
        'mlflow.source.name': 'langfuse-mlflow-sync',
        'mlflow.source.type': 'JOB',
      },
      params: {},
      metrics: {},
    } satisfies ApiRun,
  ]);
  const children = await api.searchRuns(
    written.experimentId,
    `tags.\`mlflow.parentRunId\` = '${written.parent.runId}'`,
  );
  expect(children).toMatchObject([
    {
      runId: written.child.runId,
      name: `gpt-4o ${window}`,
      params: { model: 'gpt-4o', unicode: 'ü 日本 😀' },
      metrics: { cost_usd: 0.1 + 0.2, 'latency_ms/p95': 1500, gone: 'NaN' },
    },
  ]);
  expect(await api.getHistory(written.child.runId, 'cost_usd')).toEqual([
    { value: 0.1, step: 0, timestampMs: startMs },
    { value: 0.1 + 0.2, step: 1, timestampMs: startMs + 1 },
  ]);
  expect(await api.listArtifacts(written.child.runId)).toEqual(['requests.json', 'sessions']);
  expect((await api.downloadArtifact(written.child.runId, 'requests.json')).toString()).toBe(table);
  expect((await api.downloadArtifact(written.child.runId, 'sessions/a b.md')).toString()).toBe(
    '# ü',
  );
}

function readRevision(): string {
  const db = new Database(join(folder, 'mlflow.db'), { readonly: true });
  try {
    return db.prepare('SELECT version_num FROM alembic_version').pluck().get() as string;
  } finally {
    db.close();
  }
}

describeWithMlflow('a local store and MLflow 2.10', ['old'], () => {
  test('a new store has the very tables, keys and indexes that MLflow 2.10 makes', async () => {
    await python('old', makeStoreInPython);
    const made = readStructure(join(folder, 'mlflow.db'));
    await rename(join(folder, 'mlflow.db'), join(folder, 'made.db'));
    await using target = await open();
    await target.ensureExperiment('mine');
    expect(Object.keys(made)).toHaveLength(16);
    expect(made.runs?.checks).toHaveLength(3);
    expect(readStructure(join(folder, 'mlflow.db'))).toEqual(made);
    expect(readRevision()).toBe('acf3f17fdcc7');
  });

  test('mlflow server 2.10 shows what was written', async () => {
    await using target = await open();
    const written = await writeWindow(target, '2026-11-24');
    await using server = await startMlflowServer({ version: 'old', cwd: folder });
    await expectWindow(createMlflowApi(server.url), written, '2026-11-24');
    expect(readRevision()).toBe('acf3f17fdcc7');
  });
});

describeWithMlflow('a local store and the newest MLflow', ['newest'], () => {
  test('mlflow ui in the folder upgrades it by itself and shows everything; the worker goes on writing meanwhile', async () => {
    await using target = await open();
    const first = await writeWindow(target, '2026-11-23');
    await target[Symbol.asyncDispose]();

    await using server = await startMlflowServer({ version: 'newest', command: 'ui', cwd: folder });
    const api = createMlflowApi(server.url);
    await expectWindow(api, first, '2026-11-23');
    expect(await api.findExperimentId('Default')).toBe('0');
    expect(readRevision()).not.toBe('acf3f17fdcc7');

    // The server stays up and keeps reading while the upgraded file is written to.
    await using again = await open();
    expect(again.description.version).toBe(readRevision());
    const second = await writeWindow(again, '2026-11-24');
    const later = { key: 'cost_usd', value: 7, step: 2, timestampMs: startMs + 2 };
    await again.logBatch({ runId: first.child.runId, metrics: [later], params: {}, tags: {} });
    await expectWindow(api, second, '2026-11-24');
    const [corrected] = await api.searchRuns(
      first.experimentId,
      `attributes.run_id = '${first.child.runId}'`,
    );
    expect(corrected?.metrics.cost_usd).toBe(7);
    expect(await api.searchRuns(first.experimentId)).toHaveLength(4);
    expect(await collect(again.listRuns(first.experimentId))).toHaveLength(4);
  });

  test('Python reads it without a server, and so it does from where the folder is moved to', async () => {
    const target = await open();
    const { child } = await writeWindow(target, '2026-11-24');
    await target[Symbol.asyncDispose]();
    const program = `
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
run = mlflow.get_run("${child.runId}")
print(run.data.metrics["cost_usd"], run.data.params["model"])
print(open(mlflow.artifacts.download_artifacts(run_id="${child.runId}", artifact_path="requests.json")).read())
print(mlflow.MlflowClient().list_artifacts("${child.runId}", "sessions")[0].path)
with mlflow.start_run():
    mlflow.log_metric("m", 1)
`;
    const expected = `${0.1 + 0.2} gpt-4o\n${table}\nsessions/a b.md`;
    expect(await python('newest', program)).toBe(expected);
    const moved = `${folder}-moved`;
    await cp(folder, moved, { recursive: true });
    await rm(folder, { recursive: true });
    folder = moved;
    expect(await python('newest', program)).toBe(expected);
  });

  test('a store that MLflow made itself is written to, also where its experiments keep their own artifact location', async () => {
    const made = await startMlflowServer({ version: 'newest', cwd: folder });
    const answer = await fetch(`${made.url}/api/2.0/mlflow/experiments/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'litellm-monitoring' }),
    });
    expect(answer.status).toBe(200);
    await made.stop();

    const target = await open();
    const experiment = await target.ensureExperiment('litellm-monitoring');
    expect(experiment.artifactLocation).toMatch(/^mlflow-artifacts:\/\d+$/);
    const written = await writeWindow(target, '2026-11-24');
    const own = await target.ensureExperiment('made by the worker');
    expect(Number(own.experimentId)).toBe(Number(experiment.experimentId) + 1);
    await target[Symbol.asyncDispose]();

    await using server = await startMlflowServer({ version: 'newest', cwd: folder });
    await expectWindow(createMlflowApi(server.url), written, '2026-11-24');
  });

  test("runs that a user makes in the same store are not taken for the worker's", async () => {
    const target = await open();
    const { experimentId } = await writeWindow(target, '2026-11-24');
    await target[Symbol.asyncDispose]();
    await using server = await startMlflowServer({ version: 'newest', cwd: folder });
    const answer = await fetch(`${server.url}/api/2.0/mlflow/runs/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ experiment_id: experimentId, start_time: 1, run_name: 'by hand' }),
    });
    expect(answer.status).toBe(200);
    await using again = await open();
    expect(await collect(again.listRuns(experimentId))).toHaveLength(2);
    expect(await createMlflowApi(server.url).searchRuns(experimentId)).toHaveLength(3);
  });
});
