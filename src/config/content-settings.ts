import { publishingCommands } from './command-names.ts';
import { parseContentMode } from './parse-content-mode.ts';
import { parseHashKey } from './parse-hash-key.ts';
import { parseRedactPatterns } from './parse-redact-patterns.ts';
import { listOf, parseBoolean, wholeNumberBetween } from './parse-simple.ts';
import { optional, secret, withDefault } from './setting.ts';

/** Texts and names: what is kept, what is masked. docs/privacy.md tells it whole. */
export const contentSettings = {
  text: withDefault({
    env: ['SYNC_CONTENT'],
    flag: '--content',
    placeholder: 'WHAT',
    parse: parseContentMode,
    default: 'all',
    commands: publishingCommands,
    description:
      'Of which calls prompts and answers are kept: `all`, those that failed (`errors`), a share of the sessions (`sampled:0.1`), or none (`off`). What only the text tells, the number of tool calls, is then unknown.',
    allows: 'all, errors, sampled:RATE or off',
    example: 'sampled:0.1',
  }),
  redact: withDefault({
    env: ['SYNC_REDACT'],
    flag: '--redact',
    placeholder: 'KINDS',
    parse: listOf(['credentials', 'email', 'phone']),
    default: 'credentials',
    commands: publishingCommands,
    description:
      'What is masked in every text before it is kept and before it is shown: `credentials`, `email`, `phone`, or `none`.',
    allows: 'credentials, email and phone, separated by commas; or none',
    example: 'credentials,email',
  }),
  redactPatterns: withDefault({
    env: ['SYNC_REDACT_PATTERNS'],
    flag: '--redact-patterns',
    placeholder: 'PATTERNS',
    fromFile: true,
    parse: parseRedactPatterns,
    default: '',
    commands: publishingCommands,
    description:
      'Own patterns that are masked too: one `name=pattern` a line, in the syntax of RE2. SYNC_REDACT_PATTERNS_FILE names a file that holds them.',
    allows: 'lines of name=pattern',
    example: 'ticket=TICKET-[0-9]{4,8}',
  }),
  maxTextBytes: optional({
    env: ['SYNC_MAX_CONTENT_BYTES'],
    flag: '--max-content-bytes',
    placeholder: 'BYTES',
    parse: wholeNumberBetween(200, 100_000_000),
    commands: publishingCommands,
    description:
      'Of a longer text only the beginning is kept, with a mark that says how much was left out. Not set: nothing is cut.',
    allows: 'a whole number from 200 to 100000000',
    example: '50000',
  }),
  hashNames: withDefault({
    env: ['SYNC_HASH_NAMES'],
    flag: '--hash-names',
    placeholder: 'KINDS',
    parse: listOf(['users', 'keys', 'teams']),
    default: 'none',
    commands: publishingCommands,
    description:
      'Whose names are kept and shown as a short hash: `users` (and sessions that may be named after them), `keys` (their aliases), `teams`, or `none`.',
    allows: 'users, keys and teams, separated by commas; or none',
    example: 'users,keys',
  }),
  hashKey: secret({
    env: ['SYNC_HASH_KEY'],
    fileFlag: '--hash-key-file',
    parse: parseHashKey,
    commands: publishingCommands,
    description:
      'Secret with which names are hashed (HMAC), so that nobody without it can try names out. Another one gives other hashes.',
    allows: 'a secret of at least 16 characters',
    example: 'the output of: openssl rand -hex 32',
  }),
  traces: withDefault({
    env: ['SYNC_TRACES'],
    flag: '--traces',
    placeholder: 'WHICH',
    parse: parseContentMode,
    default: 'off',
    commands: [...publishingCommands, 'demo'],
    description:
      'Which Langfuse traces are also written as MLflow traces: `all`, those in which a call failed (`errors`), a share of the sessions (`sampled:0.1`), or none (`off`). Needs an MLflow server of version 3; windows that were read before need `backfill`.',
    allows: 'all, errors, sampled:RATE or off',
    example: 'errors',
  }),
  requestRuns: withDefault({
    env: ['SYNC_REQUEST_RUNS'],
    flag: '--request-runs',
    placeholder: null,
    parse: parseBoolean,
    default: 'false',
    commands: publishingCommands,
    description: 'Also write one MLflow run for every single request.',
    allows: 'true or false',
    example: 'true',
  }),
};
