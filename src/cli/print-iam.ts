import { findConfiguredTarget, openConfiguredControlPlane } from '../app-aws.ts';
import { toWorkerPolicy } from '../sagemaker/iam-policy.ts';
import { toManagedRef } from '../sagemaker/managed-mlflow.ts';
import { AppError, ExitCode, rewordError } from '../shared/errors.ts';
import type { CliSurroundings } from './surroundings.ts';
import { withSettings } from './with-settings.ts';

/** `doctor --print-iam`: the least policy for this configuration, as JSON that IAM takes. Needs no keys of Langfuse. */
export async function printIam(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
  artifactRoot: string | null,
): Promise<void> {
  await withSettings(around, { name: 'tracking-server', flags }, async (command) => {
    const { state, aws } = command.settings;
    const trackingUri = await findConfiguredTarget(command);
    if (trackingUri.kind !== 'sagemaker') {
      throw new AppError('SETTINGS_INVALID', 'MLFLOW_TRACKING_URI is not the ARN of an MLflow.', {
        hint: 'Set it, or MLFLOW_TRACKING_SERVER_NAME: `langfuse-mlflow tracking-server info NAME --env` prints the line.',
      });
    }
    const { arn, region } = trackingUri;
    const ref = toManagedRef(trackingUri);
    if (artifactRoot !== null && !/^s3:\/\/[^/]+/.test(artifactRoot)) {
      throw new AppError('USAGE', `--artifact-root must be s3://bucket/prefix.`);
    }
    const known = { artifactStore: artifactRoot, kmsKeyArn: null };
    const { artifactStore, kmsKeyArn } = artifactRoot === null ? await describe() : known;
    const policy = toWorkerPolicy({
      kind: ref.kind,
      arn,
      artifactRoot: artifactStore,
      kmsKeys: [aws.artifactKmsKeyId, kmsKeyArn].filter((key) => key !== null),
      backup: state.backup,
    });
    return {
      exitCode: ExitCode.done,
      text: `${JSON.stringify(policy, null, 2)}\n`,
      json: { policy },
    };

    async function describe(): Promise<{ artifactStore: string | null; kmsKeyArn: string | null }> {
      using plane = await openConfiguredControlPlane(command, region);
      try {
        return await plane.describe(ref);
      } catch (error) {
        if (!(error instanceof AppError) || error.code === 'CANCELLED') throw error;
        throw rewordError(error, {
          hint: 'The place of the artifacts could not be looked up; give it with --artifact-root s3://bucket/prefix.',
        });
      }
    }
  });
}
