/** One worker at a time on a state file: a lease with a fence that grows with each holder. */
import { AppError } from '../shared/errors.ts';
import { toIso } from '../shared/time.ts';
import { toStateError, type State } from './open-state.ts';
import { isProvablyGone, readOwnIdentity, type ProcessIdentity } from './process-identity.ts';

export interface Lease {
  readonly fence: number;
  /** Whose lease this was, when that worker ended without handing it back. */
  readonly takenFrom: TakenLease | null;
  /** Moves the expiry; throws STATE_BUSY when another worker has taken the lease over. */
  renew(nowMs: number): void;
  /** Throws STATE_BUSY when another worker has taken the lease over, or could have: it ran out before it was renewed. */
  assertHeld(nowMs: number): void;
  release(): void;
}

export interface TakenLease {
  readonly holder: string;
  /** `gone`: that process is not there any more; `expired`: it did not renew its lease in time. */
  readonly why: 'gone' | 'expired';
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
  const take = db.transaction(() => {
    const current = read.get(leaseName) as LeaseRow | undefined;
    if (current && current.expires_ms > request.nowMs && !isHolderGone(current)) {
      throw toBusy(state, current);
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
    return { fence: next, takenFrom: toTakenLease(current, request.nowMs) };
  });
  const { fence, takenFrom } = takeAtOnce(state, request.nowMs, () => take.immediate());
  const renew = db.prepare('UPDATE lease SET expires_ms = ? WHERE name = ? AND fence = ?');
  return {
    fence,
    takenFrom,
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

/** SQLite's lock is held by a worker that writes, and for as long as that one is stopped: it is named as the lease names it. */
function takeAtOnce<Taken>(state: State, nowMs: number, take: () => Taken): Taken {
  try {
    return take();
  } catch (caught) {
    const error = toStateError(caught, state.path);
    if (error === caught || !(error instanceof AppError) || error.code !== 'STATE_BUSY')
      throw error;
    const current = state.reader.prepare('SELECT * FROM lease WHERE name = ?').get(leaseName) as
      | LeaseRow
      | undefined;
    if (current === undefined || current.expires_ms <= nowMs) throw error;
    throw toBusy(state, current, caught);
  }
}

function toBusy(state: State, holding: LeaseRow, cause?: unknown): AppError {
  return new AppError(
    'STATE_BUSY',
    `Another worker (${holding.holder}) is using ${state.path}; its lease runs until ${toIso(holding.expires_ms)}.`,
    { cause },
  );
}

/** Null for a lease that nobody had, or that was handed back. */
function toTakenLease(row: LeaseRow | undefined, nowMs: number): TakenLease | null {
  if (row === undefined || row.expires_ms === 0) return null;
  return { holder: row.holder, why: row.expires_ms > nowMs ? 'gone' : 'expired' };
}

function isHolderGone(row: LeaseRow): boolean {
  const { boot_id: bootId, namespaces, pid, started_ticks: startedTicks } = row;
  if (bootId === null || namespaces === null || pid === null || startedTicks === null) return false;
  const holder: ProcessIdentity = { bootId, namespaces, pid, startedTicks };
  return isProvablyGone(holder);
}
