/** Whether a process is gone, by real processes: never said of one that may live. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  isProvablyGone,
  readOwnIdentity,
  type ProcessIdentity,
} from '../../src/store/process-identity.ts';

const module = new URL('../../src/store/process-identity.ts', import.meta.url).href;
const tell = `
  import { readOwnIdentity } from '${module}';
  process.stdout.write(JSON.stringify(readOwnIdentity()) + '\\n');
  setInterval(() => {}, 1000);`;
const nodeArgs = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', tell];

/** A process that tells who it is, and waits. */
async function start(
  command = process.execPath,
  args: readonly string[] = nodeArgs,
): Promise<{ child: ChildProcess; identity: ProcessIdentity }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [told] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, identity: JSON.parse(told.toString()) as ProcessIdentity };
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe.runIf(process.platform === 'linux')('a process of this machine', () => {
  it('lives, stopped or not, until it is killed', async () => {
    const { child, identity } = await start();
    try {
      expect(identity.pid).toBe(child.pid);
      expect(isProvablyGone(identity)).toBe(false);
      child.kill('SIGSTOP');
      expect(isProvablyGone(identity)).toBe(false);
    } finally {
      await end(child);
    }
    expect(isProvablyGone(identity)).toBe(true);
  });

  it('is gone when its pid belongs to a process that was started at another time', async () => {
    const { child, identity } = await start();
    try {
      expect(isProvablyGone({ ...identity, startedTicks: '1' })).toBe(true);
    } finally {
      await end(child);
    }
  });

  it('is gone when it was killed and nobody has collected it', async () => {
    const quoted = [process.execPath, ...nodeArgs].map(
      (arg) => `'${arg.replaceAll("'", "'\\''")}'`,
    );
    // The shell becomes a program that never collects a child.
    const line = `${quoted.join(' ')} & exec sleep 600`;
    const { child, identity } = await start('/bin/sh', ['-c', line]);
    try {
      expect(isProvablyGone(identity)).toBe(false);
      process.kill(identity.pid, 'SIGKILL');
      await expect.poll(() => isProvablyGone(identity), { timeout: 10_000 }).toBe(true);
      // Its pid is still taken.
      process.kill(identity.pid, 0);
    } finally {
      await end(child);
    }
  });

  it('is never said to be gone from another boot, another namespace or by another process', async () => {
    const { child, identity } = await start();
    await end(child);
    expect(isProvablyGone({ ...identity, bootId: 'another' })).toBe(false);
    expect(isProvablyGone({ ...identity, namespaces: 'pid:[1] time:[1]' })).toBe(false);
    const own = readOwnIdentity();
    expect(own === null || isProvablyGone(own)).toBe(false);
  });
});
