/**
 * Holds Langfuse's own counts against the rows of the state file, and says how far each difference is to be trusted.
 * Pure.
 *
 * The metrics API counts every row of a type: also rows of other writers, calls that LiteLLM logged twice (the state
 * file keeps those too, uncounted), and on some servers versions of a row that are not merged yet
 * (langfuse/langfuse#15184). It never counts fewer than there are: rows that it lacks are gone. It may count rows of
 * one id in two traces once.
 */
import type { Interval } from '../shared/time.ts';
import type { ObservationCounts } from '../sync/ports.ts';

/** What the state file holds of one model, named as Langfuse has it, calls that were logged twice included. */
export interface StateCounts {
  readonly windowFromMs: number;
  readonly model: string | null;
  readonly rows: number;
  readonly ids: number;
  readonly totalTokens: number | null;
  readonly costUsd: number | null;
  /** Rows whose tokens are not the total that Langfuse has. */
  readonly otherTokens: number;
  /** Rows that cost nothing here and may have a price there: cache hits and failures. */
  readonly notBilled: number;
}

/** Counters of the last reading of a window. */
export interface WindowCounts {
  readonly window: Interval;
  /** Rows that were read and are no call of LiteLLM, synthetic roots left out. */
  readonly notCalls: number;
  /** Roots that Langfuse makes of traces: only the v2 API has them. */
  readonly syntheticRoots: number;
  readonly unreadable: number;
  /** False where another API was read than is counted now: then the other rows can't be compared. */
  readonly isSameReader: boolean;
}

/**
 * - `fewer`: Langfuse has fewer rows than were read, which only a deleted, moved or renamed row explains
 * - `more`: Langfuse has rows that were not read, or repeats some
 * - `value`: as many rows, but other tokens or another cost
 * - `explained`: it differs, and known rows or rules explain it
 */
export type CountsVerdict = 'fewer' | 'more' | 'value' | 'explained';

export interface CountedTotals {
  readonly rows: number;
  readonly totalTokens: number | null;
  readonly costUsd: number | null;
}

export interface CountsDifference {
  readonly window: Interval;
  readonly model: string | null;
  readonly verdict: CountsVerdict;
  readonly langfuse: CountedTotals;
  readonly state: CountedTotals;
  /** What may explain it, in a sentence. */
  readonly reason: string;
}

/** Types of rows that can be a call (src/litellm/origin.ts). */
export function isCallType(type: string | null): boolean {
  return type === 'GENERATION' || type === 'EMBEDDING';
}

/** Differences of one window, by model; none where all agrees. `langfuse` and `state` are of that window alone. */
export function compareCounts(
  counts: WindowCounts,
  sides: {
    readonly langfuse: readonly ObservationCounts[];
    readonly state: readonly StateCounts[];
  },
): CountsDifference[] {
  const calls = sumByModel(sides.langfuse.filter((row) => isCallType(row.type)));
  const state = new Map(sides.state.map((row) => [row.model, row]));
  const models = [...new Set([...calls.keys(), ...state.keys()])].toSorted((a, b) =>
    (a ?? '') < (b ?? '') ? -1 : 1,
  );
  const unknownRows = toUnknownRows(counts, sides);
  return models.flatMap((model) => {
    const theirs = calls.get(model) ?? noRows;
    const ours = state.get(model) ?? null;
    const judged = judge({ theirs, ours, unknownRows });
    if (judged === null) return [];
    return [
      {
        window: counts.window,
        model,
        ...judged,
        langfuse: theirs,
        state: ours === null ? noRows : toTotals(ours),
      },
    ];
  });
}

const noRows: CountedTotals = { rows: 0, totalTokens: null, costUsd: null };

function sumByModel(rows: readonly ObservationCounts[]): Map<string | null, CountedTotals> {
  const sums = new Map<string | null, CountedTotals>();
  for (const row of rows) {
    const model = toModel(row.model);
    const sum = sums.get(model) ?? noRows;
    sums.set(model, {
      rows: sum.rows + row.rows,
      totalTokens: add(sum.totalTokens, row.totalTokens),
      costUsd: add(sum.costUsd, row.costUsd),
    });
  }
  // Empty buckets that a server fills in.
  return new Map([...sums].filter(([, sum]) => sum.rows > 0));
}

