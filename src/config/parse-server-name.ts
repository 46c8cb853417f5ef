import { parseName } from './parse-simple.ts';
import { refusal } from './refusal.ts';

/**
 * Parses the name of a SageMaker tracking server or App. Throws AppError SETTINGS_INVALID with the reason alone.
 * https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeMlflowTrackingServer.html
 */
export function parseServerName(text: string): string {
  const name = parseName(text);
  if (name.startsWith('arn:')) throw refusal('is an ARN; write it as MLFLOW_TRACKING_URI');
  if (/^https?:/i.test(name)) throw refusal('is a URL; write it as MLFLOW_TRACKING_URI');
  if (/^[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,255}$/.test(name)) return name;
  throw refusal('must be letters, digits and hyphens between them, at most 256');
}
