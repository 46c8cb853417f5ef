/** What the two ways of paging (by cursor, by time) ask for and get. */
import { AppError } from '../shared/errors.ts';
import type { Interval } from '../shared/time.ts';
import type { UnreadableRow } from '../sync/ports.ts';
import type { Outcome } from './gate.ts';
import { cursorPageSchema, numberedPageSchema, renderZodError } from './wire-schemas.ts';

export interface PageAsk {
  readonly interval: Interval;
  readonly limit: number;
}

export type PageAnswer =
  | {
      readonly kind: 'page';
      readonly rows: readonly unknown[];
      /** Of a page that is read by cursor; null at the end. */
      readonly cursor: string | null;
      /** The rows a full page has by the server's own word, where it gives it. */
      readonly limit: number | null;
      readonly bytes: number;
    }
  | { readonly kind: 'too_large'; readonly reason: string };

/** Rows as they came, and what could not be read at all. */
export interface RawPage {
  readonly rows: readonly unknown[];
  readonly unreadable: readonly UnreadableRow[];
}

/** Checks the envelope of a page. Throws LANGFUSE_UNEXPECTED where it is none, LANGFUSE_UNSUPPORTED where the endpoint is gone. */
export function toPageAnswer(
  outcome: Outcome,
  request: { readonly name: string; readonly by: 'cursor' | 'number' },
): PageAnswer {
  switch (outcome.kind) {
    case 'too_large':
      return outcome;
    case 'absent':
    case 'limited':
      throw toModeChanged({ name: request.name, reason: outcome.reason });
    case 'answer': {
      const parsed =
        request.by === 'cursor'
          ? cursorPageSchema.safeParse(outcome.body)
          : numberedPageSchema.safeParse(outcome.body);
      if (!parsed.success) {
        throw new AppError(
          'LANGFUSE_UNEXPECTED',
          `${request.name} answered 200, but not with a page of Langfuse rows (${renderZodError(parsed.error)})`,
          { cause: parsed.error },
        );
      }
      const meta = parsed.data.meta as
        | { cursor?: string | null; limit?: number | null }
        | null
        | undefined;
      return {
        kind: 'page',
        rows: parsed.data.data,
        cursor: request.by === 'cursor' ? (meta?.cursor ?? null) : null,
        limit: typeof meta?.limit === 'number' ? meta.limit : null,
        bytes: outcome.bytes,
      };
    }
  }
}

/** An endpoint that answered the probe and is gone in mid-run. */
export function toModeChanged(request: {
  readonly name: string;
  readonly reason: string;
}): AppError {
  return new AppError(
    'LANGFUSE_UNSUPPORTED',
    `${request.name} ${request.reason}; it answered when this run began, so the server's mode was changed: run again`,
  );
}
