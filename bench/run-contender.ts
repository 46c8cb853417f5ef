/** Runs a contender as a child process against the sample server. */
import { once } from 'node:events';
import { execFile, fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Measured, Outcome, Task } from './figures.ts';
import type { SampleMessage, SampleOptions } from './sample-process.ts';

const here = fileURLToPath(new URL('./', import.meta.url));
const run = promisify(execFile);

export interface SampleProcess extends Disposable {
  readonly task: Pick<Task, 'url' | 'publicKey' | 'secretKey' | 'fromMs'>;
  readonly rows: number;
  /** Requests since it was last asked. */
  takeCounts(): Promise<{ readonly requests: number; readonly limited: number }>;
}

/** `module`: the compiled `sample-process`. */
export async function startSample(module: string, options: SampleOptions): Promise<SampleProcess> {
  const child = fork(module, [JSON.stringify(options)]);
  const ready = await nextMessage(child);
  if (ready.kind !== 'ready') throw new Error(`the sample server said ${ready.kind}`);
  const { kind: _kind, rows, ...task } = ready;
  return {
    task,
    rows,
    async takeCounts() {
      child.send('counts');
      const counts = await nextMessage(child);
      if (counts.kind !== 'counts') throw new Error(`the sample server said ${counts.kind}`);
      return counts;
    },
    [Symbol.dispose]: () => {
      child.disconnect();
    },
  };
}

async function nextMessage(child: ChildProcess): Promise<SampleMessage> {
  const ended = new AbortController();
  try {
    const message = once(child, 'message', ended) as Promise<[SampleMessage]>;
    const exit = once(child, 'exit', ended).then(([code]) => {
      throw new Error(`the sample server ended with ${String(code)}`);
    });
    const [first] = await Promise.race([message, exit]);
    return first;
  } finally {
    ended.abort();
  }
}

/** `again` goes on in the folder as another contender left it; every other one begins in an empty one. */
export async function runContender(
  sample: SampleProcess,
  task: Task,
  command: Command,
): Promise<Measured> {
  if (!task.contender.endsWith('again')) rmSync(task.folder, { recursive: true, force: true });
  mkdirSync(task.folder, { recursive: true });
  await sample.takeCounts();
  const { stdout } = await run(command.program, [...command.args, JSON.stringify(task)], {
    maxBuffer: 1 << 26,
  });
  const last = stdout.trim().split('\n').at(-1) ?? '';
  const { requests, limited } = await sample.takeCounts();
  return { ...(JSON.parse(last) as Outcome), requests, limited };
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** `module`: the compiled `contender`. */
export function nodeContender(module: string): Command {
  return { program: process.execPath, args: [module] };
}

/** A Python script beside this file. */
export function pythonContender(script: string, python = 'python3'): Command {
  return { program: python, args: [join(here, 'python', script)] };
}
