/** The command line as it is installed: compiled, in a folder with its migrations, and run as a process. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cache = join(root, '.cache');
const shipped = ['src', 'migrations', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];

let entry: string | null = null;

/** Path of `cli.js`. Compiles once for one state of the source; test files that run at the same time share it. */
function buildCli(): string {
  entry ??= build();
  return entry;
}

function build(): string {
  const name = `cli-${hashSource()}`;
  const folder = join(cache, name);
  const built = join(folder, 'dist', 'cli.js');
  if (existsSync(built)) return built;
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, 'cli-draft-'));
  const config = join(root, 'tsconfig.build.json');
  // Types are checked by `npm run check`.
  const options = ['-p', config, '--outDir', join(draft, 'dist'), '--noCheck'];
  execFileSync(join(root, 'node_modules', '.bin', 'tsc'), options);
  cpSync(join(root, 'migrations'), join(draft, 'migrations'), { recursive: true });
  cpSync(join(root, 'package.json'), join(draft, 'package.json'));
  try {
    renameSync(draft, folder);
  } catch (error) {
    // Another test file was quicker.
    if (!existsSync(built)) throw error;
    rmSync(draft, { recursive: true });
  }
  for (const other of readdirSync(cache)) {
    const isOld = Date.now() - statSync(join(cache, other)).mtimeMs > 3_600_000;
    if (other.startsWith('cli-') && isOld)
      rmSync(join(cache, other), { recursive: true, force: true });
  }
  return built;
}

function hashSource(): string {
  const hash = createHash('sha256');
  for (const path of shipped.flatMap(listFiles)) {
    hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex').slice(0, 16);
}

function listFiles(path: string): string[] {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path), { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((name) => statSync(join(root, name)).isFile())
    .sort();
}

export interface CliCall {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of node itself, before the script. */
  readonly nodeArgs?: readonly string[];
}

export interface CliEnd {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

export interface CliProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<CliEnd>;
  /** Resolves once stderr holds `text`; rejects when the process ends without it. */
  readonly said: (text: string) => Promise<void>;
}

/** Starts the command line with nothing of this process's environment but PATH. */
export function startCli(call: CliCall): CliProcess {
  const startedMs = Date.now();
  const child = spawn(process.execPath, [...(call.nodeArgs ?? []), buildCli(), ...call.args], {
    cwd: call.cwd,
    env: { PATH: process.env['PATH'], ...call.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<CliEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({ code, stdout, stderr, elapsedMs: Date.now() - startedMs }),
    );
  });
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stderr.includes(text)) resolve();
      };
      look();
      child.stderr.on('data', look);
      child.once('close', () => reject(new Error(`ended without "${text}":\n${stderr}`)));
    });
  return { child, ended, said };
}

/** Runs it to its end. */
export function runCli(call: CliCall): Promise<CliEnd> {
  return startCli(call).ended;
}

/** For shell lines (pipes, redirections): `node …/cli.js`, quoted. */
export function cliInShell(): string {
  return `'${process.execPath}' '${buildCli()}'`;
}
