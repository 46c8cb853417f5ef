import { AppError } from '../shared/errors.ts';

/** One call to the control plane, for messages. */
export interface ControlCall {
  /** As IAM policies name it. */
  readonly action: string;
  readonly resource: string;
}

const credentialNames = new Set(['CredentialsProviderError', 'TokenProviderError']);
const badKeyNames = new Set([
  'ExpiredTokenException',
  'ExpiredToken',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'IncompleteSignatureException',
  'MissingAuthenticationTokenException',
]);

/** Translates what the AWS SDK throws, once: which action on which thing, AWS's own words, and the next step. */
export function toControlError(
  error: unknown,
  call: ControlCall & { readonly region: string },
): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error;
  const options = { cause: error, details: { action: call.action, resource: call.resource } };
  const what = `${call.action} on ${call.resource} in ${call.region}`;
  const words = `${error.name}: ${error.message.replace(/\.?$/, '.')}`;
  const status = readStatus(error);
  if (credentialNames.has(error.name)) {
    return new AppError('SAGEMAKER_DENIED', `No AWS credentials were found for ${what}.`, {
      ...options,
      hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the pod a role; the usual AWS chain is searched, --env-file is not.',
    });
  }
  if (badKeyNames.has(error.name)) {
    return new AppError('SAGEMAKER_DENIED', `${what} was refused: ${words}`, {
      ...options,
      hint: 'Renew the AWS credentials (`aws sso login`, or a new session token); where AWS speaks of the time, set the clock of this machine.',
    });
  }
  if (error.name === 'AccessDeniedException' || error.name === 'AccessDenied' || status === 403) {
    return new AppError('SAGEMAKER_DENIED', `${what} was refused: ${words}`, {
      ...options,
      hint: `Allow ${call.action} for the identity named above; \`langfuse-mlflow doctor --print-iam\` writes the whole policy.`,
    });
  }
  if (
    error.name === 'ResourceNotFound' ||
    (error.name === 'ValidationException' && /does not exist|not found/i.test(error.message))
  ) {
    return new AppError(
      'SAGEMAKER_NOT_FOUND',
      `There is no ${call.resource} in ${call.region}: ${words}`,
      options,
    );
  }
  if (
    error.name === 'ConflictException' ||
    (error.name === 'ValidationException' && /currently in status/i.test(error.message))
  ) {
    return new AppError('SAGEMAKER_CONFLICT', `${what} cannot be done now: ${words}`, options);
  }
  if (status === null || status >= 500 || status === 429 || /throttl/i.test(error.name)) {
    return new AppError('SAGEMAKER_UNREACHABLE', `${what} failed: ${words}`, options);
  }
  return new AppError('SAGEMAKER_UNEXPECTED', `${what} was answered with ${words}`, options);
}

function readStatus(error: Error): number | null {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: unknown } };
  const status = $metadata?.httpStatusCode;
  return typeof status === 'number' ? status : null;
}
