/** A target on an MLflow tracking server, over its REST API 2.0. */
import { AppError } from '../shared/errors.ts';
import type { StoredRun, Target } from '../sync/ports.ts';
import {
  checkArtifactPath,
  readArtifact,
  selectArtifactWriter,
  type ArtifactWriter,
  type ArtifactWriters,
} from './artifact-uri.ts';
import {
  toCreateRunBody,
  toTagPairs,
  toLogBatchChunks,
  toUpdateRunBody,
  type CreateRunBody,
} from './bodies.ts';
import { createCapabilities, type CapabilityQuestion } from './capabilities.ts';
import { toDeletedExperiment } from './experiments.ts';
import { toMetricKey } from './keys.ts';
import { toExperimentName } from './limits.ts';
import { createPresignedArtifactWriter } from './presigned-artifacts.ts';
import { createProxyArtifactWriter } from './proxy-artifacts.ts';
import { createRestApi } from './rest-api.ts';
import { createHeaderAuthoriser, type Authoriser } from './rest-auth.ts';
import { getRun, sendBatch, sendBody } from './rest-batches.ts';
import { openRestClient, type RestClient } from './rest-client.ts';
import { createExperiment, findExperiment } from './rest-experiments.ts';
import { readHistory } from './rest-points.ts';
import { createRunSearch } from './rest-search.ts';
import type { RetryPolicy } from './rest-retry.ts';
import { toRetryPolicy, type RestSettings } from './rest-settings.ts';
import { createTraceWriter } from './rest-traces.ts';
import { createSignedLinks } from './signed-links.ts';
import { toStoredForm } from './stored-form.ts';
import { parseTrackingUrl, toUrl } from './tracking-url.ts';
import { runAnswer, toStoredRun } from './wire-schemas.ts';

/**
 * Opens a plain MLflow server: no, basic or bearer authorisation. Asks it once for its version.
 * Throws SETTINGS_INVALID or MLFLOW_UNREACHABLE; wrong credentials show at the first call that needs them.
 */
export async function openRestTarget(
  settings: RestSettings,
  artifactWriters: ArtifactWriters = {},
): Promise<Target> {
  const url = parseTrackingUrl(settings.trackingUri);
  const authoriser = createHeaderAuthoriser(
    {
      username: settings.username ?? url.username,
      password: settings.password ?? url.password,
      token: settings.token,
    },
    url.base,
  );
  return openRestTargetWith(settings, {
    base: url.base,
    targetText: url.text,
    authoriser,
    artifactWriters,
  });
}

export interface RestTargetParts {
  /** Where `/api/2.0/mlflow` lives. */
  readonly base: URL;
  /** The same for messages, without credentials. */
  readonly targetText: string;
  readonly authoriser: Authoriser;
  /** Writers for places beside the server's own proxy, e.g. `s3`. */
  readonly artifactWriters?: ArtifactWriters;
  /** Requests begun in a second where the settings name no maximum; absent for no limit. */
  readonly requestsPerSecond?: number;
  /** True for SageMaker, whose front door knows no `/version` and hands no artifacts on. Default false. */
  readonly isManaged?: boolean;
}

/** The same over another way to authorise requests and to put artifacts. */
export async function openRestTargetWith(
  settings: RestSettings,
  parts: RestTargetParts,
): Promise<Target> {
  const client = await openRestClient(settings, parts);
  try {
    const version = parts.isManaged === true ? null : await readVersion(client, parts.base);
    return createRestTarget(client, {
      ...parts,
      timeoutMs: settings.timeoutMs,
      proxies: settings.proxies,
      policy: toRetryPolicy(settings),
      version,
    });
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

/** The server's version, or null where it does not tell; a gateway may protect `/version` and let calls pass. */
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
    if (error instanceof AppError && silentCodes.has(error.code)) return null;
    throw error;
  }
}

const silentCodes: ReadonlySet<string> = new Set([
  'MLFLOW_UNEXPECTED',
  'MLFLOW_REJECTED',
  'MLFLOW_AUTH',
]);

