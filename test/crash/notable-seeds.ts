/**
 * Seeds of the generated projects, and why each is kept. Every run of the tests tries all of them. A seed that finds a
 * fault is added here with what it found; the smallest input of the fault becomes a test of its own (`found.test.ts`,
 * `read-again.test.ts`, `retention.test.ts`), since a change of the generators makes another project of a seed.
 */
export interface NotableSeed {
  readonly seed: number;
  /** Generated projects. */
  readonly stories: number;
  readonly why: string;
}

export const notableSeeds = {
  /** Of 128 stories with eight plans of trouble each: 1,024 cases. */
  crash: [
    { seed: 1, stories: 48, why: 'the first: wide cover, never chosen by what it finds' },
    { seed: 102, stories: 16, why: 'failed while the ledger was made; its faults: found.test.ts' },
  ],
  /** The other half, so that two cores share them. */
  crashSecond: [
    { seed: 2, stories: 48, why: 'the second: as the first' },
    { seed: 3, stories: 16, why: 'failed while the ledger was made; its faults: found.test.ts' },
  ],
  nights: [{ seed: 1, stories: 6, why: 'the first: late rows of each kind, outages and deaths' }],
  retentionNights: [
    { seed: 1, stories: 6, why: 'the first: prunes and restores, which the test insists on' },
  ],
  readAgain: [
    {
      seed: 7,
      stories: 80,
      why: 'found that two logs of a call were chosen by the window folded last, and that a double in another trace came back',
    },
  ],
} as const satisfies Record<string, readonly NotableSeed[]>;

/** The kept seeds, or the one that `<NAME>_SEED` asks for with `<NAME>_STORIES` stories, to look further. */
export function chooseSeeds(
  kept: readonly NotableSeed[],
  name: 'CRASH' | 'NIGHTS' | 'RETENTION',
  offset = 0,
): readonly NotableSeed[] {
  const asked = process.env[`${name}_SEED`];
  const stories = process.env[`${name}_STORIES`];
  const counted = (seed: NotableSeed): NotableSeed => ({
    ...seed,
    stories: Number(stories ?? seed.stories),
  });
  if (asked === undefined) return kept.map(counted);
  return kept.slice(0, 1).map((seed) => counted({ ...seed, seed: Number(asked) + offset }));
}
