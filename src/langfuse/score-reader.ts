/** Scores from the newest endpoint that answers: `/v3/scores` by cursor, else `/v2/scores` or `/scores` by time. */
import type { Score } from '../shared/observation.ts';
import { toIso, type Interval } from '../shared/time.ts';
import { readByCursor } from './cursor-pages.ts';
import { toPageAnswer, type PageAnswer, type PageAsk, type RawPage } from './page-answer.ts';
import { createPageLimit } from './page-limit.ts';
import { createRowFilter, type ReaderContext } from './reader-context.ts';
import type { ScoresQuery } from './sdk-client.ts';
import { readByTime } from './time-pages.ts';
import { toScoreFromV2, toScoreFromV3 } from './to-score.ts';
import { renderZodError, scoreV2Schema, scoreV3Schema } from './wire-schemas.ts';

export type ScoreEndpoint = 'v3' | 'v2' | 'v1';

export const scoreNames: Readonly<Record<ScoreEndpoint, string>> = {
  v3: 'GET /api/public/v3/scores',
  v2: 'GET /api/public/v2/scores',
  v1: 'GET /api/public/scores',
};

const maxScorePageSize = 100;

interface Reading {
  readonly endpoint: ScoreEndpoint;
  readonly interval: Interval;
  readonly signal: AbortSignal;
}

/** Every score whose timestamp is in the interval. A score that can't be read or understood is left out with a notice. */
export async function* readScores(
  context: ReaderContext,
  reading: Reading,
): AsyncGenerator<readonly Score[], void, undefined> {
  const name = scoreNames[reading.endpoint];
  const filter = createRowFilter(context, reading.interval);
  for await (const page of readPages(context, reading)) {
    const scores: Score[] = [];
    const faults = page.unreadable.map((row) => ({ id: row.id, reason: row.reason }));
    for (const row of page.rows) {
      const parsed = parseScore(reading.endpoint, row);
      if ('reason' in parsed) faults.push(parsed);
      else if (filter.keeps({ startMs: parsed.score.timestampMs })) scores.push(parsed.score);
    }
    for (const fault of faults) {
      context.gate.notice({
        kind: 'left_out',
        message: `${name}: the score ${fault.id ?? '(without an id)'} was left out: ${fault.reason}`,
        details: { scoreId: fault.id },
      });
    }
    if (scores.length > 0) yield scores;
  }
  filter.report(name);
}

function parseScore(
  endpoint: ScoreEndpoint,
  row: unknown,
): { readonly score: Score } | { readonly id: string | null; readonly reason: string } {
  const parsed =
    endpoint === 'v3'
      ? toParsed(scoreV3Schema.safeParse(row), toScoreFromV3)
      : toParsed(scoreV2Schema.safeParse(row), toScoreFromV2);
  if ('score' in parsed) return parsed;
  const id =
    row !== null && typeof row === 'object' && 'id' in row && typeof row.id === 'string'
      ? row.id
      : null;
  return { id, reason: parsed.reason };
}

function toParsed<T>(
  result:
    | { success: true; data: T }
    | { success: false; error: Parameters<typeof renderZodError>[0] },
  toScore: (row: T) => Score,
): { readonly score: Score } | { readonly reason: string } {
  return result.success
    ? { score: toScore(result.data) }
    : { reason: renderZodError(result.error) };
}

function readPages(
  context: ReaderContext,
  reading: Reading,
): AsyncGenerator<RawPage, void, undefined> {
  const { endpoint, interval } = reading;
  const max = Math.min(context.pageSize, maxScorePageSize);
  const common = {
    name: scoreNames[endpoint],
    interval,
    pageLimit: createPageLimit({ start: max, max }),
    onNotice: context.gate.notice,
  };
  if (endpoint === 'v3') {
    const ask = (fields: string) => (page: PageAsk & { readonly cursor: string | null }) =>
      askScoresV3(context, { ...page, fields, signal: reading.signal });
    return readByCursor({ ...common, ask: ask('core,details,subject'), askNames: ask('core') });
  }
  return readByTime({
    ...common,
    ask: (page) => askScores(context, { ...page, ...reading, interval: page.interval }),
  });
}

/** `/v3/scores` refuses parameters it does not know, and takes lists with commas. */
async function askScoresV3(
  context: ReaderContext,
  ask: PageAsk & {
    readonly cursor: string | null;
    readonly fields: string;
    readonly signal: AbortSignal;
  },
): Promise<PageAnswer> {
  const outcome = await context.gate.ask({
    name: scoreNames.v3,
    bucket: 'public-api',
    signal: ask.signal,
    send: (attempt) =>
      context.api.scoresV3(
        {
          limit: ask.limit,
          fields: ask.fields,
          fromTimestamp: toIso(ask.interval.fromMs),
          toTimestamp: toIso(ask.interval.toMs),
          ...(context.environments === null ? {} : { environment: context.environments.join(',') }),
          ...(ask.cursor === null ? {} : { cursor: ask.cursor }),
        },
        attempt,
      ),
  });
  return toPageAnswer(outcome, { name: scoreNames.v3, by: 'cursor' });
}

async function askScores(
  context: ReaderContext,
  ask: PageAsk & {
    readonly page: number;
    readonly endpoint: ScoreEndpoint;
    readonly signal: AbortSignal;
  },
): Promise<PageAnswer> {
  const { api } = context;
  const name = scoreNames[ask.endpoint];
  const query: ScoresQuery = {
    page: ask.page,
    limit: ask.limit,
    fromTimestamp: toIso(ask.interval.fromMs),
    toTimestamp: toIso(ask.interval.toMs),
    ...(context.environments === null ? {} : { environment: [...context.environments] }),
  };
  const outcome = await context.gate.ask({
    name,
    bucket: 'public-api',
    signal: ask.signal,
    send: (attempt) =>
      ask.endpoint === 'v2' ? api.scoresV2(query, attempt) : api.scoresV1(query, attempt),
  });
  return toPageAnswer(outcome, { name, by: 'number' });
}
