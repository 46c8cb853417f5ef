import { expect, it } from 'vitest';
import { countCases, createSmallTraffic } from '../support/small-traffic.ts';

it('the small traffic of the sync tests has every case, or they would prove less than they say', () => {
  const missing = Object.entries(countCases(createSmallTraffic())).filter(
    ([, found]) => found === 0,
  );
  expect(missing).toEqual([]);
});
