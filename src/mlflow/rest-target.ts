/** A target on an MLflow tracking server, over its REST API 2.0. */
import { AppError } from '../shared/errors.ts';
import type { LogBatch, StoredRun, Target } from '../sync/ports.ts';
import { checkArtifactPath, selectArtifactWriter, type ArtifactWriters } from './artifact-uri.ts';
import {
  toCreateRunBody,
  toLogBatchChunks,
  toParamPairs,
  toTagPairs,
  toUpdateRunBody,
  toWireMetrics,
  type LogBatchBody,
  type WirePair,
} from './bodies.ts';
import { toExperimentName } from './limits.ts';
import { createProxyArtifactWriter } from './proxy-artifacts.ts';
import { createHeaderAuthoriser, type Authoriser } from './rest-auth.ts';
import { openRestClient, type Call, type RestClient } from './rest-client.ts';
import { toDeletedExperiment, type FoundExperiment } from './experiments.ts';
import { toMissingParams } from './params.ts';
import { isParamRefusal } from './rest-errors.ts';
import { createRunSearch } from './rest-search.ts';
import type { RestSettings } from './rest-settings.ts';
import { parseTrackingUrl, toUrl } from './tracking-url.ts';
import {
  createExperimentAnswer,
  emptyAnswer,
  experimentAnswer,
  runAnswer,
  toStoredRun,
} from './wire-schemas.ts';
import type { z } from 'zod';

/**
 * Opens a plain MLflow server: no, basic or bearer authorisation. Asks it once for its version.
 * Throws SETTINGS_INVALID, MLFLOW_UNREACHABLE or MLFLOW_AUTH.
 */
export async function openRestTarget(settings: RestSettings): Promise<Target> {
  const url = parseTrackingUrl(settings.trackingUri);
  const authoriser = createHeaderAuthoriser(
    {
      username: settings.username ?? url.username,
      password: settings.password ?? url.password,
      token: settings.token,
    },
    url.base,
  );
  return openRestTargetWith(settings, { base: url.base, targetText: url.text, authoriser });
}

export interface RestTargetParts {
  /** Where `/api/2.0/mlflow` lives. */
  readonly base: URL;
  /** The same for messages, without credentials. */
  readonly targetText: string;
  readonly authoriser: Authoriser;
  /** Writers for places beside the server's own proxy, e.g. `s3`. */
  readonly artifactWriters?: ArtifactWriters;
}

