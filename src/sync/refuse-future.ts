/** Names the windows that are past by this machine's clock alone: a worker whose clock is ahead does not read them. */
import type { Clock } from '../shared/clock.ts';
import { AppError } from '../shared/errors.ts';
import { toInstant, toIso, type InstantMs, type Interval } from '../shared/time.ts';
import type { SyncRequest } from './make-plan.ts';
import { settledEnd } from './plan-windows.ts';
import type { SourceDescription } from './ports.ts';
import type { SyncSettings } from './sync-settings.ts';
import { toTrustedNow } from './trusted-now.ts';
import { alignDown, alignUp } from './windows.ts';

export interface RefusedFuture {
  /** From the start of the first to the end of the last window. */
  readonly span: Interval;
  /** CLOCK_AHEAD */
  readonly error: AppError;
}

/**
 * Null where both clocks agree on what has settled of the asked windows. Throws CLOCK_AHEAD for a backfill of which
 * nothing could be read, and for one in shards, which must agree on their windows.
 */
export function refuseFuture(
  parts: {
    readonly source: { readonly description: SourceDescription };
    readonly settings: Pick<SyncSettings, 'windowMs' | 'settleMs'>;
    /** This machine's own. */
    readonly clock: Clock;
  },
  asked: { readonly request: SyncRequest; readonly startMs: number },
): RefusedFuture | null {
  const { request, startMs } = asked;
  if (request.kind === 'merge' || request.kind === 'quarantined') return null;
  const { windowMs, settleMs } = parts.settings;
  const localMs = parts.clock.now();
  const skewMs = parts.source.description.clockSkewMs;
  const range =
    request.kind === 'sync'
      ? { fromMs: startMs, toMs: Number.POSITIVE_INFINITY }
      : { fromMs: alignDown(request.fromMs, windowMs), toMs: alignUp(request.toMs, windowMs) };
  const endBy = (nowMs: InstantMs): InstantMs => settledEnd({ nowMs, windowMs, settleMs });
  const fromMs = Math.max(range.fromMs, endBy(toTrustedNow({ localMs, skewMs })));
  const toMs = Math.min(range.toMs, endBy(localMs));
  if (toMs <= fromMs) return null;
  const future = toRefused({ fromMs: toInstant(fromMs), toMs: toInstant(toMs) }, skewMs ?? 0);
  const isNothingElse = request.kind === 'backfill' && fromMs === range.fromMs;
  if (isNothingElse || (request.kind === 'backfill' && request.shard !== undefined)) {
    throw future.error;
  }
  return future;
}

function toRefused(span: Interval, skewMs: number): RefusedFuture {
  const aheadS = Math.ceil(-skewMs / 1000);
  const [from, to] = [toIso(span.fromMs), toIso(span.toMs)];
  const error = new AppError(
    'CLOCK_AHEAD',
    `This machine's clock is ${aheadS} s ahead of Langfuse's (its Date header), by which ${from} to ${to} has not settled yet; that time was not read.`,
    { details: { ahead_s: aheadS, from, to } },
  );
  return { span, error };
}
