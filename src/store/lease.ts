/** One worker at a time on a state file: a lease with a fence that grows with each holder. */
import { AppError } from '../shared/errors.ts';
import { toIso } from '../shared/time.ts';
import type { State } from './open-state.ts';
import { isProvablyGone, readOwnIdentity, type ProcessIdentity } from './process-identity.ts';

export interface Lease {
  readonly fence: number;
  /** Moves the expiry; throws STATE_BUSY when another worker has taken the lease over. */
  renew(nowMs: number): void;
  /** Throws STATE_BUSY when another worker has taken the lease over, or could have: it ran out before it was renewed. */
  assertHeld(nowMs: number): void;
  release(): void;
}

const leaseName = 'sync';
export const leaseMs = 120_000;

interface LeaseRow {
  readonly holder: string;
  readonly fence: number;
  readonly expires_ms: number;
  readonly boot_id: string | null;
  readonly namespaces: string | null;
  readonly pid: number | null;
  readonly started_ticks: string | null;
}

/**
 * Takes the lease, also over an expired one, and over one whose holder was a process of this machine that is provably
 * gone. Throws STATE_BUSY, naming the holder, while another worker holds it or may hold it.
 */
export function takeLease(
  state: State,
  request: { readonly holder: string; readonly nowMs: number },
): Lease {
  const { db } = state;
  const read = db.prepare('SELECT * FROM lease WHERE name = ?');
  const own = readOwnIdentity();
  const fence = db
    .transaction(() => {
      const current = read.get(leaseName) as LeaseRow | undefined;
      if (current && current.expires_ms > request.nowMs && !isHolderGone(current)) {
        throw new AppError(
          'STATE_BUSY',
          `Another worker (${current.holder}) is using ${state.path}; its lease runs until ${toIso(current.expires_ms)}.`,
        );
      }
      const next = (current?.fence ?? 0) + 1;
      db.prepare(
        `INSERT OR REPLACE INTO lease (name, holder, fence, expires_ms, boot_id, namespaces, pid, started_ticks)
         VALUES (@name, @holder, @fence, @expiresMs, @bootId, @namespaces, @pid, @startedTicks)`,
      ).run({
        name: leaseName,
        holder: request.holder,
        fence: next,
        expiresMs: request.nowMs + leaseMs,
        bootId: own?.bootId ?? null,
        namespaces: own?.namespaces ?? null,
        pid: own?.pid ?? null,
        startedTicks: own?.startedTicks ?? null,
      });
      return next;
    })
    .immediate();
  const renew = db.prepare('UPDATE lease SET expires_ms = ? WHERE name = ? AND fence = ?');
  return {
    fence,
    renew: (nowMs) => {
      if (renew.run(nowMs + leaseMs, leaseName, fence).changes === 1) return;
      throw new AppError(
        'STATE_BUSY',
        `Another worker has taken over ${state.path} while this one was stopped.`,
      );
    },
    assertHeld: (nowMs) => {
      const current = read.get(leaseName) as LeaseRow | undefined;
      if (current?.fence === fence && current.expires_ms > nowMs) return;
      throw new AppError(
        'STATE_BUSY',
        current?.fence === fence
          ? `This worker was stopped for so long (until ${toIso(nowMs)}) that its lease on ${state.path} ran out; it writes nothing more.`
          : `Another worker has taken over ${state.path} while this one was stopped.`,
        current?.fence === fence
          ? { hint: 'Run again; the next run goes on where this one ended.' }
          : {},
      );
    },
    release: () => {
      // The row stays, expired, so that the fence keeps growing.
      db.prepare('UPDATE lease SET expires_ms = 0 WHERE name = ? AND fence = ?').run(
        leaseName,
        fence,
      );
    },
  };
}

function isHolderGone(row: LeaseRow): boolean {
  const { boot_id: bootId, namespaces, pid, started_ticks: startedTicks } = row;
  if (bootId === null || namespaces === null || pid === null || startedTicks === null) return false;
  const holder: ProcessIdentity = { bootId, namespaces, pid, startedTicks };
  return isProvablyGone(holder);
}
