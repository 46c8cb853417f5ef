import { expect, test } from 'vitest';
import { openState } from '../../src/store/open-state.ts';
import { openStaging } from '../../src/store/staging.ts';
import { openTempFolder } from '../support/temp-folder.ts';

test.each(['FULL', 'OFF'])('a page that is staged leaves commits as they were: %s', (level) => {
  using folder = openTempFolder();
  using state = openState(`${folder.path}/state.db`);
  state.db.pragma(`synchronous = ${level}`);
  const before: unknown = state.db.pragma('synchronous', { simple: true });
  openStaging(state).append({ generations: [], traces: [] });
  expect(state.db.pragma('synchronous', { simple: true })).toBe(before);
});
