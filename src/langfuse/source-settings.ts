/** What the reading room is told: one object, made by the configuration. */
import type { Clock } from '../shared/clock.ts';

export type SourceNoticeKind =
  /** Langfuse asked to wait (429). */
  | 'rate_limited'
  /** A request failed in a way that passes, and is sent again. */
  | 'retrying'
  /** Langfuse could not answer for so many rows or so long a span; a smaller part is asked for. */
  | 'shrinking'
  /** Something was read that is not delivered as a row; the message says what became of it. */
  | 'left_out';

export interface SourceNotice {
  readonly kind: SourceNoticeKind;
  /** A sentence without secrets. */
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface SourceSettings {
  /** May have a base path; `/api/public` is appended. */
  readonly baseUrl: string;
  readonly publicKey: string;
  readonly secretKey: string;
  /** Rows a page; cut to what an endpoint allows (1000 for v2 observations, else 100). Default 1000. */
  readonly pageSize?: number;
  /** Rows of the first page of the content pass of the v2 reader; later pages follow the size of the answers. Default 100. */
  readonly contentPageSize?: number;
  /** Time slices of a window that are read at once. */
  readonly concurrency: number;
  /** Deadline of one request, body included. */
  readonly timeoutMs: number;
  /** The largest answer that is held, unpacked; a larger one is asked for in parts. Default 64 MiB. */
  readonly maxAnswerBytes?: number;
  /** The longest that one request may wait in all, and that all 429 answers together may make a run wait. */
  readonly maxWaitMs: number;
  readonly reader: 'auto' | 'v2' | 'legacy';
  /** Only observations and scores of these environments; every environment when absent or empty. */
  readonly environments?: readonly string[];
  readonly clock: Clock;
  /** Spreads retries; 0 ≤ x < 1. The millisecond of the clock when absent. */
  readonly random?: () => number;
  readonly onNotice?: (notice: SourceNotice) => void;
  /** Told of each attempt of a request: its HTTP status, null where no answer came. */
  readonly onCall?: (status: number | null) => void;
  /** Ends the probe. */
  readonly signal?: AbortSignal;
}