/** The same over another way to authorise requests and to put artifacts. */
export async function openRestTargetWith(
  settings: RestSettings,
  parts: RestTargetParts,
): Promise<Target> {
  const client = await openRestClient(settings, parts);
  try {
    const version = await readVersion(client, parts.base);
    return createRestTarget(client, { ...parts, version, timeoutMs: settings.timeoutMs });
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

/** The server's version, or null where it does not tell (managed servers). */
async function readVersion(client: RestClient, base: URL): Promise<string | null> {
  try {
    const answer = await client.send({
      what: 'ask for the version',
      method: 'GET',
      url: toUrl(base, 'version'),
      isWrite: false,
      isIdempotent: true,
    });
    return /^\d+\.\d+[\w.+-]{0,40}$/.exec(answer.text.trim())?.[0] ?? null;
  } catch (error) {
    const isSilent =
      error instanceof AppError &&
      (error.code === 'MLFLOW_UNEXPECTED' || error.code === 'MLFLOW_REJECTED');
    if (!isSilent) throw error;
    return null;
  }
}

function createRestTarget(
  client: RestClient,
  parts: RestTargetParts & { readonly version: string | null; readonly timeoutMs: number },
): Target {
  const toApiUrl = (path: string, query?: Record<string, string>): URL =>
    toUrl(parts.base, `api/2.0/mlflow/${path}`, query);
  const search = createRunSearch({ client, toApiUrl });
  const proxy = createProxyArtifactWriter({
    client,
    trackingBase: parts.base,
    timeoutMs: parts.timeoutMs,
  });
  const artifactWriters: ArtifactWriters = {
    'mlflow-artifacts': proxy,
    http: proxy,
    https: proxy,
    ...parts.artifactWriters,
  };

  const read = (what: string, path: string, query: Record<string, string>): Call => ({
    what,
    method: 'GET',
    url: toApiUrl(path, query),
    isWrite: false,
    isIdempotent: true,
  });
  const write = (what: string, path: string, body: object): Call => ({
    what,
    method: 'POST',
    url: toApiUrl(path),
    body: JSON.stringify(body),
    isWrite: true,
    isIdempotent: true,
  });

  async function findAnyExperiment(name: string): Promise<FoundExperiment | null> {
    const answer = await readOrNull(
      read(`find the experiment ${JSON.stringify(name)}`, 'experiments/get-by-name', {
        experiment_name: name,
      }),
      experimentAnswer,
    );
    if (answer === null) return null;
    const {
      experiment_id: experimentId,
      artifact_location: artifactLocation,
      lifecycle_stage,
    } = answer.experiment;
    return {
      experiment: { experimentId, name: answer.experiment.name, artifactLocation },
      isActive: lifecycle_stage === 'active',
    };
  }

  /** The answer, or null where MLflow says that the thing does not exist. */
  async function readOrNull<Schema extends z.ZodType>(
    call: Call,
    schema: Schema,
  ): Promise<z.output<Schema> | null> {
    try {
      return await client.sendForJson(call, schema);
    } catch (error) {
      if (error instanceof AppError && error.details.errorCode === 'RESOURCE_DOES_NOT_EXIST')
        return null;
      throw error;
    }
  }

  async function getRun(runId: string): Promise<StoredRun | null> {
    const answer = await readOrNull(
      read(`read run ${runId}`, 'runs/get', { run_id: runId }),
      runAnswer,
    );
    return answer === null ? null : toStoredRun(answer.run);
  }

  async function sendBatch(body: LogBatchBody): Promise<void> {
    await client.sendForJson(
      write(`write to run ${body.run_id}`, 'runs/log-batch', body),
      emptyAnswer,
    );
  }

  return {
    description: { kind: 'rest', uri: parts.targetText, version: parts.version },
    traffic: client.traffic,

    async findExperiment(name) {
      const found = await findAnyExperiment(toExperimentName(name));
      return found?.isActive === true ? found.experiment : null;
    },

    async ensureExperiment(rawName) {
      const name = toExperimentName(rawName);
      const found = (await findAnyExperiment(name)) ?? (await createExperiment(name));
      if (!found.isActive) throw toDeletedExperiment(found.experiment);
      return found.experiment;
    },

    listRuns: (experimentId) => search.scan(experimentId),
    findRunsByKey: (experimentId, keys) => search.findByKeys(experimentId, keys),
    getRun,

    async createRun(run) {
      const { body, remainingTags } = toCreateRunBody(run);
      const answer = await client.sendForJson(
        {
          ...write(`create the run ${JSON.stringify(body.run_name)}`, 'runs/create', body),
          isIdempotent: false,
        },
        runAnswer,
      );
      const created = toStoredRun(answer.run);
      if (created === null || created.artifactUri === '')
        throw toNotAsSent(body.run_name, ['state']);
      checkCreated(created, body);
      for (const chunk of toLogBatchChunks(created.runId, {
        params: [],
        metrics: [],
        tags: remainingTags,
      })) {
        await sendBatch(chunk);
      }
      return { runId: created.runId, artifactUri: created.artifactUri };
    },

    async logBatch(batch) {
      const rows = {
        params: toParamPairs(batch.params),
        metrics: toWireMetrics(batch.metrics),
        tags: toTagPairs(batch.tags),
      };
      let bodies = toLogBatchChunks(batch.runId, rows);
      while (bodies.length > 0) {
        const [body, ...rest] = bodies as [LogBatchBody, ...LogBatchBody[]];
        try {
          await sendBatch(body);
          bodies = rest;
        } catch (error) {
          const missing = await toMissingAfterRefusal(batch, { body, error });
          // Params are what MLflow writes first: nothing of this body has been written.
          bodies = [
            ...toLogBatchChunks(batch.runId, {
              params: missing,
              metrics: body.metrics ?? [],
              tags: body.tags ?? [],
            }),
            ...rest,
          ];
        }
      }
    },

    async putArtifact({ run, path, body, contentType }) {
      checkArtifactPath(path);
      await selectArtifactWriter(artifactWriters, run).put({ run, path, body, contentType });
    },

    async updateRun(update) {
      await client.sendForJson(
        write(`update run ${update.runId}`, 'runs/update', toUpdateRunBody(update)),
        emptyAnswer,
      );
    },

    async deleteRun(runId) {
      await client.sendForJson(
        write(`delete run ${runId}`, 'runs/delete', { run_id: runId }),
        emptyAnswer,
      );
    },

    batched: (work) => work(),

    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };

  /** Creates the experiment, or finds the one that another worker created in between (mlflow/mlflow#979). */
  async function createExperiment(name: string): Promise<FoundExperiment> {
    const call = write(`create the experiment ${JSON.stringify(name)}`, 'experiments/create', {
      name,
    });
    try {
      await client.sendForJson(call, createExperimentAnswer);
    } catch (error) {
      // Also after an answer that got lost: the name is unique, so what is found is what was meant.
      const found =
        error instanceof AppError && error.code === 'MLFLOW_REJECTED'
          ? await findAnyExperiment(name)
          : null;
      if (found !== null) return found;
      throw error;
    }
    const found = await findAnyExperiment(name);
    if (found === null) {
      throw new AppError(
        'MLFLOW_UNEXPECTED',
        `MLflow created the experiment ${JSON.stringify(name)} and then did not find it.`,
      );
    }
    return found;
  }

  /** The params to send again without those that are there already; throws what the refusal means otherwise. */
  async function toMissingAfterRefusal(
    batch: LogBatch,
    refused: { readonly body: LogBatchBody; readonly error: unknown },
  ): Promise<WirePair[]> {
    const { body, error } = refused;
    if (body.params === undefined || !isParamRefusal(error)) throw error;
    const run = await getRun(batch.runId);
    if (run === null) throw error;
    const missing = toMissingParams(run, body.params, error);
    // Nothing to leave out: the refusal is about something else.
    if (missing.length === body.params.length) throw error;
    return missing;
  }
}

/** Throws MLFLOW_UNEXPECTED when the server shows another run than the one it was sent: it dropped something silently. */
function checkCreated(
  created: StoredRun,
  sent: { run_name: string; start_time: number; tags: readonly WirePair[] },
): void {
  const wrong: string[] = [];
  if (created.startMs !== sent.start_time) wrong.push('start_time');
  // A compatible server may answer without data; one that shows tags must show all of them as sent.
  if (Object.keys(created.tags).length > 0) {
    wrong.push(
      ...sent.tags
        .filter(({ key, value }) => created.tags[key] !== value)
        .map(({ key }) => `tag ${key}`),
    );
  }
  if (wrong.length > 0) throw toNotAsSent(sent.run_name, wrong);
}

function toNotAsSent(runName: string, wrong: readonly string[]): AppError {
  return new AppError(
    'MLFLOW_UNEXPECTED',
    `MLflow stored the run ${JSON.stringify(runName)} otherwise than it was sent (${wrong.join(', ')}).`,
    { details: { wrong } },
  );
}
