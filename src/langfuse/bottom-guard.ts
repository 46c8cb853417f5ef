import { AppError } from '../shared/errors.ts';

/**
 * Tells a few rows that can't be read from a server on which nothing can be: the first are reported and passed over,
 * the second ends the reading. Otherwise a server that refuses every query would be asked for each millisecond.
 */
export interface BottomGuard {
  /** Any page that was answered. */
  onAnswer(): void;
  /** One row, or one millisecond, that could not be read. Throws LANGFUSE_TOO_LARGE when there are too many. */
  onBottom(reason: string): void;
}

const maxBottoms = 50;
const maxBottomsInARow = 5;

export function createBottomGuard(name: string): BottomGuard {
  let bottoms = 0;
  let inARow = 0;
  return {
    onAnswer() {
      inARow = 0;
    },
    onBottom(reason) {
      bottoms += 1;
      inARow += 1;
      if (bottoms <= maxBottoms && inARow <= maxBottomsInARow) return;
      throw new AppError(
        'LANGFUSE_TOO_LARGE',
        `${name} could not be answered for ${bottoms} single rows: ${reason}`,
      );
    },
  };
}
