/**
 * The REST plane of SageMaker's managed MLflow on loopback: it checks each signature, payload and routing header, and
 * hands what is right to a real MLflow server.
 */
import { listen, toJsonAnswer, type Answer } from './http.ts';
import { verifySignature, type KnownKey, type SignedRequest } from './verify-signature.ts';

export interface RestPlane extends AsyncDisposable {
  /** For `SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT`. */
  readonly url: string;
  readonly arn: string;
  /** May be changed at any time: a key that is taken out is unknown from then on. */
  readonly keys: Map<string, KnownKey>;
  /** Every request, also the refused ones, in order. */
  readonly seen: readonly SeenRequest[];
  /** By default real time; a test can move it to see a clock skew. */
  setClock(nowMs: () => number): void;
  /** Answers as a tracking server that was stopped does, until it is started again. */
  setStopped(stopped: boolean): void;
  /** Refuses requests that are signed rightly, as IAM does; `null` allows everything again. */
  setDenied(denied: RegExp | null): void;
  /** The next `times` requests are answered with this instead; `retryAfter` in seconds. */
  failNext(fault: RestFault): void;
}

export interface RestFault {
  readonly status: number;
  readonly times: number;
  readonly retryAfter?: number;
  /** Handed to MLflow first, so that only the answer is lost. Default false. */
  readonly afterHandling?: boolean;
  /** Which requests, matched against `POST /api/2.0/mlflow/runs/create`. Default: all. */
  readonly request?: RegExp;
}

export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly accessKeyId: string | null;
  readonly status: number;
}

const unavailableOnSageMaker =
  /^\/(api|ajax-api)\/[\d.]+\/mlflow-artifacts(\/|$)|^\/v1\/traces(\?|$)/;

/** `mlflowUrl`: a real server with `--no-serve-artifacts`. */
export async function startRestPlane(options: {
  readonly arn: string;
  readonly mlflowUrl: string;
  readonly keys: Readonly<Record<string, KnownKey>>;
}): Promise<RestPlane> {
  const { arn } = options;
  const isApp = arn.includes(':mlflow-app/');
  const header = isApp ? 'x-sm-mlflow-app-arn' : 'x-mlflow-sm-tracking-server-arn';
  const keys = new Map(Object.entries(options.keys));
  const seen: SeenRequest[] = [];
  let now: () => number = Date.now;
  let isStopped = false;
  let denied: RegExp | null = null;
  let fault: RestFault | null = null;

  const server = await listen(async (request) => {
    const verdict = verifySignature(request, {
      service: isApp ? 'sagemaker' : 'sagemaker-mlflow',
      region: arn.split(':')[3] ?? '',
      keys,
      nowMs: now(),
      mustSign: [
        'x-amz-content-sha256',
        ...(request.headers[header] === undefined ? [] : [header]),
      ],
    });
    const answer = await choose(request, verdict);
    seen.push({
      method: request.method,
      target: request.target,
      accessKeyId: verdict.ok ? verdict.accessKeyId : null,
      status: answer.status,
    });
    return { ...answer, headers: { ...answer.headers, date: new Date(now()).toUTCString() } };
  });

  async function choose(
    request: SignedRequest,
    verdict: ReturnType<typeof verifySignature>,
  ): Promise<Answer> {
    if (request.headers[header] === undefined) return toAws(500, 'InternalFailure', '');
    if (!verdict.ok) return toAws(403, verdict.code, verdict.message);
    const named = request.headers[header] ?? '';
    const line = `${request.method} ${request.target}`;
    if (named !== arn || denied?.test(line) === true)
      return toAws(
        403,
        'AccessDeniedException',
        `User: ${verdict.accessKeyId} is not authorized to perform this action on resource: ${named}`,
      );
    if (isStopped) return toAws(503, 'ServiceUnavailable', 'The tracking server is not running.');
    if (unavailableOnSageMaker.test(request.target)) return toAws(404, 'NotFound', 'Not Found');
    if (fault !== null && (fault.request?.test(line) ?? true)) {
      const active = fault;
      fault = active.times > 1 ? { ...active, times: active.times - 1 } : null;
      if (active.afterHandling === true) await handOver(request);
      const answer = toAws(active.status, 'ThrottlingException', 'Rate exceeded');
      return active.retryAfter === undefined
        ? answer
        : { ...answer, headers: { ...answer.headers, 'retry-after': String(active.retryAfter) } };
    }
    return handOver(request);
  }

  async function handOver(request: SignedRequest): Promise<Answer> {
    const type = request.headers['content-type'];
    const answer = await fetch(`${options.mlflowUrl}${request.target}`, {
      method: request.method,
      headers: type === undefined ? {} : { 'content-type': type },
      ...(request.body.length > 0 ? { body: Buffer.from(request.body) } : {}),
    });
    return {
      status: answer.status,
      headers: { 'content-type': answer.headers.get('content-type') ?? 'application/json' },
      body: new Uint8Array(await answer.arrayBuffer()),
    };
  }

  return {
    url: server.url,
    arn,
    keys,
    seen,
    setClock: (clock) => {
      now = clock;
    },
    setStopped: (stopped) => {
      isStopped = stopped;
    },
    setDenied: (pattern) => {
      denied = pattern;
    },
    failNext: (next) => {
      fault = next;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function toAws(status: number, type: string, message: string): Answer {
  return toJsonAnswer(status, { __type: type, message }, 'application/json');
}
