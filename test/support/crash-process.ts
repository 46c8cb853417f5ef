/** The command line as a process that can be killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const tsx = import.meta.resolve('tsx');
const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

export interface WorkerProcess {
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stderr: string;
  }>;
  /** `kill -9`: nothing in the process learns of it. */
  kill(): void;
  /** Halts it where it is, as a machine that sleeps does, and wakes it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Asks it to stop. */
  stop(signal: 'SIGINT' | 'SIGTERM'): void;
}

/** Starts `langfuse-mlflow <args>` in a folder, with no setting but those of `env`. */
export function startWorkerProcess(
  args: readonly string[],
  place: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): WorkerProcess {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(LANGFUSE_|MLFLOW_|SYNC_|AWS_)|_PROXY$/i.test(name),
  );
  const child: ChildProcess = spawn(process.execPath, ['--import', tsx, cli, ...args], {
    cwd: place.cwd,
    env: { ...Object.fromEntries(inherited), ...place.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  return {
    ended: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        process.removeListener('exit', killAtExit);
        resolve({ code, signal, stderr });
      });
    }),
    kill: () => void child.kill('SIGKILL'),
    signal: (signal) => void child.kill(signal),
    stop: (signal) => void child.kill(signal),
  };
}
