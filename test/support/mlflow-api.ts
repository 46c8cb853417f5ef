/**
 * Reads an MLflow server through its REST API, for tests that check what was written. Shares no code with
 * the product.
 */

export interface ApiRun {
  readonly runId: string;
  readonly name: string;
  readonly status: string;
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  readonly artifactUri: string;
  readonly tags: Record<string, string>;
  readonly params: Record<string, string>;
  /** Latest values, as MLflow shows them; NaN as the string that it sends. */
  readonly metrics: Record<string, number | string>;
}

export interface ApiPoint {
  readonly value: number | string;
  readonly step: number;
  readonly timestampMs: number;
}

export interface MlflowApi {
  findExperimentId(name: string): Promise<string>;
  /** Every active run of the experiment, over all pages. */
  searchRuns(experimentId: string, filter?: string): Promise<ApiRun[]>;
  getHistory(runId: string, metric: string): Promise<ApiPoint[]>;
  /** Paths below `path`, as the server lists them. */
  listArtifacts(runId: string, path?: string): Promise<string[]>;
  /** The bytes that the server's UI would be given. */
  downloadArtifact(runId: string, path: string): Promise<Buffer>;
}

interface WirePair<Value> {
  readonly key: string;
  readonly value: Value;
}

interface WireRun {
  readonly info: {
    readonly run_id: string;
    readonly run_name: string;
    readonly status: string;
    readonly start_time?: number;
    readonly end_time?: number;
    readonly artifact_uri: string;
  };
  readonly data: {
    readonly tags?: WirePair<string>[];
    readonly params?: WirePair<string>[];
    readonly metrics?: WirePair<number | string>[];
  };
}

export function createMlflowApi(url: string, extra: Record<string, string> = {}): MlflowApi {
  const api = `${url}/api/2.0/mlflow`;
  // A server that has just closed an idle connection would fail the next request on it.
  const headers = { ...extra, connection: 'close' };

  async function get<T>(path: string, query: Record<string, string>): Promise<T> {
    return toJson<T>(
      await fetch(`${api}/${path}?${new URLSearchParams(query).toString()}`, { headers }),
    );
  }

  return {
    async findExperimentId(name) {
      const answer = await get<{ experiment: { experiment_id: string } }>(
        'experiments/get-by-name',
        {
          experiment_name: name,
        },
      );
      return answer.experiment.experiment_id;
    },

    async searchRuns(experimentId, filter = '') {
      const runs: ApiRun[] = [];
      let token: string | undefined;
      do {
        const body = {
          experiment_ids: [experimentId],
          filter,
          max_results: 200,
          page_token: token,
        };
        const answer = await toJson<{ runs?: WireRun[]; next_page_token?: string }>(
          await fetch(`${api}/runs/search`, {
            method: 'POST',
            headers: { ...headers, 'content-type': 'application/json' },
            body: JSON.stringify(body),
          }),
        );
        runs.push(...(answer.runs ?? []).map(toApiRun));
        token = answer.next_page_token;
      } while (token !== undefined && token !== '');
      return runs;
    },

    async getHistory(runId, metric) {
      const points: ApiPoint[] = [];
      let token: string | undefined;
      do {
        const answer = await get<{
          metrics?: { value: number | string; step?: number; timestamp: number }[];
          next_page_token?: string;
        }>('metrics/get-history', {
          run_id: runId,
          metric_key: metric,
          // Without it MLflow 3.4 to 3.13 return nothing and an endless token (mlflow/mlflow#23916).
          max_results: '25000',
          ...(token === undefined ? {} : { page_token: token }),
        });
        for (const { value, step, timestamp } of answer.metrics ?? []) {
          points.push({ value, step: step ?? 0, timestampMs: timestamp });
        }
        token = answer.next_page_token;
      } while (token !== undefined && token !== '');
      return points.toSorted((a, b) => a.step - b.step || a.timestampMs - b.timestampMs);
    },

    async listArtifacts(runId, path = '') {
      const answer = await get<{ files?: { path: string }[] }>('artifacts/list', {
        run_id: runId,
        path,
      });
      return (answer.files ?? []).map((file) => file.path);
    },

    async downloadArtifact(runId, path) {
      const query = new URLSearchParams({ run_uuid: runId, path });
      const answer = await fetch(`${url}/get-artifact?${query.toString()}`, { headers });
      if (!answer.ok)
        throw new Error(`get-artifact ${path}: ${answer.status} ${await answer.text()}`);
      return Buffer.from(await answer.arrayBuffer());
    },
  };
}

async function toJson<T>(answer: Response): Promise<T> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status} ${text}`);
  return JSON.parse(text) as T;
}

function toApiRun({ info, data }: WireRun): ApiRun {
  return {
    runId: info.run_id,
    name: info.run_name,
    status: info.status,
    startMs: info.start_time,
    endMs: info.end_time,
    artifactUri: info.artifact_uri,
    tags: toRecord(data.tags),
    params: toRecord(data.params),
    metrics: toRecord(data.metrics),
  };
}

function toRecord<Value>(pairs: readonly WirePair<Value>[] = []): Record<string, Value> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}
