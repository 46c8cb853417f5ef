/** Traces as MLflow's own API and Overview page tell of them. */

export interface ApiTrace {
  readonly trace_id: string;
  readonly client_request_id?: string;
  readonly request_time: string;
  readonly execution_duration?: string;
  readonly state: string;
  readonly request_preview?: string;
  readonly response_preview?: string;
  readonly trace_metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly assessments?: readonly {
    readonly assessment_id: string;
    readonly assessment_name: string;
    readonly span_id?: string;
    readonly feedback?: { readonly value: unknown };
  }[];
}

export interface ApiSpan {
  readonly span_id: string;
  readonly parent_span_id: string | null;
  readonly name: string;
  readonly start_time_unix_nano: number;
  readonly end_time_unix_nano: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

async function post(url: string, body: object): Promise<unknown> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/** Every trace of an experiment, by time. */
export async function searchTraces(url: string, experimentId: string): Promise<ApiTrace[]> {
  const traces: ApiTrace[] = [];
  let token: string | undefined;
  do {
    const page = (await post(`${url}/api/3.0/mlflow/traces/search`, {
      locations: [
        { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } },
      ],
      max_results: 500,
      order_by: ['timestamp_ms ASC'],
      ...(token === undefined ? {} : { page_token: token }),
    })) as { traces?: ApiTrace[]; next_page_token?: string };
    traces.push(...(page.traces ?? []));
    token = page.next_page_token;
  } while (token !== undefined && token !== '');
  return traces;
}

/** The spans that the page of a trace is given. */
export async function getSpans(url: string, traceId: string): Promise<ApiSpan[]> {
  const answer = await fetch(`${url}/ajax-api/3.0/mlflow/get-trace-artifact?request_id=${traceId}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`spans of ${traceId}: ${answer.status} ${text}`);
  return (JSON.parse(text) as { spans: ApiSpan[] }).spans;
}

/** What the Overview page asks for: one sum (or count, or average) over all traces or spans, by a dimension. */
export async function askOverview(
  url: string,
  asked: {
    readonly experimentId: string;
    readonly view: 'TRACES' | 'SPANS';
    readonly metric: string;
    readonly aggregation: 'SUM' | 'COUNT' | 'AVG';
    readonly by?: string;
  },
): Promise<Map<string, number>> {
  const answer = (await post(`${url}/api/3.0/mlflow/traces/metrics`, {
    experiment_ids: [asked.experimentId],
    view_type: asked.view,
    metric_name: asked.metric,
    aggregations: [{ aggregation_type: asked.aggregation }],
    dimensions: asked.by === undefined ? [] : [asked.by],
  })) as {
    data_points?: {
      dimensions?: Record<string, string>;
      values?: Record<string, number>;
    }[];
  };
  return new Map(
    (answer.data_points ?? []).map((point) => [
      asked.by === undefined ? '' : (point.dimensions?.[asked.by] ?? ''),
      point.values?.[asked.aggregation] ?? Number.NaN,
    ]),
  );
}
