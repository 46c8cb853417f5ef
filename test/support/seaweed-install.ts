/** A real S3 server for the tests, installed by scripts/install-seaweedfs.sh into a cache folder. */
import { installByScript, type Install } from './mlflow-install.ts';

export type SeaweedInstall = Install;

/** Installed when it is not there yet. Never throws: `problem` says why there is none. */
export function installSeaweed(): Promise<SeaweedInstall> {
  return installByScript({ script: 'install-seaweedfs.sh', args: [], name: 'SeaweedFS' });
}
