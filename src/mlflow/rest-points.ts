/**
 * Points of metrics that an MLflow server has already.
 *
 * A point that is sent twice is ignored by design, but servers before mlflow/mlflow#24683 refuse the whole
 * call with a UNIQUE constraint when it has more than 100 keys (mlflow/mlflow#19144) or a NaN, which is not
 * equal to itself. Both happen when a batch is repeated after a lost answer.
 */
import type { WireMetric } from './bodies.ts';
import type { RestApi } from './rest-api.ts';
import { historyAnswer, latestPointsAnswer } from './wire-schemas.ts';

interface Point {
  readonly value: number;
  readonly step: number;
  readonly timestamp: number;
}

/** The metrics that run `runId` does not have yet. Reads the run, and the history of a metric only in doubt. */
export async function withoutStoredPoints(
  api: RestApi,
  rows: { readonly runId: string; readonly metrics: readonly WireMetric[] },
): Promise<WireMetric[]> {
  const { runId, metrics } = rows;
  if (metrics.length === 0) return [];
  const latest = await readLatestPoints(api, runId);
  const histories = new Map<string, Point[]>();
  const fresh: WireMetric[] = [];
  for (const metric of metrics) {
    const newest = latest.get(metric.key);
    if (newest === undefined || isLater(metric, newest)) {
      fresh.push(metric);
      continue;
    }
    if (isSamePoint(metric, newest)) continue;
    // An older point than the one that is shown: only the history tells.
    let history = histories.get(metric.key);
    if (history === undefined) {
      history = await readHistory(api, { runId, key: metric.key });
      histories.set(metric.key, history);
    }
    if (!history.some((point) => isSamePoint(metric, point))) fresh.push(metric);
  }
  return fresh;
}

function isSamePoint(metric: WireMetric, point: Point): boolean {
  const isSameValue =
    metric.value === 'NaN' ? Number.isNaN(point.value) : metric.value === point.value;
  return isSameValue && metric.step === point.step && metric.timestamp === point.timestamp;
}

/** Whether MLflow would show `metric` rather than `point`; when only the value differs it is left in doubt. */
function isLater(metric: WireMetric, point: Point): boolean {
  return metric.step === point.step ? metric.timestamp > point.timestamp : metric.step > point.step;
}

async function readLatestPoints(api: RestApi, runId: string): Promise<Map<string, Point>> {
  const answer = await api.find(`read run ${runId}`, {
    path: 'runs/get',
    query: { run_id: runId },
    schema: latestPointsAnswer,
  });
  return new Map((answer?.run.data.metrics ?? []).map((point) => [point.key, point]));
}

/** Every point of a metric of a run, in no order. */
export async function readHistory(
  api: RestApi,
  metric: { readonly runId: string; readonly key: string },
): Promise<Point[]> {
  const points: Point[] = [];
  const seenTokens = new Set<string>();
  let token: string | undefined;
  do {
    const answer = await api.find(`read the metric ${metric.key} of run ${metric.runId}`, {
      path: 'metrics/get-history',
      query: {
        run_id: metric.runId,
        metric_key: metric.key,
        // Without it 3.4 to 3.13 answer nothing and a token for ever (mlflow/mlflow#23916).
        max_results: '25000',
        ...(token === undefined ? {} : { page_token: token }),
      },
      schema: historyAnswer,
    });
    points.push(...(answer?.metrics ?? []));
    token = answer?.next_page_token || undefined;
    if (token !== undefined && seenTokens.has(token)) return points;
    if (token !== undefined) seenTokens.add(token);
  } while (token !== undefined);
  return points;
}
