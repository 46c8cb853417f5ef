/** AWS's STS on loopback (query protocol): signatures are checked, roles are given for a time. */
import { listen, type Answer } from './http.ts';
import { verifySignature, type KnownKey, type SignedRequest } from './verify-signature.ts';

export interface StsDouble extends AsyncDisposable {
  /** For `AWS_ENDPOINT_URL_STS`. */
  readonly url: string;
  readonly keys: Map<string, KnownKey>;
  /** Every question in order, also the refused ones. */
  readonly seen: readonly Readonly<Record<string, string>>[];
  /** Answers 503 from now on. */
  setDown(down: boolean): void;
}

const account = '123456789012';

/** `onIssue`: told of each temporary key, so that other doubles can take it. */
export async function startSts(options: {
  readonly keys: Readonly<Record<string, KnownKey>>;
  readonly region?: string;
  readonly lifeMs?: number;
  readonly onIssue?: (accessKeyId: string, key: KnownKey) => void;
}): Promise<StsDouble> {
  const keys = new Map(Object.entries(options.keys));
  const seen: Record<string, string>[] = [];
  const sessions = new Map<string, string>();
  let isDown = false;

  const answer = (request: SignedRequest): Answer => {
    const form = new URLSearchParams(Buffer.from(request.body).toString());
    const asked = Object.fromEntries(form);
    seen.push(asked);
    if (isDown) return { status: 503, body: '' };
    const verdict = verifySignature(request, {
      service: 'sts',
      region: options.region ?? 'us-east-1',
      keys,
      nowMs: Date.now(),
      mustSign: [],
    });
    if (!verdict.ok) return refuse(verdict.code, verdict.message);
    if (asked['Action'] === 'GetCallerIdentity') {
      const arn = sessions.get(verdict.accessKeyId) ?? `arn:aws:iam::${account}:user/worker`;
      return ok(
        'GetCallerIdentity',
        `<Arn>${arn}</Arn><UserId>AIDA</UserId><Account>${account}</Account>`,
      );
    }
    const accessKeyId = `ASIATEMP${seen.length}`;
    const expiresAtMs = Date.now() + (options.lifeMs ?? 3_600_000);
    const key = {
      secretAccessKey: `secret-${seen.length}`,
      sessionToken: `token-${seen.length}`,
      expiresAtMs,
    };
    keys.set(accessKeyId, key);
    const role = (asked['RoleArn'] ?? '').split('/').at(-1);
    sessions.set(
      accessKeyId,
      `arn:aws:sts::${account}:assumed-role/${role}/${asked['RoleSessionName']}`,
    );
    options.onIssue?.(accessKeyId, key);
    return ok(
      'AssumeRole',
      `<Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${key.secretAccessKey}</SecretAccessKey><SessionToken>${key.sessionToken}</SessionToken><Expiration>${new Date(expiresAtMs).toISOString()}</Expiration></Credentials>`,
    );
  };
  const server = await listen((request) => Promise.resolve(answer(request)));
  return {
    url: server.url,
    keys,
    seen,
    setDown: (down) => {
      isDown = down;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function ok(action: string, result: string): Answer {
  return toXml(
    200,
    `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`,
  );
}

function refuse(code: string, message: string): Answer {
  return toXml(
    403,
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  );
}

function toXml(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'text/xml' }, body };
}
