/** Calls below `/api/2.0/mlflow` of one server. */
import type { z } from 'zod';
import { AppError } from '../shared/errors.ts';
import type { RestClient } from './rest-client.ts';
import { toUrl } from './tracking-url.ts';
import { emptyAnswer } from './wire-schemas.ts';

/** What a call does; ends the sentence "Could not …". */
type What = string;

export interface RestApi {
  /** GET; null where MLflow says that the thing does not exist. */
  find<Schema extends z.ZodType>(
    what: What,
    call: {
      readonly path: string;
      readonly query: Readonly<Record<string, string>>;
      readonly schema: Schema;
    },
  ): Promise<z.output<Schema> | null>;
  /** POST that only reads. */
  search<Schema extends z.ZodType>(
    what: What,
    call: { readonly path: string; readonly body: object; readonly schema: Schema },
  ): Promise<z.output<Schema>>;
  /** POST that may be repeated. */
  write(what: What, call: { readonly path: string; readonly body: object }): Promise<void>;
  /** POST that makes something, and is never repeated when it may have been carried out. */
  create<Schema extends z.ZodType>(
    what: What,
    call: { readonly path: string; readonly body: object; readonly schema: Schema },
  ): Promise<z.output<Schema>>;
}

export function createRestApi(client: RestClient, base: URL): RestApi {
  const toApiUrl = (path: string, query?: Readonly<Record<string, string>>): URL =>
    toUrl(base, `api/2.0/mlflow/${path}`, query);
  const post = <Schema extends z.ZodType>(
    what: What,
    call: { path: string; body: object; schema: Schema; isWrite: boolean; isIdempotent: boolean },
  ): Promise<z.output<Schema>> => {
    const { path, body, schema, isWrite, isIdempotent } = call;
    const request = { what, method: 'POST' as const, url: toApiUrl(path), isWrite, isIdempotent };
    return client.sendForJson({ ...request, body: JSON.stringify(body) }, schema);
  };
  return {
    async find(what, { path, query, schema }) {
      try {
        return await client.sendForJson(
          { what, method: 'GET', url: toApiUrl(path, query), isWrite: false, isIdempotent: true },
          schema,
        );
      } catch (error) {
        if (error instanceof AppError && error.details.errorCode === 'RESOURCE_DOES_NOT_EXIST')
          return null;
        throw error;
      }
    },
    search: (what, call) => post(what, { ...call, isWrite: false, isIdempotent: true }),
    async write(what, call) {
      await post(what, { ...call, schema: emptyAnswer, isWrite: true, isIdempotent: true });
    },
    create: (what, call) => post(what, { ...call, isWrite: true, isIdempotent: false }),
  };
}
