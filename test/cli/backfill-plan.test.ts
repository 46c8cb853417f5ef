import { expect, test } from 'vitest';
import { dayName, days, hashFiles, openWorkplace } from './workplace.ts';

test('backfill --plan tells what it would take, by the counts of Langfuse, and leaves no file and no run', async () => {
  await using place = await openWorkplace();
  const range = ['--from', dayName(0), '--to', dayName(days)];
  const plan = await place.run(['backfill', ...range, '--plan', '--json']);
  expect({ code: plan.code, stderr: plan.stderr }).toEqual({ code: 0, stderr: '' });
  const told = JSON.parse(plan.stdout) as Record<string, number>;
  expect(told).toMatchObject({ command: 'backfill', plan: true, windows: days });
  expect(hashFiles(place.path)).toEqual({});

  place.server.clearRequests();
  const real = await place.run(['backfill', ...range, '--json']);
  const done = JSON.parse(real.stdout) as {
    rows: { read: number };
    langfuse: { requests: number };
  };
  expect(told['rows']).toBe(done.rows.read);
  // The probe of a run comes on top.
  expect(done.langfuse.requests).toBeGreaterThanOrEqual(told['langfuse_requests'] ?? 0);
  expect(done.langfuse.requests).toBeLessThan((told['langfuse_requests'] ?? 0) + 12);

  const people = await place.run(['backfill', ...range, '--plan', '--shard', '1/3']);
  expect(people.stdout).toMatch(/Windows {3}1, /);
  expect(people.stdout).toContain("From      Langfuse's metrics API");
});
