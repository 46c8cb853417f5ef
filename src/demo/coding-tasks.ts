/** Invented coding tasks: what the sample team asks its agents to do, and what the tools answer. */
import type { Prng } from './prng.ts';

export interface CodingTask {
  readonly title: string;
  readonly files: readonly string[];
  readonly symbol: string;
  readonly testCommand: string;
}

export const codingTasks: readonly CodingTask[] = [
  {
    title:
      'The checkout total is off by one cent for orders with two discount codes. Find out where the rounding happens and fix it with a test.',
    files: ['src/cart/discounts.ts', 'src/cart/totals.ts', 'test/cart/totals.test.ts'],
    symbol: 'applyDiscounts',
    testCommand: 'npm test -- totals',
  },
  {
    title:
      'Add cursor pagination to the orders endpoint. Keep the old page parameter working and document both.',
    files: ['src/api/orders.ts', 'src/api/cursor.ts', 'docs/api/orders.md'],
    symbol: 'listOrders',
    testCommand: 'npm test -- orders',
  },
  {
    title:
      'Our incremental build recompiles everything when a generated header changes only its timestamp. Use content hashes instead.',
    files: ['build/graph.py', 'build/fingerprint.py', 'tests/test_fingerprint.py'],
    symbol: 'fingerprint_inputs',
    testCommand: 'pytest tests/test_fingerprint.py -q',
  },
  {
    title:
      'The linker map parser crashes on sections without a size column. Make it tolerant and report the line it skipped.',
    files: ['tools/mapfile/parser.go', 'tools/mapfile/parser_test.go'],
    symbol: 'parseSection',
    testCommand: 'go test ./tools/mapfile/...',
  },
  {
    title:
      'Move the retry logic out of the three HTTP clients into one place. Behaviour must stay the same, the tests show it.',
    files: ['src/http/retry.ts', 'src/http/billing-client.ts', 'src/http/stock-client.ts'],
    symbol: 'withRetry',
    testCommand: 'npm test -- http',
  },
  {
    title:
      'Users report that the search box loses focus after every key. Find the re-render and stop it.',
    files: ['web/components/SearchBox.tsx', 'web/hooks/useDebounced.ts'],
    symbol: 'SearchBox',
    testCommand: 'npm run test:web -- SearchBox',
  },
  {
    title:
      'Write a migration that splits the address column into street, zip and city, with a way back.',
    files: ['migrations/0042_split_address.sql', 'src/db/addresses.ts'],
    symbol: 'parseAddress',
    testCommand: 'npm test -- addresses',
  },
  {
    title:
      'The nightly import reads the whole CSV into memory. Stream it, and keep the row numbers in the error messages.',
    files: ['jobs/import_prices.py', 'jobs/csv_rows.py', 'tests/test_import_prices.py'],
    symbol: 'read_rows',
    testCommand: 'pytest tests/test_import_prices.py -q',
  },
  {
    title: 'Add a --json flag to the report command. The text output must not change by a byte.',
    files: ['cmd/report/main.go', 'cmd/report/render.go', 'cmd/report/render_test.go'],
    symbol: 'renderReport',
    testCommand: 'go test ./cmd/report/...',
  },
  {
    title:
      'The session cookie is not renewed on the second tab. Explain why, then fix it in the middleware.',
    files: ['src/auth/session.ts', 'src/auth/middleware.ts', 'test/auth/session.test.ts'],
    symbol: 'renewSession',
    testCommand: 'npm test -- session',
  },
  {
    title:
      'Replace the hand-written YAML reader in the deploy tool by the library that we already use elsewhere.',
    files: ['deploy/config.rs', 'deploy/yaml.rs', 'deploy/tests/config.rs'],
    symbol: 'load_config',
    testCommand: 'cargo test -p deploy',
  },
  {
    title:
      'The feature store returns yesterday for customers east of UTC+10. Write the failing test first.',
    files: ['features/daily.py', 'features/clock.py', 'tests/test_daily.py'],
    symbol: 'day_of',
    testCommand: 'pytest tests/test_daily.py -q',
  },
  {
    title:
      'Profile the product page and bring its server time below 120 ms. Start with the two queries inside the loop.',
    files: ['src/pages/product.ts', 'src/db/products.ts', 'src/db/prices.ts'],
    symbol: 'loadProduct',
    testCommand: 'npm test -- product',
  },
  {
    title:
      'Give the warehouse sync a dry run that prints what it would change, sorted and without colours.',
    files: ['sync/plan.py', 'sync/apply.py', 'tests/test_plan.py'],
    symbol: 'plan_changes',
    testCommand: 'pytest tests/test_plan.py -q',
  },
];

/** One step of an agent: what it says, the tool it calls, and what the tool answers. */
export interface AgentStep {
  readonly say: string;
  readonly tool: string;
  readonly args: Readonly<Record<string, string>>;
  readonly result: string;
}

const thoughts = [
  'I start with the code that the report names.',
  'Before I change anything I want to see who calls this.',
  'The name suggests that the fault is in here, so I read it first.',
  'That matches the description. Next I look at the test beside it.',
  'Two callers rely on the old order, so the change has to keep it.',
  'The smallest change is in one place; I make it there.',
  'Now the test, so that the fault can be seen before it is gone.',
  'One assertion still fails. The expected value was the wrong one, not the code.',
];

