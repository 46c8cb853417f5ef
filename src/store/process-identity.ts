/**
 * Which process this is, for other processes of the same machine, and whether such a process is gone. Linux alone
 * tells enough; elsewhere nothing is ever proved. Rules: proc(5) and namespaces(7) of the Linux manual pages.
 */
import { readFileSync, readlinkSync } from 'node:fs';

export interface ProcessIdentity {
  /** Drawn by the kernel at each boot. */
  readonly bootId: string;
  /**
   * The pid and the time namespace, by their inode numbers. No two that live have the same; a number that comes again
   * belonged to a namespace all of whose processes are gone.
   */
  readonly namespaces: string;
  readonly pid: number;
  /** When it was started, in clock ticks since the boot: a pid that is used again has another one. */
  readonly startedTicks: string;
}

/** Null where the system does not tell, or tells of another process (a `/proc` of another namespace). */
export function readOwnIdentity(): ProcessIdentity | null {
  try {
    const stat = readStat('self');
    if (stat.pid !== process.pid) return null;
    return {
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      namespaces: readNamespaces(),
      pid: process.pid,
      startedTicks: stat.startedTicks,
    };
  } catch (error) {
    if (isSystemError(error)) return null;
    throw error;
  }
}

/**
 * True only where `other` is certain to have ended: it ran on this machine since its last boot, in the namespaces of
 * this process, and its pid is free, belongs to another process by now, or waits as a zombie to be collected.
 */
export function isProvablyGone(other: ProcessIdentity): boolean {
  const own = readOwnIdentity();
  if (own === null || other.bootId !== own.bootId || other.namespaces !== own.namespaces)
    return false;
  if (!isPidInUse(other.pid)) return true;
  try {
    const stat = readStat(String(other.pid));
    return stat.startedTicks !== other.startedTicks || stat.isZombie;
  } catch (error) {
    // It ended just now, or `/proc` is hidden from this user.
    if (isSystemError(error)) return false;
    throw error;
  }
}

/** Asks the kernel itself: `/proc` may hide the processes of other users. */
function isPidInUse(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (isSystemError(error)) return error.code !== 'ESRCH';
    throw error;
  }
}

interface Stat {
  readonly pid: number;
  readonly startedTicks: string;
  /** Ended, with no thread left, and not collected by its parent. */
  readonly isZombie: boolean;
}

/** Throws a system error where there is no such process. */
function readStat(name: string): Stat {
  const text = readFileSync(`/proc/${name}/stat`, 'utf8');
  // The name of the program is in parentheses and may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = ''] = fields;
  const threads = Number(fields[17]);
  const startedTicks = fields[19];
  if (startedTicks === undefined || !/^\d+$/.test(startedTicks))
    throw new Error(`/proc/${name}/stat is not as proc(5) has it`);
  return { pid: Number.parseInt(text, 10), startedTicks, isZombie: state === 'Z' && threads <= 1 };
}

function readNamespaces(): string {
  const pid = readlinkSync('/proc/self/ns/pid');
  try {
    return `${pid} ${readlinkSync('/proc/self/ns/time')}`;
  } catch (error) {
    // Before Linux 5.6 there was only one.
    if (isSystemError(error) && error.code === 'ENOENT') return pid;
    throw error;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error;
}
