/** What a route of the sample server answers, before faults are applied and bytes are written. */

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON unless `html` or `text` is given. */
  readonly body?: unknown;
  readonly html?: string;
  readonly text?: string;
}

export const ok = (body: unknown): HttpAnswer => ({ status: 200, body });

/** `{message, error}` as Langfuse's `BaseError`s are answered (withMiddlewares.ts). */
export function refusal(status: number, message: string, error?: string): HttpAnswer {
  return { status, body: error === undefined ? { message } : { message, error } };
}

/** 400 of a query that does not fit its schema. */
export const invalidRequest = (issues: unknown): HttpAnswer => ({
  status: 400,
  body: { message: 'Invalid request data', error: issues },
});

/** What Next.js answers for a route that does not exist. */
export const noSuchRoute: HttpAnswer = {
  status: 404,
  html: '<!DOCTYPE html><html lang="en"><head><title>404: This page could not be found</title></head><body><h1>404</h1><h2>This page could not be found.</h2></body></html>',
};

/** What an SSO proxy puts in front of Langfuse: a page with status 200. */
export const loginPage: HttpAnswer = {
  status: 200,
  html: '<!DOCTYPE html><html lang="en"><head><title>Sign in</title></head><body><form action="/login" method="post"><h1>Sign in to continue</h1></form></body></html>',
};
