/** The AWS credentials of a run: one place to ask, for signed requests and for S3 alike. */
import { openAwsTransport } from '../shared/aws-transport.ts';
import type { Clock } from '../shared/clock.ts';
import { AppError } from '../shared/errors.ts';
import type { Proxies } from '../shared/proxies.ts';

/** As the AWS SDK has it. */
export interface AwsIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

type AwsChain = () => Promise<AwsIdentity>;

export interface CredentialSettings {
  /** Region of the STS that is asked for a role. */
  readonly region: string | (() => Promise<string>);
  /** A role to assume with what the usual chain gives, for the whole run; null for none. */
  readonly assumeRoleArn: string | null;
  /** What the trust of that role asks for; null for nothing. */
  readonly externalId?: string | null | undefined;
  /** Of the role's sessions; null for `langfuse-mlflow`. */
  readonly roleSessionName?: string | null | undefined;
  /** Another STS than the region's; null for that. */
  readonly stsEndpoint?: string | null | undefined;
  /** Asks STS who these credentials are; without it, they are known by the key alone. */
  readonly askIdentity?: ((provider: () => Promise<AwsIdentity>) => Promise<string>) | undefined;
  /** That STS and the sign-in of a person are reached through; absent or null for none. */
  readonly proxies?: Proxies | null | undefined;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
  /** Stands in for AWS's own chain in tests: called anew for each {@link AwsCredentials.refresh}. */
  readonly openChain?: (() => Promise<AwsChain>) | undefined;
}

export interface AwsCredentials {
  /** What holds now; asked of AWS again before it expires. Throws AWS_CREDENTIALS. */
  readonly provider: () => Promise<AwsIdentity>;
  /** Forgets what is known, also what the SDK keeps of its files, so that the next question is asked anew. */
  readonly refresh: () => void;
  /** Looks for newer ones at the next question, and goes on with these where there are none: for a denial by IAM. */
  readonly renew: () => void;
  /** Asks STS who they are, once a run, so that {@link AwsCredentials.identityText} can say it. Never throws. */
  readonly identify: () => Promise<void>;
  /** Who that is, for messages: an ARN where it is known, else the role or the key's last four characters. Never a secret. */
  readonly identityText: () => string;
}

/** Credentials that expire sooner than this are asked for again while the old ones still hold. */
const aheadMs = 5 * 60_000;
const waitsMs = [500, 2000, 8000];

/**
 * The usual chain of AWS (environment, profile and SSO, web identity, container, instance). A chain that fails in the
 * middle of a run is asked again, and the last good credentials are used for as long as they hold
 * (https://github.com/aws/sagemaker-mlflow/issues/10).
 */
export function openCredentials(settings: CredentialSettings): AwsCredentials {
  const { clock, signal } = settings;
  let chain: Promise<AwsChain> | null = null;
  let known: AwsIdentity | null = null;
  let pending: Promise<AwsIdentity> | null = null;
  /** True until the chain was asked for newer ones. */
  let isDoubted = false;
  let callerArn: string | null = null;
  let asking: Promise<void> | null = null;

  const leftMs = (identity: AwsIdentity): number =>
    identity.expiration === undefined
      ? Number.POSITIVE_INFINITY
      : identity.expiration.getTime() - clock.now();

  async function ask(): Promise<AwsIdentity> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        chain ??= (settings.openChain ?? (() => openAwsChain(settings)))();
        known = await (await chain)();
        isDoubted = false;
        return known;
      } catch (cause) {
        chain = null;
        signal?.throwIfAborted();
        if (known !== null && leftMs(known) > 0) {
          isDoubted = false;
          return known;
        }
        const waitMs = waitsMs[attempt];
        // That there are none at all is no passing fault.
        if (known === null || waitMs === undefined) throw toCredentialError(settings, cause);
        settings.onNotice?.('AWS gave no credentials; asking again.');
        await clock.sleep(waitMs, signal);
      }
    }
  }

  async function provider(): Promise<AwsIdentity> {
    if (known !== null && !isDoubted && leftMs(known) > aheadMs) return known;
    pending ??= ask().finally(() => {
      pending = null;
    });
    return await pending;
  }

  async function identifyOnce(): Promise<void> {
    try {
      callerArn = (await settings.askIdentity?.(provider)) ?? null;
    } catch {
      // The message that wants to name it is about something else; the key names it then.
      callerArn = null;
    }
  }

  return {
    provider,
    renew() {
      chain = null;
      isDoubted = true;
    },
    identify() {
      asking ??= identifyOnce();
      return asking;
    },
    refresh() {
      chain = null;
      // Refused, so no longer good for anything; that there were some still makes a failing chain a passing fault.
      if (known !== null) known = { ...known, expiration: new Date(clock.now()) };
    },
    identityText() {
      if (callerArn !== null) return callerArn;
      if (settings.assumeRoleArn !== null) return `the role ${settings.assumeRoleArn}`;
      return known === null ? 'no known key' : `the access key …${known.accessKeyId.slice(-4)}`;
    },
  };
}

async function openAwsChain(settings: CredentialSettings): Promise<AwsChain> {
  const { fromNodeProviderChain, fromTemporaryCredentials } =
    await import('@aws-sdk/credential-providers');
  const { region } = settings;
  const clientConfig = {
    region: typeof region === 'string' ? region : await region(),
    ...(await openAwsTransport(settings.proxies)),
  };
  // A file that was changed is read again when it is asked for after a refusal.
  const own = fromNodeProviderChain({ clientConfig, ignoreCache: true });
  if (settings.assumeRoleArn === null) return own;
  return fromTemporaryCredentials({
    masterCredentials: own,
    clientConfig: {
      ...clientConfig,
      ...(settings.stsEndpoint ? { endpoint: settings.stsEndpoint } : {}),
    },
    params: {
      RoleArn: settings.assumeRoleArn,
      RoleSessionName: settings.roleSessionName ?? 'langfuse-mlflow',
      ...(settings.externalId ? { ExternalId: settings.externalId } : {}),
    },
  });
}

function toCredentialError(settings: CredentialSettings, cause: unknown): AppError {
  const said = cause instanceof Error ? cause.message.replace(/\s+/g, ' ').slice(0, 300) : '';
  const role = settings.assumeRoleArn;
  return new AppError(
    'AWS_CREDENTIALS',
    role === null
      ? `AWS gave no credentials: ${said}`
      : `The role ${role} could not be assumed: ${said}`,
    { cause },
  );
}
