/** Who the worker is to AWS. Nobody needs a permission to ask that. */
import { openAwsTransport } from '../shared/aws-transport.ts';
import { AppError } from '../shared/errors.ts';
import type { Proxies } from '../shared/proxies.ts';
import type { AwsIdentity } from './credentials.ts';

export interface CallerIdentity {
  /** Twelve digits. */
  readonly account: string;
  /** Of a user, or of the session of a role. */
  readonly arn: string;
}

/**
 * STS GetCallerIdentity. Throws AWS_CREDENTIALS where there are none or STS refuses them, SAGEMAKER_UNREACHABLE where
 * it does not answer.
 */
export async function askCallerIdentity(settings: {
  readonly region: string;
  /** Another STS than the region's; null for that. */
  readonly endpoint: string | null;
  readonly provider: () => Promise<AwsIdentity>;
  /** Absent or null for none. */
  readonly proxies?: Proxies | null | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}): Promise<CallerIdentity> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
  const { region, endpoint, provider, signal } = settings;
  const client = new STSClient({
    region,
    credentials: Object.assign(() => provider(), { memoized: true }),
    maxAttempts: 2,
    ...(await openAwsTransport(settings.proxies)),
    ...(endpoint === null ? {} : { endpoint }),
  });
  const deadline = AbortSignal.timeout(settings.timeoutMs);
  try {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}), {
      abortSignal: signal ? AbortSignal.any([deadline, signal]) : deadline,
    });
    return { account: Account ?? 'unknown', arn: Arn ?? 'unknown' };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof AppError || !(error instanceof Error)) throw error;
    const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
    const status = $metadata?.httpStatusCode;
    const said = `sts:GetCallerIdentity in ${region}: ${error.name}, ${error.message.replace(/\.?$/, '.')}`;
    if (status !== undefined && status < 500 && status !== 429) {
      throw new AppError('AWS_CREDENTIALS', `AWS does not take the credentials. ${said}`, {
        cause: error,
        hint: 'Renew them (`aws sso login`, a new session token or key), or set the clock of this machine where AWS speaks of the time.',
      });
    }
    throw new AppError('SAGEMAKER_UNREACHABLE', said, {
      cause: error,
      hint: 'Check that the STS of the region can be reached from here, or name its VPC endpoint with AWS_ENDPOINT_URL_STS.',
    });
  } finally {
    client.destroy();
  }
}
