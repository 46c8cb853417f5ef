/** A target on SageMaker's managed MLflow: signed REST, and artifacts straight to S3. */
import type { ArtifactWriters } from '../mlflow/artifact-uri.ts';
import type { RestSettings } from '../mlflow/rest-settings.ts';
import { openRestTargetWith } from '../mlflow/rest-target.ts';
import type { Target } from '../sync/ports.ts';
import type { AwsCredentials } from './credentials.ts';
import type { ManagedEndpoint } from './managed-endpoint.ts';
import { createSigningAuthoriser } from './sign-requests.ts';

/** AWS names no quota; small servers are said to take 25 a second, and one that takes less says so. */
const managedRequestsPerSecond = 20;

/** Asks nothing: what the server's version is, its front door does not say. Throws SETTINGS_INVALID. */
export async function openSageMakerTarget(
  settings: RestSettings,
  parts: {
    readonly endpoint: ManagedEndpoint;
    readonly credentials: AwsCredentials;
    readonly artifactWriters: ArtifactWriters;
  },
): Promise<Target> {
  const { endpoint, credentials, artifactWriters } = parts;
  return openRestTargetWith(settings, {
    base: endpoint.base,
    targetText: endpoint.arn,
    authoriser: await createSigningAuthoriser({ endpoint, credentials, clock: settings.clock }),
    artifactWriters,
    isManaged: true,
    requestsPerSecond: managedRequestsPerSecond,
  });
}
