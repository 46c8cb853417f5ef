/** What is sent to a link that MLflow signed. The link is the secret: no message, cause or detail repeats it. */
import type { Dispatcher } from 'undici';
import { collectBytes } from '../shared/collect-bytes.ts';
import { AppError } from '../shared/errors.ts';
import { toProxyOptions, type Proxies } from '../shared/proxies.ts';
import { toRetryAfterMs, toSystemCode } from './rest-errors.ts';
import { withRetries, type Outcome, type RetryPolicy } from './rest-retry.ts';
import { mostArtifactBytes, slowestBytesPerSecond } from './proxy-artifacts.ts';

export interface SignedLink {
  readonly url: string;
  /** Part of what was signed, so they must be sent as they are. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface SignedLinks extends AsyncDisposable {
  /** Throws MLFLOW_ARTIFACTS_DENIED, MLFLOW_ARTIFACTS_UNREACHABLE. `at` names the object in messages. */
  put(link: SignedLink, object: { readonly at: string; readonly body: Uint8Array }): Promise<void>;
  /** Null where there is no such object; else as `put`. */
  get(link: SignedLink, object: { readonly at: string }): Promise<Uint8Array | null>;
}

/** Nothing of MLflow's own settings is used but the times and the proxies: a link is for another server, with its own certificate. */
export function createSignedLinks(settings: {
  readonly policy: RetryPolicy;
  readonly timeoutMs: number;
  /** Absent for none. */
  readonly proxies?: Proxies | undefined;
}): SignedLinks {
  const { policy, timeoutMs, proxies } = settings;
  const times = { keepAliveTimeout: 1000, headersTimeout: 0, bodyTimeout: 0 };
  let opened: Promise<{ request: (typeof import('undici'))['request']; agent: Dispatcher }> | null =
    null;
  const open = (): NonNullable<typeof opened> =>
    (opened ??= import('undici').then(({ request, Agent, EnvHttpProxyAgent }) => ({
      request,
      agent:
        proxies === undefined
          ? new Agent(times)
          : new EnvHttpProxyAgent({ ...times, ...toProxyOptions(proxies) }),
    })));

  async function attempt(
    link: SignedLink,
    call: { readonly method: 'GET' | 'PUT'; readonly at: string; readonly body: Uint8Array | null },
  ): Promise<Outcome<{ status: number; bytes: Uint8Array }>> {
    const { request, agent } = await open();
    const { method, at, body } = call;
    const uploadMs = Math.ceil(((body?.byteLength ?? 0) / slowestBytesPerSecond) * 1000);
    const deadline = AbortSignal.timeout(timeoutMs + uploadMs);
    const signal = policy.signal ? AbortSignal.any([deadline, policy.signal]) : deadline;
    try {
      policy.signal?.throwIfAborted();
      const { headers } = link;
      const answer = await request(link.url, { method, headers, body, signal, dispatcher: agent });
      const bytes = await collectBytes(answer.body, mostArtifactBytes);
      const { statusCode: status } = answer;
      if ((status >= 200 && status < 300) || (status === 404 && method === 'GET'))
        return { value: { status, bytes } };
      const isOver = status === 429 || status >= 500;
      const said = `HTTP ${status}${toS3Words(bytes.toString('utf8'))}`;
      return {
        fault: {
          error: new AppError(
            isOver ? 'MLFLOW_ARTIFACTS_UNREACHABLE' : 'MLFLOW_ARTIFACTS_DENIED',
            `The link that MLflow signed for ${at} was answered with ${said}.`,
            { details: { status } },
          ),
          retry: isOver ? 'idempotent' : 'never',
          retryAfterMs: toRetryAfterMs(answer.headers['retry-after'], policy.clock.now()),
        },
      };
    } catch (error) {
      if (policy.signal?.aborted === true) {
        throw new AppError('CANCELLED', `Stopped while an artifact was sent to ${at}.`);
      }
      // Not even as a cause: it may quote the link.
      const why = toSystemCode(error) ?? (error instanceof Error ? error.name : 'no answer');
      return {
        fault: {
          error: new AppError(
            'MLFLOW_ARTIFACTS_UNREACHABLE',
            `The link that MLflow signed for ${at} could not be reached: ${why}.`,
          ),
          retry: 'idempotent',
          retryAfterMs: null,
        },
      };
    }
  }

  return {
    async put(link, { at, body }) {
      await withRetries(policy, {
        isIdempotent: true,
        attempt: () => attempt(link, { method: 'PUT', at, body }),
      });
    },
    async get(link, { at }) {
      const { status, bytes } = await withRetries(policy, {
        isIdempotent: true,
        attempt: () => attempt(link, { method: 'GET', at, body: null }),
      });
      return status === 404 ? null : bytes;
    },
    async [Symbol.asyncDispose]() {
      await (await opened)?.agent.destroy();
    },
  };
}

/** The code alone: S3 repeats what was signed, session token included, in the rest of its answer. */
function toS3Words(xml: string): string {
  const code = /<Code>([A-Za-z]{1,64})<\/Code>/.exec(xml)?.[1];
  return code === undefined ? '' : ` ${code}`;
}
