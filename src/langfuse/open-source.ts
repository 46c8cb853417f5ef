import { AppError } from '../shared/errors.ts';
import type { Source } from '../sync/ports.ts';
import { createConnection } from './connection.ts';
import { createEmptyCheck } from './empty-check.ts';
import { readContentLegacy, readWindowLegacy } from './legacy-reader.ts';
import { readCounts } from './counts-reader.ts';
import { probeConnection } from './probe.ts';
import type { ReaderContext } from './reader-context.ts';
import { readScores } from './score-reader.ts';
import type { SourceSettings } from './source-settings.ts';
import { readContentV2 } from './v2-content.ts';
import { readWindowV2 } from './v2-reader.ts';

const defaultPageSize = 1000;
const defaultContentPageSize = 100;

/**
 * Probes a Langfuse and opens its project for reading.
 *
 * Throws AppError: LANGFUSE_AUTH (keys refused, organisation key), LANGFUSE_UNEXPECTED (no Langfuse there, a login
 * page, a redirect to another host), LANGFUSE_UNSUPPORTED (neither API can be read), LANGFUSE_UNREACHABLE,
 * LANGFUSE_RATE_LIMITED, CANCELLED.
 */
export async function openSource(settings: SourceSettings): Promise<Source> {
  const connection = await createConnection(settings);
  const { description, failure } = await probeConnection(connection, settings);
  if (!description)
    throw (
      failure ??
      new AppError('INTERNAL', 'the probe of Langfuse found nothing and failed at nothing')
    );

  const environments = settings.environments ?? [];
  const context: ReaderContext = {
    ...connection,
    concurrency: Math.max(1, settings.concurrency),
    pageSize: settings.pageSize ?? defaultPageSize,
    contentPageSize: settings.contentPageSize ?? defaultContentPageSize,
    environments: environments.length === 0 ? null : environments,
  };
  const findCallsElsewhere = createEmptyCheck(context, description.reader);
  const isLangfuse2 = description.serverVersion?.startsWith('2.') ?? false;

  return {
    description,
    get traffic() {
      return connection.gate.traffic();
    },
    readWindow: (interval, { signal }) =>
      description.reader === 'v2'
        ? readWindowV2(context, { interval, signal })
        : readWindowLegacy(context, { interval, signal, isLangfuse2 }),
    readContent: (interval, { signal }) =>
      description.reader === 'v2'
        ? readContentV2(context, { interval, signal })
        : readContentLegacy(context, { interval, signal }),
    findCallsElsewhere: (interval, { signal }) => findCallsElsewhere({ interval, signal }),
    readScores: (interval, { signal }) =>
      description.scores === null
        ? nothing()
        : readScores(context, { endpoint: description.scores, interval, signal }),
    readCounts: (interval, { bucket, signal }) =>
      readCounts(context, { reader: description.reader, interval, bucket, signal }),
  };
}

async function* nothing(): AsyncGenerator<never, void, undefined> {
  // A server without a score endpoint has no scores.
}
