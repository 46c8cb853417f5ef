/** Artifacts through the tracking server: one PUT each, which replaces what was there, and one GET. */
import { AppError } from '../shared/errors.ts';
import type { RunRef } from '../sync/ports.ts';
import { toArtifactUrl, type ArtifactWriter } from './artifact-uri.ts';
import type { RestApi } from './rest-api.ts';
import type { RestClient } from './rest-client.ts';
import { artifactListAnswer } from './wire-schemas.ts';

/** A slow link to a server that stores what it gets elsewhere before it answers. */
export const slowestBytesPerSecond = 128 * 1024;
/** Of an artifact that is read back: a longer transcript than any that is written. */
export const mostArtifactBytes = 1024 * 1024 * 1024;
/** How large an artifact is shows only when it comes. */
const longestDownloadMs = 120_000;

export function createProxyArtifactWriter(parts: {
  readonly client: RestClient;
  readonly api: RestApi;
  readonly trackingBase: URL;
  readonly timeoutMs: number;
}): ArtifactWriter {
  /** MLflow 2.10 answers 500 for an artifact that is not there, as for one that it can't read. */
  async function isListed({ run, path }: { run: RunRef; path: string }): Promise<boolean> {
    const folder = path.split('/').slice(0, -1).join('/');
    const answer = await parts.api.find(`list the artifacts of run ${run.runId}`, {
      path: 'artifacts/list',
      query: { run_id: run.runId, ...(folder === '' ? {} : { path: folder }) },
      schema: artifactListAnswer,
    });
    return answer?.files.some((file) => file.path === path) ?? false;
  }

  return {
    async get({ run, path }) {
      try {
        const { bytes } = await parts.client.send({
          what: `download the artifact ${path} of run ${run.runId}`,
          method: 'GET',
          url: toArtifactUrl(run.artifactUri, parts.trackingBase, path),
          isWrite: false,
          isIdempotent: true,
          timeoutMs: parts.timeoutMs + longestDownloadMs,
          maxBytes: mostArtifactBytes,
        });
        return bytes;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        if (error.details['status'] === 404) return null;
        if (error.details['status'] === 500 && !(await isListed({ run, path }))) return null;
        throw error;
      }
    },

    async put({ run, path, body, contentType }) {
      // Some servers answer `{}` and some nothing at all, so the answer is not read.
      await parts.client.send({
        what: `upload the artifact ${path} of run ${run.runId}`,
        method: 'PUT',
        url: toArtifactUrl(run.artifactUri, parts.trackingBase, path),
        body,
        contentType,
        isWrite: true,
        isIdempotent: true,
        timeoutMs: parts.timeoutMs + Math.ceil((body.byteLength / slowestBytesPerSecond) * 1000),
      });
    },
  };
}
