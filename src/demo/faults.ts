/** The ways in which the sample server can be told to fail, each on chosen requests. */
import { loginPage, refusal, type HttpAnswer } from './http-answer.ts';
import { tooManyRequests } from './rate-limits.ts';

/** What a fault is matched against, and what tests read back. */
export interface SampleRequest {
  readonly method: string;
  /** Below the base path: `/api/public/v2/observations`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Without `authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Null while it is being answered, and where the connection was cut instead. */
  status: number | null;
  /** True when the client went away before the answer was complete. */
  isAborted: boolean;
}

export type FaultAction =
  /** Any status; the body is Langfuse's JSON unless `html` (a proxy's page) or `text` is asked for. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly message?: string;
      readonly format?: 'json' | 'html' | 'text';
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** 429; `retryAfterSeconds: null` without the header. */
  | {
      readonly kind: 'rate_limited';
      readonly retryAfterSeconds: number | null;
      readonly format?: 'json' | 'text';
    }
  /** ClickHouse gives up on a page with more rows, or a slice longer, than allowed. */
  | {
      readonly kind: 'too_large';
      readonly maxRows?: number;
      readonly maxSpanMs?: number;
      readonly status?: 422 | 524 | 500;
    }
  /** ... on any page with this row, unless it has at most `maxRows` rows (0: always). */
  | {
      readonly kind: 'poison_row';
      readonly id: string;
      readonly maxRows: number;
      readonly onlyWithContent?: boolean;
      readonly status?: 422 | 524 | 500;
    }
  /** No rows, and a cursor that goes on from the same place. */
  | { readonly kind: 'empty_page' }
  /** 200 and no row, as of a list whose table is not written (langfuse/langfuse#16983). */
  | { readonly kind: 'empty_list' }
  /** The cursor that was sent comes back. */
  | { readonly kind: 'repeated_cursor' }
  /** Something that is no observation, put before the page's rows. */
  | { readonly kind: 'malformed_row'; readonly row?: unknown }
  | { readonly kind: 'login_page' }
  | { readonly kind: 'redirect'; readonly location?: string }
  | { readonly kind: 'truncated_json' }
  | { readonly kind: 'reset'; readonly at: 'before_headers' | 'mid_body' }
  | { readonly kind: 'stall'; readonly at: 'before_headers' | 'mid_body' }
  | { readonly kind: 'delay'; readonly delayMs: number };

export type SampleFault = FaultAction & {
  /** Exact path, a prefix ending with `*`, or a pattern; without it every request. */
  readonly path?: string | RegExp;
  /** A further condition on the request. */
  readonly when?: (request: SampleRequest) => boolean;
  /** Matching requests that pass unharmed first. */
  readonly skip?: number;
  /** How many matching requests fail after those; without it all of them. */
  readonly times?: number;
};

/** The breakage of the connection itself, on top of an answer. */
export type Breakage =
  | { readonly kind: 'truncated_json' }
  | { readonly kind: 'reset' | 'stall'; readonly at: 'before_headers' | 'mid_body' };

export interface FaultedAnswer {
  readonly answer: HttpAnswer;
  readonly breakage: Breakage | null;
  readonly delayMs: number;
}

export interface FaultPlan {
  /** Applies what is due on this request; `answerPlainly` runs the route. */
  apply(request: SampleRequest, answerPlainly: () => HttpAnswer): FaultedAnswer;
}

/** Status of a query that ClickHouse gave up on, by server version. */
export type TimeoutStatus = 422 | 524 | 500;

/** A plan over `faults`; each keeps its own count of matching requests. */
export function createFaultPlan(
  faults: readonly SampleFault[],
  server: {
    readonly timeoutStatus: TimeoutStatus;
    readonly rateLimitBody: 'json' | 'text';
    readonly now: () => number;
  },
): FaultPlan {
  const seen = faults.map(() => 0);
  return {
    apply(request, answerPlainly) {
      const due = faults.filter((fault, index) => {
        if (!isMatch(fault, request)) return false;
        const nth = seen[index] ?? 0;
        seen[index] = nth + 1;
        const skip = fault.skip ?? 0;
        return nth >= skip && nth < skip + (fault.times ?? Number.POSITIVE_INFINITY);
      });
      let answer: HttpAnswer | null = null;
      let breakage: Breakage | null = null;
      let delayMs = 0;
      for (const fault of due) answer ??= toReplacement(fault, server);
      answer ??= answerPlainly();
      for (const fault of due) {
        if (answer.status === 200) answer = changeAnswer(fault, { request, answer, server });
        if (fault.kind === 'reset' || fault.kind === 'stall') {
          breakage = { kind: fault.kind, at: fault.at };
        } else if (fault.kind === 'truncated_json') breakage = { kind: 'truncated_json' };
        else if (fault.kind === 'delay') delayMs += fault.delayMs;
      }
      return { answer, breakage, delayMs };
    },
  };
}

function isMatch(fault: SampleFault, request: SampleRequest): boolean {
  const { path } = fault;
  const isPath =
    path === undefined ||
    (typeof path === 'string'
      ? path.endsWith('*')
        ? request.path.startsWith(path.slice(0, -1))
        : request.path === path
      : path.test(request.path));
  return isPath && (fault.when?.(request) ?? true);
}

