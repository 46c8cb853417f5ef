/** Which path is which route, its rate bucket, and whether this server has it. */
import { invalidRequest, ok, type HttpAnswer } from './http-answer.ts';
import {
  getObservation,
  getSession,
  getTrace,
  listObservations,
  listSessions,
  listTraces,
} from './legacy-routes.ts';
import { listDailyMetrics, queryMetrics } from './metrics-routes.ts';
import { modelsQuery } from './query-schemas.ts';
import { toPage } from './pages.ts';
import type { RateBucket } from './rate-limits.ts';
import type { RouteContext } from './route-context.ts';
import { listScores, listScoresV2, listScoresV3 } from './score-routes.ts';
import { sampleModels } from './sample-models.ts';
import type { RouteState, ServerBehaviour } from './server-modes.ts';
import { listObservationsV2 } from './v2-routes.ts';
import type { V2Row } from './v2-table.ts';

/** A route with what the server needs to know before it runs it. */
export interface RouteEntry {
  readonly pattern: RegExp;
  readonly bucket: RateBucket | null;
  readonly state: (behaviour: ServerBehaviour) => RouteState;
  /** Cloud stamps `_deprecation` on answers of such routes. */
  readonly isDeprecated: boolean;
  readonly run: (context: RouteContext, v2Rows: () => readonly V2Row[]) => HttpAnswer;
}

const open = (): RouteState => 'open';
const legacy = (behaviour: ServerBehaviour): RouteState => behaviour.legacy;

const legacyRoute = (
  pattern: RegExp,
  run: (context: RouteContext) => HttpAnswer,
  bucket: RateBucket = 'public-api-legacy',
): RouteEntry => ({ pattern, bucket, state: legacy, isDeprecated: true, run });

export const routes: readonly RouteEntry[] = [
  legacyRoute(/^\/traces$/, listTraces),
  legacyRoute(/^\/traces\/([^/]+)$/, getTrace),
  legacyRoute(/^\/observations$/, listObservations),
  legacyRoute(/^\/observations\/([^/]+)$/, getObservation),
  legacyRoute(/^\/sessions$/, listSessions),
  legacyRoute(/^\/sessions\/([^/]+)$/, getSession),
  legacyRoute(/^\/scores$/, listScores, 'public-api'),
  {
    ...legacyRoute(/^\/v2\/scores$/, listScoresV2, 'public-api'),
    state: (behaviour) => behaviour.scoresV2,
  },
  {
    ...legacyRoute(
      /^\/metrics$/,
      (context) =>
        queryMetrics(context, context.store.view().observations, { defaultRowLimit: null }),
      'public-api-metrics',
    ),
    state: (behaviour) => behaviour.legacyMetrics,
  },
  legacyRoute(/^\/metrics\/daily$/, listDailyMetrics, 'public-api-daily-metrics-legacy'),
  {
    pattern: /^\/v2\/observations$/,
    bucket: 'public-api',
    state: (behaviour) => behaviour.v2Observations,
    isDeprecated: false,
    run: (context, v2Rows) => listObservationsV2(context, v2Rows()),
  },
  {
    pattern: /^\/v2\/metrics$/,
    bucket: 'public-api-v2-metrics',
    state: (behaviour) => behaviour.v2Metrics,
    isDeprecated: false,
    run: (context, v2Rows) => queryMetrics(context, v2Rows(), { defaultRowLimit: 100 }),
  },
  {
    pattern: /^\/v3\/scores$/,
    bucket: 'public-api',
    state: (behaviour) => behaviour.scoresV3,
    isDeprecated: false,
    run: listScoresV3,
  },
  {
    pattern: /^\/models$/,
    bucket: 'public-api',
    state: open,
    isDeprecated: false,
    run: listModels,
  },
  { pattern: /^\/projects$/, bucket: null, state: open, isDeprecated: false, run: listProjects },
];

function listProjects(context: RouteContext): HttpAnswer {
  const { project } = context.store;
  return ok({
    data: [
      {
        id: project.id,
        name: project.name,
        organization: { id: 'org-sample', name: 'Sample organisation' },
        metadata: {},
      },
    ],
  });
}

/** The models that Langfuse matched, with its own prices. */
function listModels(context: RouteContext): HttpAnswer {
  const parsed = modelsQuery.safeParse(context.query);
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const matched = sampleModels.filter((model) => model.matched !== null);
  return toPage(context, matched, {
    ...parsed.data,
    toItem: (model) => ({
      id: model.matched?.id,
      modelName: model.raw,
      matchPattern: `(?i)^(${model.raw})$`,
      startDate: null,
      unit: 'TOKENS',
      inputPrice: model.matched?.inputPrice,
      outputPrice: model.matched?.outputPrice,
      totalPrice: null,
      prices: {
        input: { price: model.matched?.inputPrice },
        output: { price: model.matched?.outputPrice },
      },
      pricingTiers: [],
      isLangfuseManaged: true,
      createdAt: '2025-01-01T00:00:00.000Z',
      tokenizerId: null,
      tokenizerConfig: null,
    }),
  });
}
