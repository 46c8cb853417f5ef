/**
 * `POST /api/public/ingestion`: a batch of events, each taken or refused by itself, so the answer is 207 with both
 * lists (langfuse ingestion.yml, processEventBatch.ts).
 */
import { z } from 'zod';
import { invalidRequest, type HttpAnswer } from './http-answer.ts';
import { putObservationPiece, putTracePiece } from './ingest-row.ts';
import type { SampleStore } from './sample-store.ts';

const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .nullish();
const record = z.record(z.string(), z.unknown()).nullish();
const amounts = z.record(z.string(), z.number().nullable()).nullish();

/** The older form of usage and cost, which Langfuse turns into details. */
const usage = z
  .object({
    input: z.number().nullish(),
    output: z.number().nullish(),
    total: z.number().nullish(),
    promptTokens: z.number().nullish(),
    completionTokens: z.number().nullish(),
    totalTokens: z.number().nullish(),
    inputCost: z.number().nullish(),
    outputCost: z.number().nullish(),
    totalCost: z.number().nullish(),
  })
  .nullish();

const traceBody = z.object({
  id: z.string(),
  timestamp: instant,
  name: z.string().nullish(),
  userId: z.string().nullish(),
  sessionId: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
  environment: z.string().nullish(),
  release: z.string().nullish(),
  version: z.string().nullish(),
  metadata: record,
  input: z.unknown().optional(),
  output: z.unknown().optional(),
});

const observationBody = z.object({
  id: z.string(),
  traceId: z.string(),
  parentObservationId: z.string().nullish(),
  name: z.string().nullish(),
  environment: z.string().nullish(),
  version: z.string().nullish(),
  startTime: instant,
  endTime: instant,
  completionStartTime: instant,
  level: z.string().nullish(),
  statusMessage: z.string().nullish(),
  model: z.string().nullish(),
  modelParameters: record,
  usage,
  usageDetails: amounts,
  costDetails: amounts,
  promptName: z.string().nullish(),
  promptVersion: z.number().nullish(),
  metadata: record,
  input: z.unknown().optional(),
  output: z.unknown().optional(),
});

const batchSchema = z.object({
  batch: z.array(
    z.object({
      id: z.string(),
      type: z.string(),
      timestamp: z.string(),
      body: z.unknown().optional(),
    }),
  ),
});

const observationTypes: Readonly<Record<string, string>> = {
  'generation-create': 'GENERATION',
  'generation-update': 'GENERATION',
  'span-create': 'SPAN',
  'span-update': 'SPAN',
  'event-create': 'EVENT',
};

export function ingestBatch(store: SampleStore, body: Uint8Array, nowMs: number): HttpAnswer {
  const parsed = batchSchema.safeParse(parseJson(body));
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const successes: { id: string; status: number }[] = [];
  const errors: { id: string; status: number; message: string; error: unknown }[] = [];
  for (const event of parsed.data.batch) {
    const problem = ingestEvent(store, event, nowMs);
    if (problem === null) successes.push({ id: event.id, status: 201 });
    else
      errors.push({ id: event.id, status: 400, message: 'Invalid request data', error: problem });
  }
  return { status: 207, body: { successes, errors } };
}

/** What is wrong with the event, or null where it was taken. */
function ingestEvent(
  store: SampleStore,
  event: { readonly type: string; readonly body?: unknown },
  nowMs: number,
): unknown {
  if (event.type === 'sdk-log') return null;
  if (event.type === 'trace-create') {
    const trace = traceBody.safeParse(event.body);
    if (!trace.success) return trace.error.issues;
    const { timestamp, ...rest } = trace.data;
    putTracePiece(store, { ...rest, timestampMs: timestamp, writer: 'ingestion' }, nowMs);
    return null;
  }
  const type = observationTypes[event.type];
  if (type === undefined) return `unknown event type ${event.type}`;
  const observation = observationBody.safeParse(event.body);
  if (!observation.success) return observation.error.issues;
  const { startTime, endTime, completionStartTime, usage: older, ...rest } = observation.data;
  putObservationPiece(
    store,
    {
      ...rest,
      type,
      startMs: startTime,
      endMs: endTime,
      completionStartMs: completionStartTime,
      usageDetails: known(
        rest.usageDetails ?? {
          input: older?.input ?? older?.promptTokens,
          output: older?.output ?? older?.completionTokens,
          total: older?.total ?? older?.totalTokens,
        },
      ),
      costDetails: known(
        rest.costDetails ?? {
          input: older?.inputCost,
          output: older?.outputCost,
          total: older?.totalCost,
        },
      ),
      writer: 'ingestion',
    },
    nowMs,
  );
  return null;
}

/** The amounts that are given, or null where there is none. */
function known(
  details: Readonly<Record<string, number | null | undefined>>,
): Record<string, number> | null {
  const entries = Object.entries(details).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as unknown;
  } catch {
    return null;
  }
}
