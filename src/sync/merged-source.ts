/** A project that is not read any more: what a merge knows of Langfuse is what its shards have read. */
import { AppError } from '../shared/errors.ts';
import type { SourceRow } from '../store/windows.ts';
import type { Source } from './ports.ts';

/** Every method that would read throws INTERNAL. */
export function createMergedSource(row: SourceRow): Source {
  return {
    description: {
      reader: 'v2',
      reason: 'the shards have read it',
      serverVersion: null,
      projectId: row.source,
      projectName: row.name,
      scores: null,
      baseUrl: row.base_url,
      clockSkewMs: null,
    },
    traffic: { requests: 0, retries: 0, rateLimited: 0, bytes: 0, waitedMs: 0 },
    readWindow: refuse,
    readContent: refuse,
    readScores: refuse,
    findCallsElsewhere: refuse,
    readCounts: refuse,
  };
}

function refuse(): never {
  throw new AppError('INTERNAL', 'A merge read from Langfuse.');
}
