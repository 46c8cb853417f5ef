/**
 * A target on MLflow's own SQLite file, with no server: `sqlite:///mlflow.db` and the artifacts beside it, as
 * `mlflow ui` started in that folder shows them.
 */
import { dirname } from 'node:path';
import type { Clock } from '../shared/clock.ts';
import type { StoredRun, Target } from '../sync/ports.ts';
import { createLocalCapabilities } from './capabilities.ts';
import { toDeletedExperiment } from './experiments.ts';
import { checkArtifactPath, readArtifact, selectArtifactWriter } from './artifact-uri.ts';
import { toMetricKey } from './keys.ts';
import { toExperimentName } from './limits.ts';
import { createLocalArtifactWriters } from './local-artifacts.ts';
import { parseSqliteUri } from './local-path.ts';
import { readMetricHistory, readRun, readRunPage, readRunsByKey } from './local-rows.ts';
import { openLocalSession } from './local-session.ts';
import { toStoredForm } from './stored-form.ts';
import {
  deleteRunRow,
  insertExperiment,
  insertRun,
  readExperiment,
  updateRunRow,
  upsertExperimentTag,
  writeBatch,
} from './local-writes.ts';

export interface LocalSettings {
  /** `sqlite:///mlflow.db` (in this folder) or `sqlite:////absolute/path`. */
  readonly trackingUri: string;
  /** How long to wait for another program's lock. MLflow itself waits 20 s. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

const pageSize = 500;

/**
 * Opens the store; the file is made on the first write. Throws SETTINGS_INVALID on another kind of URI,
 * MLFLOW_STORE_UNKNOWN on a file that is not known (and leaves it as it is), MLFLOW_STORE_BUSY,
 * MLFLOW_STORE_DISK.
 */
export async function openLocalTarget(settings: LocalSettings): Promise<Target> {
  const path = parseSqliteUri(settings.trackingUri);
  const session = await openLocalSession({
    path,
    busyTimeoutMs: settings.timeoutMs,
    clock: settings.clock,
    signal: settings.signal,
  });
  const artifactWriters = createLocalArtifactWriters(dirname(path));
  let requests = 0;
  let writes = 0;
  const countRead = (): void => {
    requests += 1;
  };
  const countWrite = (): void => {
    requests += 1;
    writes += 1;
  };

  return {
    description: {
      kind: 'local',
      uri: settings.trackingUri.trim(),
      get version() {
        return session.schema?.revision ?? null;
      },
    },
    capabilities: createLocalCapabilities(),
    traffic: {
      get requests() {
        return requests;
      },
      get writes() {
        return writes;
      },
      get retries() {
        return session.waits;
      },
      slowed: 0,
    },

    async findExperiment(rawName) {
      const name = toExperimentName(rawName);
      countRead();
      const found = await session.read((store) => readExperiment(store, name), null);
      return found?.isActive === true ? found.experiment : null;
    },

    async ensureExperiment(rawName) {
      const name = toExperimentName(rawName);
      countRead();
      let found = await session.read((store) => readExperiment(store, name), null);
      if (found === null) {
        countWrite();
        found = await session.write(
          // Another worker may have created it in between.
          (store) =>
            readExperiment(store, name) ?? insertExperiment(store, name, settings.clock.now()),
        );
      }
      if (!found.isActive) throw toDeletedExperiment(found.experiment);
      return found.experiment;
    },

    async setExperimentTag(tag) {
      countWrite();
      await session.write((store) => {
        upsertExperimentTag(store, tag);
      });
    },

    findRunsByKey(experimentId, keys) {
      countRead();
      return session.read((store) => readRunsByKey(store, { experimentId, keys }), []);
    },

    async *listRuns(experimentId) {
      let afterRunId = '';
      for (;;) {
        countRead();
        const query = { experimentId, afterRunId, limit: pageSize };
        const page: StoredRun[] = await session.read((store) => readRunPage(store, query), []);
        yield* page;
        const last = page.at(-1);
        if (last === undefined || page.length < pageSize) return;
        afterRunId = last.runId;
      }
    },

    getRun(runId) {
      countRead();
      return session.read((store) => readRun(store, runId), null);
    },

    metricHistory(runId, metric) {
      countRead();
      const key = toMetricKey(metric);
      return session.read((store) => readMetricHistory(store, { runId, key }), []);
    },

    getArtifact(artifact) {
      countRead();
      return readArtifact(artifactWriters, artifact);
    },

    toStoredForm,

    createRun(run) {
      countWrite();
      return session.write((store) => insertRun(store, run));
    },

    async logBatch(batch) {
      if (batch.metrics.length === 0 && isEmpty(batch.params) && isEmpty(batch.tags)) return;
      countWrite();
      await session.write((store) => writeBatch(store, batch));
    },

    async putArtifact({ run, path: artifactPath, body, contentType }) {
      checkArtifactPath(artifactPath);
      const writer = selectArtifactWriter(artifactWriters, run);
      countWrite();
      await writer.put({ run, path: artifactPath, body, contentType });
    },

    async updateRun(update) {
      countWrite();
      await session.write((store) => updateRunRow(store, update));
    },

    async deleteRun(runId) {
      countWrite();
      await session.write((store) => deleteRunRow(store, { runId, nowMs: settings.clock.now() }));
    },

    batched: (work) => session.batched(work),

    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
  return Object.keys(record).length === 0;
}
