/** The command line as a process of its own, from the sources. */
import { fileURLToPath } from 'node:url';
import { run } from './mlflow-install.ts';

const tsx = import.meta.resolve('tsx');
const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

/** Runs `langfuse-mlflow <args>` in a folder, with no setting but those of `env`. */
export async function runCli(
  args: readonly string[],
  place: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): ReturnType<typeof run> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(LANGFUSE_|LITELLM_|MLFLOW_|SYNC_|AWS_)/.test(name),
  );
  return run(process.execPath, ['--import', tsx, cli, ...args], {
    cwd: place.cwd,
    env: { ...Object.fromEntries(inherited), ...place.env },
  });
}
