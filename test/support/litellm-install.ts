/** A real LiteLLM proxy for the tests, installed by scripts/install-litellm.sh into a cache folder. */
import { fileURLToPath } from 'node:url';
import { run } from './mlflow-install.ts';

export type LitellmInstall =
  | { readonly folder: string; readonly problem: null }
  | { readonly folder: null; readonly problem: string };

const script = fileURLToPath(new URL('../../scripts/install-litellm.sh', import.meta.url));

/** Its environment, installed when it is not there yet. Never throws: `problem` says why there is none. */
export async function installLitellm(): Promise<LitellmInstall> {
  const notice = setTimeout(
    () => process.stderr.write('Installing LiteLLM for the tests …\n'),
    2000,
  );
  const { code, stdout, stderr } = await run(script, []);
  clearTimeout(notice);
  const folder = stdout.trim().split('\n').at(-1) ?? '';
  if (code === 0 && folder !== '') return { folder, problem: null };
  const reason = stderr.trim().split('\n').slice(-3).join(' ');
  return { folder: null, problem: `LiteLLM could not be installed: ${reason}` };
}
