/** Real MLflow versions for the tests, installed by scripts/install-mlflow.sh into a cache folder. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `newest` on PyPI, and `old`: 2.10, the oldest that the product writes to. */
export const mlflowVersions = ['newest', 'old'] as const;
export type MlflowVersion = (typeof mlflowVersions)[number];

/** A folder with what was asked for, or why there is none. */
export type Install =
  | { readonly folder: string; readonly problem: null }
  | { readonly folder: null; readonly problem: string };

export type MlflowInstall = Install;

/** The environment of one version, installed when it is not there yet. Never throws: `problem` says why there is none. */
export function installMlflow(version: MlflowVersion): Promise<MlflowInstall> {
  return installByScript({
    script: 'install-mlflow.sh',
    args: [version],
    name: `MLflow (${version})`,
  });
}

/** Runs one of `scripts/install-*.sh`, which prints the folder on its last line. Never throws. */
export async function installByScript(wanted: {
  readonly script: string;
  readonly args: readonly string[];
  /** For messages. */
  readonly name: string;
}): Promise<Install> {
  // The first time takes a minute or two, which should not look like a hang.
  const notice = setTimeout(
    () => process.stderr.write(`Installing ${wanted.name} for the tests …\n`),
    2000,
  );
  const script = fileURLToPath(new URL(`../../scripts/${wanted.script}`, import.meta.url));
  const { code, stdout, stderr } = await run(script, wanted.args);
  clearTimeout(notice);
  const folder = stdout.trim().split('\n').at(-1) ?? '';
  if (code === 0 && folder !== '') return { folder, problem: null };
  const reason = stderr.trim().split('\n').slice(-3).join(' ');
  return { folder: null, problem: `${wanted.name} could not be installed: ${reason}` };
}

/** A program of an installed version, e.g. `mlflow` or `python`. */
export function mlflowProgram(folder: string, name: string): string {
  return join(folder, 'bin', name);
}

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; a program that can't be started ends with code null. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', (error) =>
      resolve({ code: null, stdout, stderr: `${stderr}${error.message}` }),
    );
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
