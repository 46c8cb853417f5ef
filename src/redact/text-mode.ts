/** Of which calls the text is kept. */
import { createHash } from 'node:crypto';

export type TextMode =
  | { readonly kind: 'all' }
  | { readonly kind: 'errors' }
  /** `rate` between 0 and 1: whole sessions, chosen by a hash of their id, the same on every machine. */
  | { readonly kind: 'sampled'; readonly rate: number }
  | { readonly kind: 'off' };

/** `keepsText` for a call whose session is known; a call without a session is chosen by its trace. */
export function keepsText(
  mode: TextMode,
  call: {
    readonly isError: boolean;
    readonly sessionId: string | null;
    readonly traceId: string;
  },
): boolean {
  switch (mode.kind) {
    case 'all':
      return true;
    case 'off':
      return false;
    case 'errors':
      return call.isError;
    case 'sampled':
      return toShare(call.sessionId ?? call.traceId) < mode.rate;
  }
}

/** A number in `[0, 1)` that depends on the text alone. */
function toShare(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** As it is set: `sampled:0.1`. */
export function renderTextMode(mode: TextMode): string {
  return mode.kind === 'sampled' ? `sampled:${mode.rate}` : mode.kind;
}
