import { readingCommands, syncingCommands } from './command-names.ts';
import { durationBetween } from './parse-duration.ts';
import { parsePublicKey, parseSecretKey } from './parse-key.ts';
import { parseLangfuseBaseUrl } from './parse-langfuse-base-url.ts';
import { choiceOf, parseList, wholeNumberBetween } from './parse-simple.ts';
import { optional, secret, withDefault } from './setting.ts';

/** How Langfuse is reached and read. */
export const langfuseSettings = {
  baseUrl: withDefault({
    env: ['LANGFUSE_BASE_URL', 'LANGFUSE_HOST', 'LANGFUSE_BASEURL'],
    flag: '--langfuse-base-url',
    placeholder: 'URL',
    parse: parseLangfuseBaseUrl,
    default: 'https://cloud.langfuse.com',
    commands: readingCommands,
    description:
      'Langfuse server: the region of Langfuse Cloud, or the address of your own, without /api/public.',
    allows: 'an http or https URL',
    example: 'https://us.cloud.langfuse.com',
  }),
  publicKey: optional({
    env: ['LANGFUSE_PUBLIC_KEY'],
    fromFile: true,
    isExact: true,
    flag: '--langfuse-public-key',
    placeholder: 'KEY',
    parse: parsePublicKey,
    commands: readingCommands,
    requiredBy: readingCommands,
    description: 'Public key of the Langfuse project to read. One key pair is one project.',
    allows: 'a public key, usually pk-lf-…',
    example: 'pk-lf-1234567890',
  }),
  langfuseSecretKey: secret({
    env: ['LANGFUSE_SECRET_KEY'],
    fileFlag: '--langfuse-secret-key-file',
    parse: parseSecretKey,
    commands: readingCommands,
    requiredBy: readingCommands,
    description: 'Secret key of the same Langfuse project.',
    allows: 'a secret key, usually sk-lf-…',
    example: 'sk-lf-1234567890',
  }),
  reader: withDefault({
    env: ['SYNC_LANGFUSE_READER'],
    flag: '--langfuse-reader',
    placeholder: 'READER',
    parse: choiceOf(['auto', 'v2', 'legacy']),
    default: 'auto',
    commands: readingCommands,
    description:
      'Which Langfuse API to read: `v2` (4.x and Cloud), `legacy` (2.x and 3.x), or `auto` to probe the server on each run.',
    allows: 'auto, v2 or legacy',
    example: 'v2',
  }),
  concurrency: withDefault({
    env: ['SYNC_LANGFUSE_CONCURRENCY'],
    flag: '--langfuse-concurrency',
    placeholder: 'N',
    parse: wholeNumberBetween(1, 64),
    default: '4',
    commands: syncingCommands,
    description: 'Requests to Langfuse at the same time.',
    allows: 'a whole number from 1 to 64',
    example: '8',
  }),
  timeoutMs: withDefault({
    env: ['SYNC_LANGFUSE_TIMEOUT'],
    flag: '--langfuse-timeout',
    placeholder: 'DURATION',
    parse: durationBetween('1s', '10m'),
    default: '60s',
    commands: readingCommands,
    description: 'How long one answer of Langfuse may take, its whole body included.',
    allows: 'a duration from 1s to 10m',
    example: '2m',
  }),
  maxWaitMs: withDefault({
    env: ['SYNC_LANGFUSE_MAX_WAIT'],
    flag: '--langfuse-max-wait',
    placeholder: 'DURATION',
    parse: durationBetween('0s', '1d'),
    default: '15m',
    commands: syncingCommands,
    description:
      'How long one request may wait in all when Langfuse says 429 or cannot be reached, and a run for all 429 together; after that the run ends with exit code 75 and keeps what is finished.',
    allows: 'a duration up to 1d',
    example: '1h',
  }),
  pageSize: withDefault({
    env: ['SYNC_LANGFUSE_PAGE_SIZE'],
    flag: '--langfuse-page-size',
    placeholder: 'N',
    parse: wholeNumberBetween(1, 1000),
    default: '1000',
    commands: syncingCommands,
    description:
      'Rows asked for at once. The legacy API takes at most 100 and is never asked for more; the worker asks for fewer by itself when a page is too large for the server.',
    allows: 'a whole number from 1 to 1000',
    example: '200',
  }),
  maxAnswerBytes: withDefault({
    env: ['SYNC_LANGFUSE_MAX_ANSWER_BYTES'],
    flag: '--langfuse-max-answer-bytes',
    placeholder: 'BYTES',
    parse: wholeNumberBetween(100_000, 500_000_000),
    default: '67108864',
    commands: readingCommands,
    description:
      'The largest answer of Langfuse that is taken into memory, unpacked. Of a larger one the worker asks for parts, down to one row, which is then set aside by its name.',
    allows: 'a whole number from 100000 to 500000000',
    example: '200000000',
  }),
  environments: withDefault({
    env: ['SYNC_ENVIRONMENTS'],
    flag: '--environments',
    placeholder: 'LIST',
    parse: parseList,
    default: '',
    commands: syncingCommands,
    description: 'Langfuse environments to read, separated by commas. Empty: all of them.',
    allows: 'names separated by commas',
    example: 'production,staging',
  }),
} as const;
