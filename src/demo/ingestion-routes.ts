/** The two ways into Langfuse that LiteLLM's callbacks use. */
import { gunzipSync } from 'node:zlib';
import { noSuchRoute, ok, refusal, type HttpAnswer } from './http-answer.ts';
import { ingestBatch } from './ingest-batch.ts';
import { ingestSpans } from './ingest-otlp.ts';
import { parseOtlpJson, parseOtlpProtobuf } from './otlp-request.ts';
import type { SampleStore } from './sample-store.ts';
import { compareVersions, type ServerBehaviour } from './server-modes.ts';

export interface Posted {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const batchPath = '/api/public/ingestion';
const otlpPath = '/api/public/otel/v1/traces';

export const isIngestion = (path: string): boolean => path === batchPath || path === otlpPath;

/** Langfuse has the OTLP route from 3.22 on (langfuse/langfuse changelog, 2025-02). */
const firstWithOtlp = '3.22.0';

export function ingest(
  posted: Posted,
  to: {
    readonly store: SampleStore;
    readonly behaviour: ServerBehaviour;
    readonly nowMs: number;
  },
): HttpAnswer {
  const { path, headers } = posted;
  const isZipped = headers['content-encoding'] === 'gzip';
  const type = headers['content-type'] ?? '';
  try {
    const body = isZipped ? gunzipSync(posted.body) : posted.body;
    if (path === batchPath) return ingestBatch(to.store, body, to.nowMs);
    if (compareVersions(to.behaviour.version, firstWithOtlp) < 0) return noSuchRoute;
    const isProtobuf = type.includes('protobuf');
    if (!isProtobuf && !type.includes('json')) return refusal(400, 'Invalid content type');
    ingestSpans(to.store, isProtobuf ? parseOtlpProtobuf(body) : parseOtlpJson(body), {
      nowMs: to.nowMs,
      isDirect: headers['x-langfuse-ingestion-version'] === '4',
    });
    return ok({});
  } catch {
    return refusal(400, 'Failed to parse OTel Protobuf/JSON body');
  }
}