function createRestTarget(
  client: RestClient,
  parts: RestTargetParts &
    Pick<RestSettings, 'timeoutMs' | 'proxies'> & {
      readonly policy: RetryPolicy;
      readonly version: string | null;
    },
): Target {
  const api = createRestApi(client, parts.base);
  const search = createRunSearch(api);
  const { onNotice } = parts.policy;
  const capabilities = createCapabilities({
    kind: parts.isManaged === true ? 'managed' : 'plain',
    version: parts.version,
    ask: (question, use) => askForCapability(client, { base: parts.base, question, use }),
    onNotice,
  });
  const proxy = createProxyArtifactWriter({
    client,
    api,
    trackingBase: parts.base,
    timeoutMs: parts.timeoutMs,
  });
  const links = createSignedLinks(parts);
  // An object in S3 is a write like any other: whether a run wrote nothing is told by that number.
  const counted = (writer: ArtifactWriter): ArtifactWriter => ({
    ...writer,
    async put(artifact) {
      client.countWriteElsewhere();
      await writer.put(artifact);
    },
  });
  const own = parts.artifactWriters?.['s3'];
  const artifactWriters: ArtifactWriters = {
    ...(parts.isManaged === true ? {} : { 'mlflow-artifacts': proxy, http: proxy, https: proxy }),
    ...parts.artifactWriters,
    ...(own === undefined
      ? {}
      : {
          s3: counted(createPresignedArtifactWriter({ own, api, capabilities, links, onNotice })),
        }),
  };

  return {
    description: { kind: 'rest', uri: parts.targetText, version: parts.version },
    traffic: client.traffic,
    capabilities,
    traces: createTraceWriter({
      client,
      base: parts.base,
      capabilities,
      version: parts.version,
      // MLflow signs links to artifacts of runs alone.
      artifactWriters: { ...artifactWriters, ...(own === undefined ? {} : { s3: counted(own) }) },
    }),

    async findExperiment(name) {
      const found = await findExperiment(api, toExperimentName(name));
      return found?.isActive === true ? found.experiment : null;
    },

    async ensureExperiment(rawName) {
      const name = toExperimentName(rawName);
      const found = (await findExperiment(api, name)) ?? (await createExperiment(api, name));
      if (!found.isActive) throw toDeletedExperiment(found.experiment);
      return found.experiment;
    },

    setExperimentTag({ experimentId, key, value }) {
      const [tag] = toTagPairs({ [key]: value });
      return api.write(`set the tag ${key} of the experiment`, {
        path: 'experiments/set-experiment-tag',
        body: { experiment_id: experimentId, ...tag },
      });
    },

    listRuns: (experimentId) => search.scan(experimentId),
    findRunsByKey: (experimentId, keys) => search.findByKeys(experimentId, keys),
    getRun: (runId) => getRun(api, runId),

    async metricHistory(runId, metric) {
      const points = await readHistory(api, { runId, key: toMetricKey(metric) });
      return points
        .map(({ value, step, timestamp }) => ({ value, step, timestampMs: timestamp }))
        .toSorted((a, b) => a.step - b.step || a.timestampMs - b.timestampMs);
    },

    getArtifact: (artifact) => readArtifact(artifactWriters, artifact),
    toStoredForm,

    async createRun(run) {
      const { body, remainingTags } = toCreateRunBody(run);
      const answer = await api.create(`create the run ${JSON.stringify(body.run_name)}`, {
        path: 'runs/create',
        body,
        schema: runAnswer,
      });
      const created = toStoredRun(answer.run);
      if (created === null || created.artifactUri === '')
        throw toNotAsSent(body.run_name, ['state']);
      checkCreated(created, body);
      const rest = { params: [], metrics: [], tags: remainingTags };
      for (const chunk of toLogBatchChunks(created.runId, rest)) await sendBody(api, chunk);
      return { runId: created.runId, artifactUri: created.artifactUri };
    },

    logBatch: (batch) => sendBatch(api, batch),

    async putArtifact({ run, path, body, contentType }) {
      checkArtifactPath(path);
      await selectArtifactWriter(artifactWriters, run).put({ run, path, body, contentType });
    },

    updateRun: (update) =>
      api.write(`update run ${update.runId}`, {
        path: 'runs/update',
        body: toUpdateRunBody(update),
      }),

    deleteRun: (runId) =>
      api.write(`delete run ${runId}`, { path: 'runs/delete', body: { run_id: runId } }),

    batched: (work) => work(),

    async [Symbol.asyncDispose]() {
      await links[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
    },
  };
}

async function askForCapability(
  client: RestClient,
  asked: { readonly base: URL; readonly question: CapabilityQuestion; readonly use: string },
): Promise<void> {
  const { method, path, query, body } = asked.question;
  await client.send({
    what: `ask for ${asked.use}`,
    method,
    url: toUrl(asked.base, path, query),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    isWrite: false,
    isIdempotent: true,
  });
}

/** Throws MLFLOW_UNEXPECTED when the server shows another run than the one it was sent: it dropped something silently. */
function checkCreated(created: StoredRun, sent: CreateRunBody): void {
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
