/** Writing the numbers of a run to an MLflow server, also over what is there already. */
import { AppError } from '../shared/errors.ts';
import type { LogBatch, StoredRun } from '../sync/ports.ts';
import { toLogBatchBodies, toLogBatchChunks, type LogBatchBody } from './bodies.ts';
import { toMissingParams } from './params.ts';
import type { RestApi } from './rest-api.ts';
import { withoutStoredPoints } from './rest-points.ts';
import { runAnswer, toStoredRun } from './wire-schemas.ts';

/** The run of that id, or null when there is none or it has been deleted. */
export async function getRun(api: RestApi, runId: string): Promise<StoredRun | null> {
  const answer = await api.find(`read run ${runId}`, {
    path: 'runs/get',
    query: { run_id: runId },
    schema: runAnswer,
  });
  return answer === null ? null : toStoredRun(answer.run);
}

/** Writes the batch in as many calls as the limits ask for. */
export async function sendBatch(api: RestApi, batch: LogBatch): Promise<void> {
  for (const body of toLogBatchBodies(batch)) await sendBody(api, body);
}

/** One call. What MLflow refuses only because it is there already is left out, and the rest is sent again. */
export async function sendBody(api: RestApi, body: LogBatchBody): Promise<void> {
  const send = (one: LogBatchBody): Promise<void> =>
    api.write(`write to run ${one.run_id}`, { path: 'runs/log-batch', body: one });
  try {
    await send(body);
  } catch (error) {
    const reduced = await toReducedBody(api, { body, error });
    if (reduced === null) throw error;
    // At most once for params and once for metrics, since each time the body gets smaller.
    for (const chunk of toLogBatchChunks(body.run_id, reduced)) await sendBody(api, chunk);
  }
}

interface Rows {
  readonly params: NonNullable<LogBatchBody['params']>;
  readonly metrics: NonNullable<LogBatchBody['metrics']>;
  readonly tags: NonNullable<LogBatchBody['tags']>;
}

/** The rows of a refused body without those that the run has; null when that is not why it was refused. */
async function toReducedBody(
  api: RestApi,
  refused: { readonly body: LogBatchBody; readonly error: unknown },
): Promise<Rows | null> {
  const { body, error } = refused;
  if (!(error instanceof AppError) || error.code !== 'MLFLOW_REJECTED') return null;
  // Compatible servers word it their own way or answer 500 (G-Research/fasttrackml#43).
  if (![400, 409, 500].includes(Number(error.details.status))) return null;
  const { params = [], metrics = [], tags = [] } = body;
  if (params.length > 0) {
    const run = await getRun(api, body.run_id);
    if (run === null) return null;
    const missing = toMissingParams(run, params, error);
    if (missing.length < params.length) return { params: missing, metrics, tags };
  }
  const fresh = await withoutStoredPoints(api, { runId: body.run_id, metrics });
  return fresh.length < metrics.length ? { params, metrics: fresh, tags } : null;
}
