/** A Langfuse in memory behind the Source port: small pages, in no useful order, with rows that come twice. */
import { AppError } from '../../src/shared/errors.ts';
import type { Observation } from '../../src/shared/observation.ts';
import type { Interval } from '../../src/shared/time.ts';
import type { Source } from '../../src/sync/ports.ts';
import type { Project } from './crash-traffic.ts';

export const crashProjectId = 'project-of-crashes';

/** `onPage` is called before and after each page and may throw. */
export function createCrashSource(options: {
  readonly project: Project;
  readonly pageSize: number;
  /** False: the text comes in a second pass, as from Langfuse's v2 API. */
  readonly hasInlineText: boolean;
  readonly onPage: () => void;
}): Source {
  const { project, pageSize } = options;

  async function* pagesOf<T extends object>(rows: readonly T[]): AsyncGenerator<T[]> {
    options.onPage();
    for (let at = 0; at < rows.length; at += pageSize) {
      await Promise.resolve();
      // The last row of a page opens the next one too, as when rows are inserted while pages are turned.
      yield rows.slice(Math.max(0, at - 1), at + pageSize);
      options.onPage();
    }
  }

  const within = (interval: Interval, ms: number): boolean =>
    ms >= interval.fromMs && ms < interval.toMs;
  const rowsOf = (interval: Interval): Observation[] =>
    project.observations.filter((row) => within(interval, row.startMs)).toReversed();

  return {
    description: {
      reader: 'v2',
      reason: 'it is in memory',
      serverVersion: '4.0.0',
      projectId: crashProjectId,
      projectName: 'Crashes',
      scores: 'v3',
      baseUrl: 'http://langfuse.memory',
      clockSkewMs: 0,
    },
    traffic: { requests: 0, retries: 0, rateLimited: 0, bytes: 0, waitedMs: 0 },

    async *readWindow(interval) {
      for await (const observations of pagesOf(rowsOf(interval))) {
        const traceIds = new Set(observations.map(({ traceId }) => traceId));
        yield {
          observations: options.hasInlineText ? observations : observations.map(withoutText),
          traces: [...traceIds].flatMap((id) => project.traces.get(id) ?? []),
          unreadable: [],
        };
      }
      const unreadable = project.unreadable.filter((row) => within(interval, row.startMs ?? 0));
      if (unreadable.length > 0) yield { observations: [], traces: [], unreadable };
    },

    async *readContent(interval) {
      for await (const rows of pagesOf(rowsOf(interval))) {
        yield {
          rows: rows.map(({ traceId, id, updatedMs, content }) => ({
            traceId,
            id,
            updatedMs,
            content: content ?? { input: null, output: null },
          })),
          unreadable: [],
        };
      }
    },

    findCallsElsewhere: () => Promise.resolve(null),

    async *readScores(interval) {
      yield* pagesOf(project.scores.filter((score) => within(interval, score.timestampMs)));
    },

    readCounts: () =>
      Promise.reject(new AppError('LANGFUSE_UNSUPPORTED', 'This Langfuse has no metrics API.')),
  };
}

function withoutText(observation: Observation): Observation {
  const { content: _, ...row } = observation;
  return row;
}
