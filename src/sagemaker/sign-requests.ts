/** Signs what is sent to SageMaker's managed MLflow, and says why a signed request was refused. */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import type { Authoriser, OutgoingRequest, RefusedAnswer } from '../mlflow/rest-auth.ts';
import type { Clock } from '../shared/clock.ts';
import type { AwsCredentials } from './credentials.ts';
import type { ManagedEndpoint } from './managed-endpoint.ts';
import { toNeededActions } from './needed-actions.ts';

/** AWS takes a signature for five minutes. */
const signatureLifeMs = 5 * 60_000;

/**
 * SigV4 by `@smithy/signature-v4` over the exact bytes, anew for each attempt. Only headers that no HTTP client adds
 * or changes are signed. One refusal leads to new credentials or a corrected clock, and one more attempt.
 */
export async function createSigningAuthoriser(parts: {
  readonly endpoint: ManagedEndpoint;
  readonly credentials: AwsCredentials;
  readonly clock: Clock;
}): Promise<Authoriser> {
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const { endpoint, credentials, clock } = parts;
  const signer = new SignatureV4({
    service: endpoint.service,
    region: endpoint.region,
    credentials: credentials.provider,
    sha256: NodeSha256,
  });
  /** AWS's clock minus this machine's, once a refusal has shown that they differ. */
  let skewMs = 0;
  /** True after a refusal that is of IAM and not of the key. */
  let isDenied = false;
  /** Calls may be under way that were signed with earlier ones. */
  const sessionTokens = new Set<string>();

  return {
    get secrets() {
      return [...sessionTokens];
    },
    async authorise(request) {
      // What an artifact location names is not SageMaker's.
      if (request.url.host !== endpoint.base.host) return {};
      // Who was refused is asked before the second attempt, since the message about that may not wait.
      if (isDenied) await credentials.identify();
      const signed = await signer.sign(toSmithyRequest(request, endpoint), {
        signingDate: new Date(clock.now() + skewMs),
      });
      const { host: _, 'content-type': __, ...added } = signed.headers;
      const token = added['x-amz-security-token'];
      if (token !== undefined) sessionTokens.add(token);
      return added;
    },
    onRefused(answer) {
      const apartMs = toSkewMs(answer, clock.now());
      if (apartMs !== null && Math.abs(apartMs - skewMs) > signatureLifeMs) skewMs = apartMs;
      if (isOfKey(answer)) {
        credentials.refresh();
        return;
      }
      // Newer credentials may be allowed more; where there are none, the refusal itself is what is to be told.
      credentials.renew();
      isDenied = true;
    },
    explainRefusal(answer, url) {
      const apartMs = toSkewMs(answer, clock.now());
      // The second attempt was signed by AWS's clock already, so the clock alone does not explain a second refusal.
      const clockText =
        apartMs !== null && Math.abs(apartMs) > signatureLifeMs
          ? ` This machine's clock is ${Math.round(Math.abs(apartMs) / 60_000)} minutes ${apartMs > 0 ? 'behind' : 'ahead of'} that of AWS, and a signature holds for five: set it right.`
          : '';
      return `It was signed with ${credentials.identityText()}, which needs ${toNeededActions(endpoint, url)} on ${endpoint.arn}; langfuse-mlflow doctor --print-iam writes the policy.${clockText}`;
    },
    explainFailure: ({ status, systemCode, hasAnswered }) => {
      if (systemCode === 'ENOTFOUND') {
        return `There is no host ${endpoint.base.hostname}: check the region ${endpoint.region} of the ARN, or SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT.`;
      }
      if (hasAnswered) return null;
      if (status === 500) {
        return `SageMaker answers so where the ARN, sent as ${endpoint.header}, is not that of a server or App behind ${endpoint.base.host}: check its kind, name, region and account.`;
      }
      if (status === 503 && endpoint.service === 'sagemaker-mlflow') {
        return 'The tracking server may be stopped: langfuse-mlflow tracking-server info shows its status, and tracking-server start --wait starts it.';
      }
      return null;
    },
  };
}

/** In AWS's words for a key that it does not take, whatever IAM allows it. */
function isOfKey(answer: RefusedAnswer): boolean {
  return /ExpiredToken|InvalidClientTokenId|UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken|security token|request signature/i.test(
    answer.text,
  );
}

function toSkewMs(answer: RefusedAnswer, nowMs: number): number | null {
  const date = answer.headers.date;
  const dateMs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(dateMs) ? null : dateMs - nowMs;
}

function toSmithyRequest(
  { url, method, headers, body }: OutgoingRequest,
  endpoint: ManagedEndpoint,
): Parameters<InstanceType<typeof import('@smithy/signature-v4').SignatureV4>['sign']>[0] {
  const contentType = headers['content-type'];
  return {
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: {
      host: url.host,
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      [endpoint.header]: endpoint.arn,
    },
    ...(body === null ? {} : { body }),
  };
}

/** SHA-256 and its HMAC of Node, in the shape that the signer asks for. */
class NodeSha256 {
  private hash: Hash | Hmac;
  private readonly secret: Uint8Array | string | null;

  constructor(secret?: unknown) {
    this.secret = typeof secret === 'string' || secret instanceof Uint8Array ? secret : null;
    this.hash = this.begin();
  }

  update(chunk: Uint8Array | string): void {
    this.hash.update(chunk);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()));
  }

  reset(): void {
    this.hash = this.begin();
  }

  private begin(): Hash | Hmac {
    return this.secret === null ? createHash('sha256') : createHmac('sha256', this.secret);
  }
}
