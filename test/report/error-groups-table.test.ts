import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderErrorGroupsTable } from '../../src/report/error-groups-table.ts';
import { toMessageShape } from '../../src/report/message-shape.ts';
import { aFact } from '../support/a-fact.ts';
import { readTable } from './read-table.ts';

const rowsOf = (bytes: Uint8Array): Record<string, unknown>[] => {
  const { columns, data } = readTable(bytes);
  return data.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])));
};
const at = (minute: number): number => Date.UTC(2026, 10, 24, 9, minute);
const failed = (index: number, more: Parameters<typeof aFact>[0] = {}): ReturnType<typeof aFact> =>
  aFact({
    id: `o${index}`,
    start_ms: at(index),
    is_error: 1,
    error_class: 'RateLimitError',
    http_status: 429,
    ...more,
  });

test('failures of one cause are one row, with first and last time and two examples', () => {
  const facts = [3, 1, 2].map((index) =>
    failed(index, {
      status_message: `litellm.RateLimitError: Limit 30000, Used ${29_000 + index}. Try again in ${index}.5s.`,
      session_id: index === 3 ? null : 'one',
      is_final_attempt: index === 3 ? 1 : 0,
    }),
  );
  const other = failed(9, { status_message: null, error_class: null, http_status: null });
  const rows = rowsOf(
    renderErrorGroupsTable([...facts, other, aFact({ id: 'fine', is_error: 0 })]),
  );
  expect(rows).toMatchObject([
    {
      error_class: 'RateLimitError',
      message_shape: 'litellm.RateLimitError: Limit <n>, Used <n>. Try again in <n>s.',
      count: 3,
      last_attempts: 1,
      sessions: 1,
      first_time: '2026-11-24T09:01:00.000Z',
      last_time: '2026-11-24T09:03:00.000Z',
      example: expect.stringContaining('Used 29001'),
      another_example: expect.stringContaining('Used 29002'),
      observation_id: 'o1',
    },
    { error_class: null, message_shape: null, count: 1, example: null, another_example: null },
  ]);
});

test('model, provider, class and status keep failures apart', () => {
  const message = { status_message: 'the same' };
  const facts = [
    failed(1, message),
    failed(2, { ...message, model: 'another' }),
    failed(3, { ...message, provider: 'azure' }),
    failed(4, { ...message, error_class: 'Timeout' }),
    failed(5, { ...message, http_status: 500 }),
  ];
  expect(rowsOf(renderErrorGroupsTable(facts))).toHaveLength(5);
});

test('beyond 200 groups it says how many are missing, and the frequent ones are shown', () => {
  const name = (index: number): string => String.fromCodePoint(0x4e00 + index);
  const facts = Array.from({ length: 203 }, (_, index) =>
    failed(index, { status_message: name(index) }),
  );
  const rows = rowsOf(
    renderErrorGroupsTable([...facts, failed(300, { status_message: name(202) })]),
  );
  expect(rows).toHaveLength(201);
  expect(rows[0]).toMatchObject({ message_shape: name(202), count: 2 });
  expect(rows.at(-1)?.['error_class']).toBe('… 3 more rows not shown');
});

test('whatever the failures, each is counted once and the order of reading does not matter', () => {
  const fact = fc.record({
    model: fc.constantFrom('a', 'b'),
    status_message: fc.constantFrom(null, 'x 1', 'x 2', 'y'),
    is_error: fc.constantFrom<0 | 1>(0, 1),
    is_final_attempt: fc.constantFrom<0 | 1>(0, 1),
  });
  fc.assert(
    fc.property(fc.array(fact, { maxLength: 30 }), (drafts) => {
      const facts = drafts.map((draft, index) => failed(index, draft));
      const rows = rowsOf(renderErrorGroupsTable(facts));
      const sum = (column: string): number =>
        rows.reduce((total, row) => total + Number(row[column]), 0);
      const errors = facts.filter((one) => one.is_error === 1);
      expect(sum('count')).toBe(errors.length);
      expect(sum('last_attempts')).toBe(errors.filter((one) => one.is_final_attempt === 1).length);
      expect(rowsOf(renderErrorGroupsTable(facts.toReversed()))).toEqual(rows);
    }),
  );
});

test.each([
  [
    'litellm.BadRequestError: AnthropicException - {"type":"error","error":{"message":"prompt is too long: 210043 tokens > 200000 maximum"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}',
    'litellm.BadRequestError: AnthropicException - {"type":"error","error":{"message":"prompt is too long: <n> tokens > <n> maximum"},"request_id":"<id>"}',
  ],
  ["Model 'gpt-9' doesn't exist, isn't it", "Model <text> doesn't exist, isn't it"],
  [
    "{'error': {'message': \"it isn't there\", 'code': 404}}",
    `{'error': {'message': "it isn't there", 'code': <n>}}`,
  ],
  ['Unknown name "temp\\"x" at "a"', 'Unknown name <text> at <text>'],
  ['timeout after 600.0 seconds at 2026-11-24T09:01:02.123Z', 'timeout after <n> seconds at <n>'],
  ['POST https://api.example.com/v1/chat?key=1 failed', 'POST <url> failed'],
  ['File "/app/x.py", or /usr/lib/python3/site.py, line 12', 'File <text>, or <path>, line <n>'],
  [
    'deployment 5f0c9e7a-1111-4222-8333-0123456789ab of chatcmpl-Bx3kQ9aa1',
    'deployment <id> of <id>',
  ],
  ['gpt-4o and/or claude-sonnet are over-loaded', 'gpt-4o and/or claude-sonnet are over-loaded'],
  ['no access to claude-sonnet-4-5-20250929', 'no access to claude-sonnet-4-5-20250929'],
  ['two\n  lines', 'two lines'],
])('the shape of %j', (message, shape) => {
  expect(toMessageShape(message)).toBe(shape);
});

test('a hostile message takes no time worth speaking of, and is cut', () => {
  for (const part of ["'", '"', 'a-', '/a', 'https://', '1.', 'a1', '\\']) {
    expect(toMessageShape(part.repeat(1_000_000))?.length).toBeLessThanOrEqual(301);
  }
});
