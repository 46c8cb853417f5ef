/** Artifacts through the tracking server: one PUT each, which replaces what was there. */
import { toArtifactUrl, type ArtifactWriter } from './artifact-uri.ts';
import type { RestClient } from './rest-client.ts';

/** A slow link to a server that stores what it gets elsewhere before it answers. */
const slowestBytesPerSecond = 128 * 1024;

export function createProxyArtifactWriter(parts: {
  readonly client: RestClient;
  readonly trackingBase: URL;
  readonly timeoutMs: number;
}): ArtifactWriter {
  return {
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