const codeLines = [
  '  const entries = [...input].sort(byPosition);',
  '  if (entries.length === 0) return empty;',
  '  for (const entry of entries) {',
  '    total += entry.amount * entry.quantity;',
  '    if (entry.discount !== null) total -= round(entry.discount);',
  '  }',
  '  return { total, count: entries.length };',
  '  // kept for callers that still pass a page number',
  '  const from = (page - 1) * size;',
  '  log.debug({ from, size }, "reading slice");',
  '  await store.write(key, value, { ifMatch: version });',
  '  throw new RangeError(`no such section: ${name}`);',
  '  const started = clock.now();',
  '  let attempt = 0;',
  '  while (attempt < limit) {',
  '    attempt += 1;',
  '    const answer = await send(request);',
  '    if (answer.ok) return answer;',
  '    await pause(backoff(attempt));',
  '  }',
];

const testOutputs = [
  'Tests  1 failed | 23 passed (24)\n  expected 1999 to be 2000',
  'Tests  24 passed (24)\nDuration  1.32s',
  '...........F....\n1 failed, 15 passed in 0.84s',
  '................\n16 passed in 0.79s',
  'ok   tools/mapfile  0.213s',
  '--- FAIL: TestSkipsLine (0.00s)\n    got "", want "line 7"',
];

const snippet = (prng: Prng, symbol: string, lines: number): string =>
  [
    `export function ${symbol}(input) {`,
    ...Array.from({ length: lines }, () => prng.pick(codeLines)),
    '}',
  ].join('\n');

/** The next thing an agent does on `task`. */
export function nextStep(prng: Prng, task: CodingTask): AgentStep {
  const file = prng.pick(task.files);
  const say = prng.pick(thoughts);
  return prng.weighted<() => AgentStep>([
    [
      4,
      () => ({
        say,
        tool: 'read_file',
        args: { path: file },
        result: snippet(prng, task.symbol, prng.int(4, 12)),
      }),
    ],
    [
      2,
      () => ({
        say,
        tool: 'search_files',
        args: { path: '.', regex: task.symbol },
        result: `Found ${prng.int(2, 9)} results.\n${task.files.map((path) => `${path}:${prng.int(8, 220)}: ${task.symbol}(`).join('\n')}`,
      }),
    ],
    [
      3,
      () => ({
        say,
        tool: 'replace_in_file',
        args: {
          path: file,
          diff: `------- SEARCH\n${prng.pick(codeLines)}\n=======\n${prng.pick(codeLines)}\n+++++++ REPLACE`,
        },
        result: `The content was successfully saved to ${file}.`,
      }),
    ],
    [
      2,
      () => ({
        say,
        tool: 'execute_command',
        args: { command: task.testCommand },
        result: prng.pick(testOutputs),
      }),
    ],
  ])();
}

export const closingWords: readonly string[] = [
  'The fault is fixed and the new test shows it. I left the public signature as it was.',
  'Done. Three files changed, all tests pass, and the documentation names both ways.',
  'The change is complete. One follow-up is worth an issue: the old parameter has no caller left.',
  'Both cases work now. I kept the old behaviour behind the flag, as you asked.',
];

export const buildQuestions: readonly string[] = [
  'Summarise this build log in two sentences and name the first failing step.',
  'Which of the changed files can explain the failing snapshot test?',
  'Write a release note of one line for this change.',
  'Does this diff change a public interface? Answer yes or no, then why.',
  'Suggest a title for this merge request.',
  'Name the flaky tests in this run, if any.',
];

export const planQuestions: readonly string[] = [
  'Plan the migration of the price table in numbered steps, with a way back for each.',
  'Order these eleven tickets so that no two people touch the same module at once.',
  'Which of these jobs can run at the same time without sharing a lock?',
  'Estimate the load on the stock service if the sync ran every five minutes.',
];

export const notebookQuestions: readonly string[] = [
  'Group these forty support messages by topic and count them.',
  'Explain the outlier in week 38 of this series in plain words.',
  'Write the pandas code that joins these two frames on the nearest timestamp.',
  'Translate these column descriptions to English, keep the names.',
];

export const passages: readonly string[] = [
  'Orders above the free shipping limit are collected twice a day.',
  'A build is reproducible when the same inputs give the same bytes.',
  'The warehouse closes its books at midnight of the site.',
  'Feature flags are read once at start and then every five minutes.',
  'A section without a size is reported and skipped.',
];

export const shortAnswers: readonly string[] = [
  'The second step fails: a generated file is older than its source. The rest is skipped for that reason.',
  'Only the change in the totals module can explain it; the others do not reach that page.',
  'No. The signature is the same and the new parameter has a default.',
  'Two tests differ from the last run without a change near them; both wait for a port.',
  'Faster totals for carts with many lines, and one rounding fault less.',
  '1. Freeze writes. 2. Copy in batches. 3. Compare counts and sums. 4. Switch readers. 5. Keep the old table for a week.',
  'Ten of the forty are about shipping, nine about returns, six about accounts; the rest stands alone.',
  'Week 38 holds the bank holiday: one working day less, and the stock count on the next.',
];
