/** The three ways in which the worker is run, each by its own words: the crontab's line, backfill, the CronJob's pod. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cliInShell, startCli } from '../cli/built-cli.ts';
import type { KubernetesObject, PodSpec } from './kubernetes.ts';

/** Where one of them runs: its folder, and the settings that lead to the sample Langfuse. */
export interface NightPlace {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Night {
  /** Of the worker itself. Rejects when it ends before it is known. */
  readonly pid: () => Promise<number>;
  /** `code` as a shell tells it: 137 for one that was killed. */
  readonly ended: Promise<{ readonly code: number; readonly said: string }>;
}

/** Runs the crontab's `sync` line as cron does, with its three paths inside the place. */
export function startByCron(place: NightPlace): Night {
  const text = readFileSync(new URL('../../crontab', import.meta.url), 'utf8');
  const command = /^17 +2 +\* +\* +\* +(.+)$/m.exec(text)?.[1];
  if (command === undefined) throw new Error('no line of 02:17 in the crontab');
  const programs = join(place.path, 'bin');
  mkdirSync(programs, { recursive: true });
  const number = `${Date.now()}-${Math.random()}`;
  const pidFile = join(place.path, `pid-${number}`);
  const log = join(place.path, `log-${number}`);
  const settings = join(place.path, 'settings.env');
  const program = join(programs, 'langfuse-mlflow');
  // `exec` keeps the process, so that its number is the worker's.
  const lines = ['#!/bin/sh', 'echo $$ > "$PID_FILE"', `exec ${cliInShell()} "$@"`, ''];
  writeFileSync(program, lines.join('\n'));
  chmodSync(program, 0o755);
  const assigned = Object.entries(place.env).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(settings, assigned.join(''), { mode: 0o600 });
  const child = spawn('/bin/sh', ['-c', command], {
    cwd: '/',
    env: {
      PATH: `${programs}:/usr/local/bin:/usr/bin:/bin`,
      HOME: place.path,
      FOLDER: place.path,
      SETTINGS: settings,
      LOG: log,
      PID_FILE: pidFile,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let mail = '';
  child.stdout.on('data', (chunk: Buffer) => (mail += chunk.toString()));
  let isOver = false;
  const ended = new Promise<{ code: number; said: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      isOver = true;
      // cron is told by the mail alone: no mail, no failure.
      const code = mail === '' ? 0 : Number(/ended with exit code (\d+);/.exec(mail)?.[1]);
      resolve({ code, said: `${mail}${readFileSync(log, 'utf8')}` });
    });
  });
  const pid = async (): Promise<number> => {
    for (;;) {
      const found = readPid(pidFile);
      if (found !== null) return found;
      if (isOver) throw new Error(`it ended at once: ${mail}`);
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
  };
  return { pid, ended };
}

function readPid(file: string): number | null {
  try {
    return Number(readFileSync(file, 'utf8').trim()) || null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

export function startByCommand(place: NightPlace, args: readonly string[]): Night {
  const { child, ended } = startCli({ args, cwd: place.path, env: place.env });
  const pid = (): Promise<number> =>
    child.pid === undefined ? Promise.reject(new Error('not started')) : Promise.resolve(child.pid);
  return {
    pid,
    ended: ended.then(({ code, stdout, stderr }) => ({
      code: code ?? 128 + (child.signalCode === 'SIGKILL' ? 9 : 15),
      said: `${stdout}${stderr}`,
    })),
  };
}

/**
 * What a rendered pod of the image runs, with its own words and environment: its mounts are folders of the place, and
 * only the two addresses and the times of the place are put over the rendered settings.
 */
export function startPod(
  place: NightPlace,
  pod: {
    readonly spec: PodSpec;
    readonly objects: readonly KubernetesObject[];
    /** Of a pod of an Indexed Job. */
    readonly index?: number;
  },
): Night {
  const [container] = pod.spec.containers;
  if (container === undefined) throw new Error('a pod without a container');
  const index = pod.index === undefined ? {} : { JOB_COMPLETION_INDEX: String(pod.index) };
  const folders = new Map(
    container.volumeMounts.map(({ name, mountPath }) => [
      `${mountPath}/`,
      `${name === 'data' ? place.path : join(place.path, name)}/`,
    ]),
  );
  // In one pass: what was put in may begin like a mount.
  const mounts = new RegExp([...folders.keys()].join('|'), 'g');
  const mounted = (text: string): string =>
    text.replaceAll(mounts, (mount) => folders.get(mount) ?? mount);
  const args = container.args.map((word) =>
    mounted(word.replaceAll('$(JOB_COMPLETION_INDEX)', index.JOB_COMPLETION_INDEX ?? '')),
  );
  const { LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY, ...others } = place.env;
  mkdirSync(join(place.path, 'secrets'), { recursive: true });
  for (const [name, value] of Object.entries({ LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY })) {
    writeFileSync(join(place.path, 'secrets', name), value ?? '', { mode: 0o600 });
  }
  const rendered = container.envFrom.flatMap((from) => {
    const name = from['configMapRef']?.name;
    const data = pod.objects.find(
      ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name,
    )?.data;
    if (data === undefined) throw new Error(`no ConfigMap ${name}`);
    return Object.entries(data).map(([setting, value]) => [setting, mounted(value)] as const);
  });
  const env = {
    ...Object.fromEntries(rendered),
    MLFLOW_TRACKING_URI: 'sqlite:///mlflow.db',
    ...others,
    ...index,
  };
  return startByCommand({ path: place.path, env }, args);
}
