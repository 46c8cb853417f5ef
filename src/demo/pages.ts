/** Pages by number, as every legacy list has them. */
import { invalidRequest, ok, type HttpAnswer } from './http-answer.ts';
import type { RouteContext } from './route-context.ts';

/** `?page=&limit=` over a whole list, or the 400 for a limit below one. */
export function toPage<T>(
  context: RouteContext,
  rows: readonly T[],
  page: {
    readonly page: number;
    readonly limit: number;
    readonly toItem: (row: T) => unknown;
    /** Added to `totalItems`, which the server counts without FINAL. */
    readonly overCount?: number;
  },
): HttpAnswer {
  if (page.limit < 1 && context.behaviour.rejectsLimitBelowOne) {
    return invalidRequest([
      { path: ['limit'], message: 'Number must be greater than or equal to 1' },
    ]);
  }
  const from = (page.page - 1) * page.limit;
  const totalItems = rows.length === 0 ? 0 : rows.length + (page.overCount ?? 0);
  return ok({
    data: rows.slice(from, from + page.limit).map(page.toItem),
    meta: {
      page: page.page,
      limit: page.limit,
      totalItems,
      totalPages: page.limit < 1 ? 0 : Math.ceil(totalItems / page.limit),
    },
  });
}
