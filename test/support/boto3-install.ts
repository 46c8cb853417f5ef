/** What a real MLflow server needs to sign links to S3, installed by scripts/install-boto3.sh into a cache folder. */
import { installByScript, type Install } from './mlflow-install.ts';

export type Boto3Install = Install;

/** Installed when it is not there yet. Never throws: `problem` says why there is none. */
export function installBoto3(): Promise<Boto3Install> {
  return installByScript({ script: 'install-boto3.sh', args: [], name: 'boto3' });
}
