/** What came back for one request, before anybody judges it. Never holds a secret. */

export type WireAnswer =
  | {
      readonly kind: 'json';
      readonly body: unknown;
      /** Of the body, unpacked. */
      readonly bytes: number;
      readonly dateMs: number | null;
    }
  | {
      readonly kind: 'status';
      readonly status: number;
      /** The server's own words, cut. */
      readonly message: string;
      readonly isHtml: boolean;
      readonly retryAfter: string | null;
      readonly rateLimitReset: string | null;
    }
  /** 200, but the body is not JSON: an HTML page, an empty body, or JSON that ends too early. */
  | {
      readonly kind: 'not_json';
      readonly isHtml: boolean;
      readonly sample: string;
      readonly bytes: number;
    }
  /** More than is held of one answer; the rest was not read. */
  | { readonly kind: 'too_big'; readonly maxBytes: number }
  /** The server sent the request to another host; it was not followed. */
  | { readonly kind: 'redirect'; readonly to: string }
  /** No usable answer: refused, reset, closed early, or aborted. */
  | { readonly kind: 'no_answer'; readonly detail: string; readonly cause: unknown };

/** One attempt of one request. */
export interface Attempt {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

const sampleLength = 200;

/** True where a body is a page for people. */
export function looksLikeHtml(text: string): boolean {
  return /^\s*</.test(text);
}

/** The first characters of a body, on one line. */
export function toSample(text: string): string {
  return text.slice(0, sampleLength).replaceAll(/\s+/g, ' ').trim();
}

/** The server's words in an error body: `message` (and `error` where it says more), or the text. */
export function toServerMessage(body: unknown): { message: string; isHtml: boolean } {
  if (typeof body === 'string') {
    return looksLikeHtml(body)
      ? { message: 'an HTML page', isHtml: true }
      : { message: toSample(body), isHtml: false };
  }
  if (body === null || typeof body !== 'object') return { message: '', isHtml: false };
  const { message, error } = body as { message?: unknown; error?: unknown };
  const parts = [message, error].filter((part): part is string => typeof part === 'string');
  return { message: toSample([...new Set(parts)].join(': ')), isHtml: false };
}

/** Epoch milliseconds of a `Date` header. */
export function toDateMs(header: string | null): number | null {
  const dateMs = header === null ? Number.NaN : Date.parse(header);
  return Number.isNaN(dateMs) ? null : dateMs;
}
