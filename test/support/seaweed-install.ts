/** A real S3 server for the tests, installed by scripts/install-seaweedfs.sh into a cache folder. */
import { fileURLToPath } from 'node:url';
import { run } from './mlflow-install.ts';

export type SeaweedInstall =
  | { readonly folder: string; readonly problem: null }
  | { readonly folder: null; readonly problem: string };

const script = fileURLToPath(new URL('../../scripts/install-seaweedfs.sh', import.meta.url));

/** Installed when it is not there yet. Never throws: `problem` says why there is none. */
export async function installSeaweed(): Promise<SeaweedInstall> {
  const notice = setTimeout(
    () => process.stderr.write('Installing SeaweedFS for the tests …\n'),
    2000,
  );
  const { code, stdout, stderr } = await run(script, []);
  clearTimeout(notice);
  const folder = stdout.trim().split('\n').at(-1) ?? '';
  if (code === 0 && folder !== '') return { folder, problem: null };
  const reason = stderr.trim().split('\n').slice(-3).join(' ');
  return { folder: null, problem: `SeaweedFS could not be installed: ${reason}` };
}
