/**
 * The rows to ask for in the next page. Shrinks at once when Langfuse can't answer, and grows back slowly: a page
 * that failed costs the server a full timeout, so a size that failed is not tried again soon.
 */
export interface PageLimit {
  readonly limit: number;
  /** A page is not halved below this before the slice is. */
  readonly floor: number;
  /** After a page that was not answered. */
  shrinkTo(limit: number): void;
  /** After a page that was answered. */
  onPage(page: { readonly rows: number; readonly bytes: number }): void;
  /** After a row that can't be read was passed over: it was that row, not the size. */
  onSkip(): void;
}

const pagesBeforeGrowth = 2;
const pagesBeforeFailedSize = 32;

/** `targetBytes`: pages are also sized so that an answer stays near it, where given. */
export function createPageLimit(sizes: {
  readonly start: number;
  readonly max: number;
  readonly targetBytes?: number;
}): PageLimit {
  const { max, targetBytes } = sizes;
  let limit = Math.min(sizes.start, max);
  let answeredInARow = 0;
  let failedSize = Number.POSITIVE_INFINITY;
  const floor = Math.max(1, Math.floor(limit / 8));

  function setLimit(next: number): void {
    limit = Math.max(1, Math.min(max, next));
    answeredInARow = 0;
  }

  return {
    get limit() {
      return limit;
    },
    floor,
    shrinkTo(smaller) {
      if (limit > floor) failedSize = limit;
      setLimit(smaller);
    },
    onPage({ rows, bytes }) {
      answeredInARow += 1;
      if (targetBytes !== undefined) {
        if (rows > 0 && bytes > targetBytes) setLimit(Math.floor((rows * targetBytes) / bytes));
        if (rows < limit || bytes * 2 > targetBytes) return;
      }
      const patience = limit * 2 >= failedSize ? pagesBeforeFailedSize : pagesBeforeGrowth;
      if (limit < max && answeredInARow >= patience) setLimit(limit * 2);
    },
    onSkip() {
      failedSize = Number.POSITIVE_INFINITY;
      setLimit(floor);
    },
  };
}
