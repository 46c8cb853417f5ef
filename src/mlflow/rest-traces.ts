/**
 * Traces on an MLflow server. The spans go first, over OTLP into its database where it takes them as JSON, else as
 * `traces.json` beside the trace's artifacts; the description with its hash goes last, so that a trace which shows the
 * hash is whole. docs/decisions/0011-traces.md tells why.
 */
import { AppError } from '../shared/errors.ts';
import type { Trace } from '../shared/trace.ts';
import type { Capabilities, Experiment, TraceWriter } from '../sync/ports.ts';
import { checkArtifactPath, selectArtifactWriter, type ArtifactWriters } from './artifact-uri.ts';
import type { RestClient } from './rest-client.ts';
import { toOtlpBodies, toTraceFile, toTraceInfoBody, traceHashTag } from './trace-bodies.ts';
import { toUrl } from './tracking-url.ts';
import { startedTraceAnswer, traceSearchAnswer } from './wire-schemas.ts';

const traceApi = 'api/3.0/mlflow/traces';
/** OTLP as JSON: before that the server takes protobuf alone. */
const jsonSince: Version = [3, 12];
/** From here on the server merges what is written over a trace, and counts its tokens from all spans. */
const mergedSince: Version = [3, 16];
const spansFile = 'traces.json';
const maxOtlpBytes = 4_000_000;
const maxDeleted = 100;
const maxListed = 500;

type Version = readonly [number, number];

export function createTraceWriter(parts: {
  readonly client: RestClient;
  readonly base: URL;
  readonly capabilities: Capabilities;
  readonly version: string | null;
  readonly artifactWriters: ArtifactWriters;
}): TraceWriter {
  const { client, base, capabilities } = parts;

  const hasOtlp = async (): Promise<boolean> =>
    isSince(parts.version, jsonSince) && (await capabilities.find('otlp_traces')).isThere === true;

  async function putSpans(experiment: Experiment, trace: Trace): Promise<void> {
    for (const body of toOtlpBodies(trace, maxOtlpBytes)) {
      await client.send({
        what: `write the spans of trace ${trace.id}`,
        method: 'POST',
        url: toUrl(base, 'v1/traces'),
        headers: { 'x-mlflow-experiment-id': experiment.experimentId },
        body,
        isWrite: true,
        isIdempotent: true,
      });
    }
  }

  async function putFile(trace: Trace, location: string): Promise<void> {
    const run = { runId: trace.id, artifactUri: location };
    checkArtifactPath(spansFile);
    await selectArtifactWriter(parts.artifactWriters, run).put({
      run,
      path: spansFile,
      body: toTraceFile(trace),
      contentType: 'application/json',
    });
  }

  async function start(experiment: Experiment, trace: Trace): Promise<string | null> {
    const hasAssessments = (await capabilities.find('assessments')).isThere === true;
    const answer = await client.sendForJson(
      {
        what: `write the trace ${trace.id}`,
        method: 'POST',
        url: toUrl(base, traceApi),
        body: JSON.stringify(
          toTraceInfoBody(trace, { experimentId: experiment.experimentId, hasAssessments }),
        ),
        isWrite: true,
        isIdempotent: true,
      },
      startedTraceAnswer,
    );
    const stored = answer.trace.trace_info;
    // MLflow answers 200 and drops what it can't read: a time then shows as 1970. The tags of its answer are those
    // from before where the trace was there.
    if (
      stored.trace_id !== trace.id ||
      Date.parse(stored.request_time) !== Math.round(trace.startMs)
    ) {
      throw new AppError(
        'MLFLOW_UNEXPECTED',
        `MLflow stored the trace ${trace.id} otherwise than it was sent.`,
        { details: { traceId: trace.id, startMs: trace.startMs, found: stored.request_time } },
      );
    }
    return stored.tags['mlflow.artifactLocation'] ?? null;
  }

  return {
    async findObstacle() {
      const found = await capabilities.find('traces');
      return found.isThere === true ? null : found.because;
    },

    canGrow: async () => isSince(parts.version, mergedSince) && (await hasOtlp()),

    async put({ experiment, trace }) {
      if (await hasOtlp()) {
        await putSpans(experiment, trace);
        await start(experiment, trace);
        return;
      }
      const expected = toTraceLocation(experiment, trace.id);
      await putFile(trace, expected);
      const location = await start(experiment, trace);
      if (location !== null && location !== expected) await putFile(trace, location);
    },

    async delete({ experiment, ids }) {
      for (let at = 0; at < ids.length; at += maxDeleted) {
        const some = ids.slice(at, at + maxDeleted);
        await client.send({
          what: `delete ${some.length} traces`,
          method: 'POST',
          url: toUrl(base, 'api/2.0/mlflow/traces/delete-traces'),
          body: JSON.stringify({ experiment_id: experiment.experimentId, request_ids: some }),
          isWrite: true,
          isIdempotent: true,
        });
        // The server forgets the file; its texts must not stay behind.
        for (const id of some) {
          const run = { runId: id, artifactUri: toTraceLocation(experiment, id) };
          if (await hasOtlp()) continue;
          await selectArtifactWriter(parts.artifactWriters, run).delete?.({ run, path: spansFile });
        }
      }
    },

    async *list({ experimentId, source, interval }) {
      const filter = [
        `tags.\`langfuse_mlflow.source\` = '${source}'`,
        ...(interval === null
          ? []
          : [`timestamp_ms >= ${interval.fromMs}`, `timestamp_ms < ${interval.toMs}`]),
      ].join(' AND ');
      let pageToken: string | undefined;
      do {
        const answer = await client.sendForJson(
          {
            what: `list the traces of experiment ${experimentId}`,
            method: 'POST',
            url: toUrl(base, `${traceApi}/search`),
            body: JSON.stringify({
              locations: [
                { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } },
              ],
              filter,
              max_results: maxListed,
              order_by: ['timestamp_ms ASC'],
              ...(pageToken === undefined ? {} : { page_token: pageToken }),
            }),
            isWrite: false,
            isIdempotent: true,
          },
          traceSearchAnswer,
        );
        for (const trace of answer.traces) {
          yield {
            id: trace.trace_id,
            externalId: trace.tags['langfuse_mlflow.trace_id'] ?? '',
            startMs: Date.parse(trace.request_time),
            hash: trace.tags[traceHashTag] ?? null,
          };
        }
        pageToken = answer.next_page_token === '' ? undefined : answer.next_page_token;
      } while (pageToken !== undefined);
    },
  };
}

/** As `mlflow/store/tracking/sqlalchemy_store.py` makes it. */
function toTraceLocation(experiment: Experiment, traceId: string): string {
  return `${experiment.artifactLocation.replace(/\/+$/, '')}/traces/${traceId}/artifacts`;
}

/** False where the version is not told. */
function isSince(version: string | null, since: Version): boolean {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  return Number(major) > since[0] || (Number(major) === since[0] && Number(minor) >= since[1]);
}
