/** The query parameters that each route accepts, checked as Langfuse checks them. */
import { z } from 'zod';

const dateTime = z.iso.datetime({ offset: true });
const list = z
  .union([z.array(z.string()), z.string()])
  .transform((value) => (typeof value === 'string' ? [value] : value));
const commaSeparated = z.string().transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const level = z.enum(['DEBUG', 'DEFAULT', 'WARNING', 'ERROR']);
const filterCondition = z.looseObject({
  column: z.string(),
  operator: z.string(),
  value: z.unknown(),
  type: z.string(),
});
const filter = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'filter is not JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.array(filterCondition));

export type FilterCondition = z.infer<typeof filterCondition>;

const page = { page: z.coerce.number().int().gte(1).default(1) };
const pageOf = (maximum: number) => ({
  ...page,
  limit: z.coerce.number().int().lte(maximum).default(50),
});

export const tracesQuery = z.object({
  ...pageOf(100),
  userId: z.string().optional(),
  name: z.string().optional(),
  sessionId: z.string().optional(),
  version: z.string().optional(),
  release: z.string().optional(),
  tags: list.optional(),
  environment: list.optional(),
  fromTimestamp: dateTime.optional(),
  toTimestamp: dateTime.optional(),
  orderBy: z
    .string()
    .regex(/^(id|timestamp|name|userId|release|version|public|bookmarked|sessionId)\.(asc|desc)$/i)
    .optional(),
  fields: commaSeparated.optional(),
});

export const traceQuery = z.object({ fields: commaSeparated.optional() });

export const observationsQuery = z.object({
  ...pageOf(100),
  name: z.string().optional(),
  userId: z.string().optional(),
  type: z.string().optional(),
  level: level.optional(),
  traceId: z.string().optional(),
  version: z.string().optional(),
  parentObservationId: z.string().optional(),
  environment: list.optional(),
  fromStartTime: dateTime.optional(),
  toStartTime: dateTime.optional(),
  filter: filter.optional(),
});

export const observationsV2Query = z.object({
  limit: z.coerce.number().nonnegative().lte(1000).default(50),
  cursor: z.string().optional(),
  fields: commaSeparated.optional(),
  expandMetadata: commaSeparated.optional(),
  parseIoAsJson: z
    .enum(['true', 'false'])
    .optional()
    .refine((value) => value !== 'true', {
      message:
        'parseIoAsJson=true is no longer supported on the v2 observations endpoint. Input/output fields are always returned as raw strings. Remove the parseIoAsJson parameter or set it to false.',
    }),
  name: z.string().optional(),
  userId: z.string().optional(),
  sessionId: z.string().optional(),
  type: z.string().optional(),
  level: level.optional(),
  traceId: z.string().optional(),
  version: z.string().optional(),
  parentObservationId: z.string().optional(),
  isRootObservation: z.enum(['true', 'false']).optional(),
  environment: list.optional(),
  fromStartTime: dateTime.optional(),
  toStartTime: dateTime.optional(),
  filter: filter.optional(),
});

export const sessionsQuery = z.object({
  ...pageOf(100),
  environment: list.optional(),
  fromTimestamp: dateTime.optional(),
  toTimestamp: dateTime.optional(),
});

const scoreFilters = {
  name: z.string().optional(),
  dataType: z.enum(['NUMERIC', 'BOOLEAN', 'CATEGORICAL']).optional(),
  source: z.enum(['ANNOTATION', 'API', 'EVAL']).optional(),
  userId: z.string().optional(),
  environment: list.optional(),
  traceTags: list.optional(),
  fromTimestamp: dateTime.optional(),
  toTimestamp: dateTime.optional(),
};

export const scoresQuery = z.object({ ...pageOf(100), ...scoreFilters });

export const scoresV2Query = z.object({
  ...pageOf(100),
  ...scoreFilters,
  sessionId: z.string().optional(),
  traceId: z.string().optional(),
  observationId: z.string().optional(),
});

/** Strict: any other parameter is a 400. */
export const scoresV3Query = z
  .strictObject({
    limit: z.coerce.number().int().gte(1).lte(100).default(50),
    cursor: z.string().optional(),
    fields: commaSeparated
      .pipe(z.array(z.enum(['core', 'details', 'subject', 'annotation'])))
      .optional(),
    id: commaSeparated.optional(),
    name: commaSeparated.optional(),
    source: commaSeparated.optional(),
    dataType: commaSeparated.optional(),
    environment: commaSeparated.optional(),
    traceId: commaSeparated.optional(),
    sessionId: commaSeparated.optional(),
    observationId: commaSeparated.optional(),
    fromTimestamp: dateTime.optional(),
    toTimestamp: dateTime.optional(),
  })
  .refine((query) => query.observationId === undefined || query.traceId !== undefined, {
    message: 'observationId requires traceId',
    path: ['observationId'],
  });

export const modelsQuery = z.object(pageOf(100));

export const metricsQuery = z.object({ query: z.string() });

export const dailyMetricsQuery = z.object({
  ...pageOf(100),
  traceName: z.string().optional(),
  userId: z.string().optional(),
  tags: list.optional(),
  environment: list.optional(),
  fromTimestamp: dateTime.optional(),
  toTimestamp: dateTime.optional(),
});

/** The query string as Next.js hands it over: repeated parameters are lists. */
export function toQueryRecord(search: URLSearchParams): Record<string, string | string[]> {
  const record: Record<string, string | string[]> = {};
  for (const key of new Set(search.keys())) {
    const values = search.getAll(key);
    record[key] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return record;
}
