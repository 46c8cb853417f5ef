/** A real LiteLLM proxy for the tests, installed by scripts/install-litellm.sh into a cache folder. */
import { installByScript, type Install } from './mlflow-install.ts';

export type LitellmInstall = Install;

/** Its environment, installed when it is not there yet. Never throws: `problem` says why there is none. */
export function installLitellm(): Promise<LitellmInstall> {
  return installByScript({ script: 'install-litellm.sh', args: [], name: 'LiteLLM' });
}
