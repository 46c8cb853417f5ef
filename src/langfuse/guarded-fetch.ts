/**
 * What this room adds to `fetch`: no request leaves for another host than the one that was asked, and no answer is
 * held that is larger than allowed. The SDK takes the global `fetch` for each call and lets nobody hand it another
 * (docs/decisions/0001-langfuse-sdk.md), so the guard stands in front of that, for calls made within {@link guarded}
 * alone.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { BodyTooLarge, collectBytes } from '../shared/collect-bytes.ts';
import type { WireAnswer } from './wire-answer.ts';

/** One call, and what the guard knows of it beside what `fetch` gives back. */
export interface GuardedCall {
  /** Of one answer, unpacked. */
  readonly maxBytes: number;
  /** Of the answer, unpacked; 0 before it is whole. */
  bytes: number;
  /** Why there is no answer that can be used. */
  refusal: Extract<WireAnswer, { kind: 'redirect' | 'too_big' | 'no_answer' }> | null;
}

const calls = new AsyncLocalStorage<GuardedCall>();
let isInstalled = false;

/** Runs `work`; each `fetch` in it is guarded, and `call` told what came of it. */
export function guarded<T>(call: GuardedCall, work: () => Promise<T>): Promise<T> {
  install();
  return calls.run(call, work);
}

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  const plain = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const call = calls.getStore();
    return call === undefined ? plain(input, init) : fetchGuarded(plain, { call, input, init });
  };
}

type Fetch = typeof globalThis.fetch;

/** Resolves with an answer that is whole; else throws, with the reason in `call.refusal`. */
async function fetchGuarded(
  plain: Fetch,
  asked: {
    readonly call: GuardedCall;
    readonly input: Parameters<Fetch>[0];
    readonly init: RequestInit | undefined;
  },
): Promise<Response> {
  const { call } = asked;
  try {
    const response = await followAtHome(plain, asked);
    const bytes = response.body === null ? null : await collectBytes(response.body, call.maxBytes);
    call.bytes = bytes?.byteLength ?? 0;
    const { status, statusText, headers } = response;
    return new Response(bytes as Uint8Array<ArrayBuffer> | null, { status, statusText, headers });
  } catch (error) {
    call.refusal ??=
      error instanceof BodyTooLarge
        ? { kind: 'too_big', maxBytes: error.maxBytes }
        : { kind: 'no_answer', detail: toNetworkDetail(error), cause: error };
    throw error;
  }
}

const mostHops = 5;

/** Follows redirects within the host that was asked, as a proxy that adds a slash sends them. */
async function followAtHome(
  plain: Fetch,
  { call, input, init }: Parameters<typeof fetchGuarded>[1],
): Promise<Response> {
  let url = new URL(input instanceof Request ? input.url : String(input));
  const home = url.origin;
  for (let hop = 0; ; hop += 1) {
    const response = await plain(url.href, { ...init, redirect: 'manual' });
    if (response.status < 300 || response.status >= 400) return response;
    await response.body?.cancel();
    const location = response.headers.get('location') ?? '';
    const next = URL.canParse(location, url.href) ? new URL(location, url) : null;
    if (next?.origin !== home || hop === mostHops) {
      call.refusal = { kind: 'redirect', to: next?.origin ?? 'nowhere' };
      throw new Error('redirected');
    }
    url = next;
  }
}

/** `ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:9`: what `fetch` keeps in its chain of causes. */
function toNetworkDetail(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error)
    innermost = innermost.cause;
  if (!(innermost instanceof Error)) return String(innermost);
  const { code } = innermost as NodeJS.ErrnoException;
  return code === undefined || innermost.message.includes(code)
    ? innermost.message || (code ?? innermost.name)
    : `${code}: ${innermost.message}`;
}