/** Names that mean none, as src/litellm reads them. */
function toModel(model: string | null): string | null {
  const name = model?.trim() ?? '';
  return name === '' || name === 'None' || name === 'null' ? null : name;
}

const add = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : a + b;

/**
 * At most so many rows of the window's calls are in Langfuse and were never read; null where that can't be told, and
 * then the rows that are no calls may explain all.
 */
function toUnknownRows(
  counts: WindowCounts,
  sides: {
    readonly langfuse: readonly ObservationCounts[];
    readonly state: readonly StateCounts[];
  },
): { readonly atMost: number; readonly explainable: number } {
  const explainable = counts.notCalls + counts.unreadable;
  const callsMore =
    rowsOf(sides.langfuse.filter((row) => isCallType(row.type))) - rowsOf(sides.state);
  if (!counts.isSameReader) return { atMost: callsMore - explainable, explainable };
  const known = rowsOf(sides.state) + counts.notCalls + counts.syntheticRoots + counts.unreadable;
  return { atMost: rowsOf(sides.langfuse) - known, explainable };
}

function rowsOf(counts: readonly { readonly rows: number }[]): number {
  return counts.reduce((total, one) => total + one.rows, 0);
}

function judge(sides: {
  readonly theirs: CountedTotals;
  readonly ours: StateCounts | null;
  readonly unknownRows: { readonly atMost: number; readonly explainable: number };
}): { readonly verdict: CountsVerdict; readonly reason: string } | null {
  const { theirs, ours, unknownRows } = sides;
  if (theirs.rows < (ours?.ids ?? 0)) {
    return {
      verdict: 'fewer',
      reason:
        'rows that were read are not there any more: deleted, moved to another time or named after another model',
    };
  }
  if (theirs.rows > (ours?.rows ?? 0)) {
    if (unknownRows.atMost <= 0 && theirs.rows - (ours?.rows ?? 0) <= unknownRows.explainable) {
      return {
        verdict: 'explained',
        reason: 'the window holds as many rows that were read and are no call of LiteLLM',
      };
    }
    return {
      verdict: 'more',
      reason: 'late rows, or rows that Langfuse counts twice because it has not merged them yet',
    };
  }
  // One id in two traces: which rows Langfuse took for one can't be told.
  if (ours === null || theirs.rows !== ours.rows) return null;
  return judgeValues(theirs, ours);
}

function judgeValues(
  theirs: CountedTotals,
  ours: StateCounts,
): { readonly verdict: CountsVerdict; readonly reason: string } | null {
  const isTokensSame = (theirs.totalTokens ?? 0) === (ours.totalTokens ?? 0);
  const isCostSame = isSameCost(theirs.costUsd ?? 0, ours.costUsd ?? 0, ours.rows);
  if (isTokensSame && isCostSame) return null;
  const isTokensExplained = isTokensSame || ours.otherTokens > 0;
  const isCostExplained =
    isCostSame || (ours.notBilled > 0 && (theirs.costUsd ?? 0) > (ours.costUsd ?? 0));
  if (isTokensExplained && isCostExplained) {
    return {
      verdict: 'explained',
      reason: [
        ...(isTokensSame ? [] : [`${ours.otherTokens} calls have no usable total in Langfuse`]),
        ...(isCostSame
          ? []
          : [`${ours.notBilled} cache hits and failures cost nothing here, whatever their price`]),
      ].join('; '),
    };
  }
  return {
    verdict: 'value',
    reason:
      'as many rows, but one was changed, or Langfuse has another price than LiteLLM left in the metadata',
  };
}

/** Langfuse keeps twelve decimals of each cost; sums of floats differ in their last digits. */
function isSameCost(a: number, b: number, rows: number): boolean {
  return Math.abs(a - b) <= rows * 1e-12 + 1e-9 * Math.max(1e-3, Math.abs(a), Math.abs(b));
}

function toTotals(counts: StateCounts): CountedTotals {
  return { rows: counts.rows, totalTokens: counts.totalTokens, costUsd: counts.costUsd };
}
