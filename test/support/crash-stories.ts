/** Small stories made by hand, for tests of one thing. */
import { afterEach, beforeEach } from 'vitest';
import type { Story } from './crash-scenario.ts';
import type { RowPlan, RowVersion, ScorePlan, TrafficPlan } from './crash-traffic.ts';
import type { WorldSettings } from './crash-world.ts';
import { openTempFolder } from './temp-folder.ts';

export const plainSettings: WorldSettings = {
  lookbackDays: 4,
  requestRuns: false,
  concurrency: 1,
  pageSize: 4,
  hasInlineText: true,
};

export function version(fields: Partial<RowVersion> = {}): RowVersion {
  return { day: 0, model: 0, session: null, cost: 1, isError: false, text: 0, ...fields };
}

export function oneRow(fields: Partial<RowPlan> = {}): RowPlan {
  return {
    trace: 0,
    minute: 0,
    first: version(),
    visibleFrom: 0,
    change: null,
    changesBackAt: null,
    missingAt: null,
    deletedAt: null,
    ...fields,
  };
}

export function oneScore(fields: Partial<ScorePlan> = {}): ScorePlan {
  return {
    of: 'trace',
    subject: 0,
    name: 0,
    day: 0,
    value: 1,
    visibleFrom: 0,
    change: null,
    deletedAt: null,
    ...fields,
  };
}

/** A story with a file of its own for each test; call it at the top of a `describe`. */
export function useStory(traffic: TrafficPlan, settings: WorldSettings): () => Story {
  let story: Story | null = null;
  let folder: ReturnType<typeof openTempFolder> | null = null;
  beforeEach(() => {
    folder = openTempFolder();
    story = { file: `${folder.path}/state.db`, traffic, settings };
  });
  afterEach(() => folder?.[Symbol.dispose]());
  return () => {
    if (story === null) throw new Error('only inside a test');
    return story;
  };
}
