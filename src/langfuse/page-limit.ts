/**
 * The rows to ask for in the next page. Shrinks at once when Langfuse can't answer, and grows back slowly: a page
 * that failed costs the server a full timeout.
 */
export interface PageLimit {
  readonly limit: number;
  /** A page is not halved below this before the slice is. */
  readonly floor: number;
  shrinkTo(limit: number): void;
  /** After a page that was answered. */
  onPage(page: { readonly rows: number; readonly bytes: number }): void;
}

const pagesBeforeGrowth = 2;

/** `targetBytes`: pages are also sized so that an answer stays near it, where given. */
export function createPageLimit(sizes: {
  readonly start: number;
  readonly max: number;
  readonly targetBytes?: number;
}): PageLimit {
  let limit = Math.min(sizes.start, sizes.max);
  let answeredInARow = 0;
  const floor = Math.max(1, Math.floor(limit / 8));
  return {
    get limit() {
      return limit;
    },
    floor,
    shrinkTo(smaller) {
      limit = smaller;
      answeredInARow = 0;
    },
    onPage({ rows, bytes }) {
      answeredInARow += 1;
      const target = sizes.targetBytes;
      if (target !== undefined && rows > 0 && bytes > target) {
        limit = Math.max(1, Math.floor((rows * target) / bytes));
        answeredInARow = 0;
        return;
      }
      const mayGrow =
        target === undefined ? limit < sizes.max : rows >= limit && bytes * 2 <= target;
      if (mayGrow && answeredInARow >= pagesBeforeGrowth) {
        limit = Math.min(sizes.max, limit * 2);
        answeredInARow = 0;
      }
    },
  };
}
