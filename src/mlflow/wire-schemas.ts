/**
 * What an MLflow server answers. Parsed loosely where servers differ (int64 as number or string, NaN as a
 * string, absent lists) and strictly where a wrong answer would become a wrong number.
 */
import { z } from 'zod';
import type { StoredRun } from '../sync/ports.ts';

const integer = z.union([
  z.int(),
  z
    .string()
    .regex(/^-?\d+$/)
    .transform(Number),
]);
const id = z.union([z.string().min(1), z.int().transform(String)]);

/** A metric's value: a number, or the strings that MLflow writes for what JSON has no number for. */
const metricValue = z.union([
  z.number(),
  z
    .string()
    .regex(/^(?:NaN|[+-]?Infinity|[+-]?\d[\d.eE+-]*)$/)
    .transform(Number),
]);

const pair = z.object({ key: z.string(), value: z.string().default('') });

const run = z.object({
  info: z.object({
    run_id: z.string().regex(/^[\w-]{1,256}$/),
    run_name: z.string().default(''),
    status: z.string().default('RUNNING'),
    start_time: integer.default(0),
    end_time: integer.optional(),
    artifact_uri: z.string().default(''),
    lifecycle_stage: z.string().default('active'),
  }),
  data: z
    .object({
      metrics: z.array(z.object({ key: z.string(), value: metricValue })).default([]),
      params: z.array(pair).default([]),
      tags: z.array(pair).default([]),
    })
    .default({ metrics: [], params: [], tags: [] }),
});
type WireRun = z.infer<typeof run>;

const experiment = z.object({
  experiment_id: id,
  name: z.string(),
  artifact_location: z.string().default(''),
  lifecycle_stage: z.string().default('active'),
  tags: z.array(pair).default([]),
});

export const runAnswer = z.object({ run });
export const searchRunsAnswer = z.object({
  runs: z.array(run).default([]),
  next_page_token: z.string().optional(),
});
const point = z.object({
  key: z.string(),
  value: metricValue,
  step: integer.default(0),
  timestamp: integer,
});

/** `runs/get`, for the points behind the latest values alone. */
export const latestPointsAnswer = z.object({
  run: z.object({
    data: z.object({ metrics: z.array(point).default([]) }).default({ metrics: [] }),
  }),
});
export const historyAnswer = z.object({
  metrics: z.array(point).default([]),
  next_page_token: z.string().optional(),
});
export const artifactListAnswer = z.object({
  files: z.array(z.object({ path: z.string() })).default([]),
});
export const experimentAnswer = z.object({ experiment });
/** Calls that answer `{}` or what was updated, of which nothing is used. */
export const emptyAnswer = z.looseObject({});

/** The body of an error, where it is MLflow's. */
export const errorAnswer = z.object({ error_code: z.string(), message: z.string().default('') });

/** An error of AWS's front door, before MLflow: its message, which is spelt in two ways. */
export const awsErrorAnswer = z
  .union([
    z.object({ message: z.string() }).transform(({ message }) => message),
    z.object({ Message: z.string() }).transform(({ Message }) => Message),
  ])
  .refine((message) => message !== '');

/** A run of the port, or null when it has been deleted. */
export function toStoredRun(wire: WireRun): StoredRun | null {
  if (wire.info.lifecycle_stage !== 'active') return null;
  return {
    runId: wire.info.run_id,
    artifactUri: wire.info.artifact_uri,
    name: wire.info.run_name,
    status: wire.info.status,
    startMs: wire.info.start_time,
    endMs: wire.info.end_time === undefined || wire.info.end_time === 0 ? null : wire.info.end_time,
    tags: Object.fromEntries(wire.data.tags.map(({ key, value }) => [key, value])),
    params: Object.fromEntries(wire.data.params.map(({ key, value }) => [key, value])),
    metrics: Object.fromEntries(wire.data.metrics.map(({ key, value }) => [key, value])),
  };
}

/**
 * A link that MLflow signed; the headers must be sent with what goes there. Only an answer without a link is refused,
 * since a refused answer is quoted.
 */
export const signedLinkAnswer = z.object({
  presigned_url: z.string(),
  headers: z.record(z.string(), z.string()).catch({}),
});

const tracesTags = z.record(z.string(), z.string()).default({});
export const startedTraceAnswer = z.object({
  trace: z.object({
    trace_info: z.object({ trace_id: z.string(), request_time: z.string(), tags: tracesTags }),
  }),
});
export const traceSearchAnswer = z.object({
  traces: z
    .array(z.object({ trace_id: z.string(), request_time: z.string(), tags: tracesTags }))
    .default([]),
  next_page_token: z.string().optional(),
});
