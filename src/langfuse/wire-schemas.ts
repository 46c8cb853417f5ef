/**
 * What Langfuse answers, as zod schemas: loose (unknown keys pass: `_deprecation`, fields of newer servers), but
 * strict about the type of every key that is read, so that a number can't silently become "unknown".
 *
 * `""` and absent mean null (Langfuse 4 stores missing strings as `""`); decimal strings mean numbers (v2 prices).
 */
import { z } from 'zod';
import { parseInstant } from '../shared/time.ts';

const text = z
  .string()
  .nullish()
  .transform((value) => (value === undefined || value === '' ? null : value));

const amount = z
  .union([z.number(), z.string().regex(/^\s*(-?\d+(\.\d+)?([eE][+-]?\d+)?)?\s*$/, 'not a number')])
  .nullish()
  .transform((value) =>
    value === undefined || value === null || value === '' ? null : Number(value),
  );

const amounts = z
  .record(z.string(), amount)
  .nullish()
  .transform((values) => {
    const known: Record<string, number> = {};
    for (const [key, value] of Object.entries(values ?? {})) if (value !== null) known[key] = value;
    return known;
  });

const instant = z.string().transform((value, context): number => {
  const instantMs = parseInstant(value);
  if (instantMs !== null) return instantMs;
  context.addIssue({ code: 'custom', message: 'not a time' });
  return z.NEVER;
});
const optionalInstant = z
  .union([instant, z.literal('')])
  .nullish()
  .transform((value) => (typeof value === 'number' ? value : null));

const tags = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);

/** ClickHouse writes the start of a day as `2026-11-24` and of an hour as `2026-11-24 10:00:00`, both in UTC. */
const bucketStart = z
  .string()
  .transform((value) => (/^[\d-]+ [\d:.]+$/.test(value) ? `${value.replace(' ', 'T')}Z` : value))
  .pipe(instant);

/** An answer of the metrics API to the one query that is sent: whole numbers may come as strings. */
export const countsSchema = z.object({
  data: z.array(
    z.object({
      time_dimension: bucketStart,
      type: text,
      providedModelName: text,
      count_count: amount,
      sum_totalTokens: amount,
      sum_totalCost: amount,
    }),
  ),
});

const observationCore = {
  id: z.string().min(1),
  traceId: text,
  projectId: text,
  parentObservationId: text,
  type: z.string().min(1),
  startTime: instant,
  endTime: optionalInstant,
  name: text,
  level: text,
  statusMessage: text,
  version: text,
  environment: text,
  completionStartTime: optionalInstant,
  createdAt: optionalInstant,
  updatedAt: optionalInstant,
  model: text,
  modelParameters: z.unknown().optional(),
  usageDetails: amounts,
  costDetails: amounts,
  promptName: text,
  promptVersion: amount,
  metadata: z.unknown().optional(),
  input: z.unknown().optional(),
  output: z.unknown().optional(),
};

/** A row of `GET /v2/observations`. `providedModelName` is what the published specification called `model` up to langfuse/langfuse#16946. */
export const observationV2Schema = z.looseObject({
  ...observationCore,
  providedModelName: text,
  userId: text,
  sessionId: text,
  release: text,
  tags,
  traceName: text,
  isRootObservation: z.boolean().nullish(),
});
export type ObservationV2 = z.infer<typeof observationV2Schema>;

/** A row of `GET /v2/observations` of which only the text is wanted. */
export const contentV2Schema = z.looseObject({
  id: z.string().min(1),
  traceId: text,
  startTime: instant,
  updatedAt: optionalInstant,
  input: z.unknown().optional(),
  output: z.unknown().optional(),
});

/** A row of `GET /observations`. Langfuse 2.x has no `usageDetails` and `costDetails`, only the older keys. */
export const observationV1Schema = z.looseObject({
  ...observationCore,
  usage: z
    .looseObject({ unit: text, input: amount, output: amount, total: amount })
    .nullish()
    .transform((value) => value ?? null),
  calculatedTotalCost: amount,
});
export type ObservationV1 = z.infer<typeof observationV1Schema>;

/** An item of `GET /traces` or the answer of `GET /traces/{id}`. */
export const traceSchema = z.looseObject({
  id: z.string().min(1),
  timestamp: instant,
  updatedAt: optionalInstant,
  name: text,
  userId: text,
  sessionId: text,
  tags,
  environment: text,
  release: text,
  version: text,
  metadata: z.unknown().optional(),
});

const scoreCore = {
  id: z.string().min(1),
  name: z.string(),
  dataType: text,
  source: text,
  comment: text,
  timestamp: instant,
  updatedAt: optionalInstant,
};

/** An item of `GET /v3/scores`: one `value` of three types, and a subject. */
export const scoreV3Schema = z.looseObject({
  ...scoreCore,
  value: z.union([z.number(), z.boolean(), z.string()]).nullish(),
  subject: z
    .looseObject({ kind: z.string(), id: z.string(), traceId: text })
    .nullish()
    .transform((value) => value ?? null),
});

/** An item of `GET /v2/scores` or `GET /scores`. */
export const scoreV2Schema = z.looseObject({
  ...scoreCore,
  value: amount,
  stringValue: text,
  traceId: text,
  observationId: text,
  sessionId: text,
});

/** A page that is read by cursor; an absent cursor is the end. */
export const cursorPageSchema = z.looseObject({
  data: z.array(z.unknown()),
  meta: z.looseObject({ cursor: text }).nullish(),
});

/** A page that is read by number. `totalItems` and `totalPages` over-count (langfuse/langfuse#14182) and are not read. */
export const numberedPageSchema = z.looseObject({
  data: z.array(z.unknown()),
  meta: z.looseObject({ limit: amount }).nullish(),
});

export const healthSchema = z.looseObject({ version: text });

export const projectsSchema = z.looseObject({
  data: z.array(z.looseObject({ id: z.string().min(1), name: text })),
});

/** Counts of observations by type and environment, from the metrics API. */
export const callCountsSchema = z.looseObject({
  data: z.array(z.looseObject({ type: text, environment: text, count_count: amount })),
});

/** The part of any row that names it, as far as it can be read. */
export const rowNameSchema = z.looseObject({
  id: z.string().nullish().catch(null),
  traceId: z.string().nullish().catch(null),
  startTime: optionalInstant.catch(null),
  timestamp: optionalInstant.catch(null),
});

/** `usageDetails.input: not a number`, for people. */
export function renderZodError(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join('.') || '(row)'}: ${issue.message}`)
    .join('; ');
}