function toReplacement(
  fault: SampleFault,
  server: { readonly rateLimitBody: 'json' | 'text'; readonly now: () => number },
): HttpAnswer | null {
  switch (fault.kind) {
    case 'status':
      return toStatus(fault);
    case 'rate_limited':
      return tooManyRequests({
        retryAfterSeconds: fault.retryAfterSeconds,
        limit: 30,
        remaining: 0,
        resetMs: server.now() + (fault.retryAfterSeconds ?? 0) * 1000,
        body: fault.format ?? server.rateLimitBody,
      });
    case 'login_page':
      return loginPage;
    case 'redirect':
      return {
        status: 302,
        headers: { Location: fault.location ?? '/auth/sign-in' },
        text: 'Found',
      };
    default:
      return null;
  }
}

const statusMessages: Readonly<Record<number, string>> = {
  401: "Invalid credentials. Confirm that you've configured the correct host.",
  403: 'Invalid API key. Are you using an organization key?',
  410: 'This legacy API is not available for new organizations. Use GET /api/public/v2/observations instead.',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

function toStatus(fault: {
  readonly status: number;
  readonly message?: string;
  readonly format?: 'json' | 'html' | 'text';
  readonly headers?: Readonly<Record<string, string>>;
}): HttpAnswer {
  const message = fault.message ?? statusMessages[fault.status] ?? `Status ${fault.status}`;
  const head = { status: fault.status, ...(fault.headers ? { headers: fault.headers } : {}) };
  if (fault.format === 'text') return { ...head, text: message };
  if (fault.format === 'html') {
    return {
      ...head,
      html: `<html><head><title>${fault.status} ${message}</title></head><body><center><h1>${fault.status} ${message}</h1></center><hr></body></html>`,
    };
  }
  return { ...head, body: { message } };
}

/** The answer to a query that needed too much, by server version (langfuse/langfuse#7898 for the oldest). */
export function queryTimeout(status: TimeoutStatus): HttpAnswer {
  if (status === 500) return { status, body: { message: 'Timeout error' } };
  return refusal(
    status,
    'Your query could not be completed. Please narrow your request by adding more specific filters (e.g., a shorter date range) or by requesting fewer fields.',
    'Request timed out',
  );
}

interface ListBody {
  readonly data: readonly unknown[];
  readonly meta: Readonly<Record<string, unknown>>;
}

const isListBody = (body: unknown): body is ListBody =>
  typeof body === 'object' && body !== null && Array.isArray((body as { data?: unknown }).data);

function changeAnswer(
  fault: SampleFault,
  given: {
    readonly request: SampleRequest;
    readonly answer: HttpAnswer;
    readonly server: { readonly timeoutStatus: TimeoutStatus };
  },
): HttpAnswer {
  const { request, answer, server } = given;
  const { body } = answer;
  if (!isListBody(body)) return answer;
  switch (fault.kind) {
    case 'too_large': {
      const tooMany = fault.maxRows !== undefined && body.data.length > fault.maxRows;
      const tooLong = fault.maxSpanMs !== undefined && spanMsOf(request) > fault.maxSpanMs;
      return tooMany || tooLong ? queryTimeout(fault.status ?? server.timeoutStatus) : answer;
    }
    case 'poison_row': {
      const isHeld = body.data.some(
        (row) =>
          isRecord(row) &&
          row['id'] === fault.id &&
          (fault.onlyWithContent !== true || 'input' in row),
      );
      return isHeld && body.data.length > fault.maxRows
        ? queryTimeout(fault.status ?? server.timeoutStatus)
        : answer;
    }
    case 'empty_page':
      return { ...answer, body: { ...body, data: [], meta: emptyMeta(request, body) } };
    case 'empty_list':
      return { ...answer, body: { ...body, data: [], meta: noMoreRows(body) } };
    case 'repeated_cursor': {
      const cursor = request.query.get('cursor') ?? body.meta['cursor'];
      return { ...answer, body: { ...body, meta: { ...body.meta, cursor } } };
    }
    case 'malformed_row': {
      const row = 'row' in fault ? fault.row : { object: 'error', message: 'row lost' };
      return { ...answer, body: { ...body, data: [row, ...body.data] } };
    }
    default:
      return answer;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function spanMsOf(request: SampleRequest): number {
  const from = request.query.get('fromStartTime') ?? request.query.get('fromTimestamp');
  const to = request.query.get('toStartTime') ?? request.query.get('toTimestamp');
  if (from === null || to === null) return Number.POSITIVE_INFINITY;
  return Date.parse(to) - Date.parse(from);
}

/** What tells of further rows is gone too. */
function noMoreRows(body: ListBody): Readonly<Record<string, unknown>> {
  const { cursor: _cursor, ...meta } = body.meta;
  return 'page' in meta ? { ...meta, totalItems: 0, totalPages: 0 } : meta;
}

/** A cursor to the place that was asked for, spelled differently from the one that was sent. */
function emptyMeta(request: SampleRequest, body: ListBody): Record<string, unknown> {
  if ('page' in body.meta) return body.meta;
  const isScores = request.path.endsWith('/scores');
  const encoding = isScores ? 'base64url' : 'base64';
  const sent = request.query.get('cursor');
  const farFuture =
    request.query.get(isScores ? 'toTimestamp' : 'toStartTime') ?? '9999-01-01T00:00:00.000Z';
  const position: Record<string, unknown> =
    sent !== null
      ? (JSON.parse(Buffer.from(sent, encoding).toString('utf8')) as Record<string, unknown>)
      : isScores
        ? { v: 1, lastTimestamp: farFuture, lastId: '' }
        : { lastStartTimeTo: farFuture, lastTraceId: '', lastId: '' };
  const hop = typeof position['hop'] === 'number' ? position['hop'] + 1 : 1;
  return {
    ...body.meta,
    cursor: Buffer.from(JSON.stringify({ ...position, hop })).toString(encoding),
  };
}
