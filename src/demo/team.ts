/** The invented team behind the sample gateway: who uses which tool, models and gateway. */
import type { ModelKey } from './sample-models.ts';

export type ClientTool =
  /** Cline's legacy bundle: body `litellm_session_id: "cline-<ulid>"`. */
  | 'cline_legacy'
  /** Cline 3.17: task id in `metadata`. */
  | 'cline_317'
  /** Cline 4 SDK bundle: no session at all. */
  | 'cline_sdk'
  | 'claude_code'
  | 'roo'
  | 'opencode'
  | 'notebook'
  | 'ci'
  | 'planner'
  | 'indexer';

/** A gateway's callback line; see litellm-lines.ts. */
export type LiteLlmLine = 'A0' | 'A' | 'B' | 'C' | 'O1';

/** `main` moves from line A to C in the middle of the traffic. */
export type Gateway = 'main' | 'old' | 'eu' | 'data';

export interface SampleMember {
  readonly userId: string;
  readonly keyAlias: string | null;
  readonly teamId: string;
  readonly teamAlias: string;
  readonly tool: ClientTool;
  readonly userAgent: string;
  readonly gateway: Gateway;
  /** Weighted; the first is also what a session keeps to most of the time. */
  readonly models: readonly (readonly [weight: number, model: ModelKey])[];
  /** Mean sessions (jobs, batches) on a working day. */
  readonly sessionsPerDay: number;
  /** Median requests in a session. */
  readonly requestsPerSession: number;
  /** Hour of the day, UTC, around which work happens. */
  readonly coreHour: number;
  readonly worksAtWeekends: boolean;
}

const compilerTools = { teamId: 'team-0a11', teamAlias: 'compiler-tools' };
const dataPlatform = { teamId: 'team-0b22', teamAlias: 'data-platform' };
const webShop = { teamId: 'team-0c33', teamAlias: 'web-shop' };

const human = { coreHour: 12.5, worksAtWeekends: false } as const;

export const team: readonly SampleMember[] = [
  {
    ...human,
    ...compilerTools,
    userId: 'eng-011',
    keyAlias: 'eng-011-laptop',
    tool: 'cline_legacy',
    userAgent: 'OpenAI/JS 4.83.0',
    gateway: 'main',
    models: [
      [8, 'sonnet'],
      [2, 'gpt5Mini'],
    ],
    sessionsPerDay: 2.2,
    requestsPerSession: 18,
  },
  {
    ...human,
    ...compilerTools,
    userId: 'eng-014',
    keyAlias: 'eng-014-laptop',
    tool: 'cline_legacy',
    userAgent: 'OpenAI/JS 4.83.0',
    gateway: 'main',
    models: [
      [6, 'gpt5Mini'],
      [4, 'sonnet'],
    ],
    sessionsPerDay: 1.8,
    requestsPerSession: 22,
    coreHour: 15.5,
    worksAtWeekends: true,
  },
  {
    ...human,
    ...webShop,
    userId: 'eng-017',
    keyAlias: 'eng-017-laptop',
    tool: 'claude_code',
    userAgent: 'claude-cli/2.1.0',
    gateway: 'main',
    models: [
      [8, 'sonnet'],
      [2, 'haiku'],
    ],
    sessionsPerDay: 2.4,
    requestsPerSession: 24,
  },
  {
    ...human,
    ...dataPlatform,
    userId: 'eng-019',
    keyAlias: 'eng-019-laptop',
    tool: 'claude_code',
    userAgent: 'claude-cli/2.0.31',
    gateway: 'eu',
    models: [[1, 'sonnetBedrock']],
    sessionsPerDay: 1.6,
    requestsPerSession: 20,
    coreHour: 10.5,
  },
  {
    ...human,
    ...webShop,
    userId: 'eng-021',
    keyAlias: 'eng-021-laptop',
    tool: 'cline_sdk',
    userAgent: 'ai-sdk/openai-compatible/1.0.22',
    gateway: 'main',
    models: [
      [7, 'sonnet'],
      [3, 'gemini'],
    ],
    sessionsPerDay: 1.7,
    requestsPerSession: 15,
  },
  {
    ...human,
    ...webShop,
    userId: 'eng-023',
    keyAlias: 'eng-023-laptop',
    tool: 'roo',
    userAgent: 'RooCode/3.28.1',
    gateway: 'main',
    models: [
      [5, 'gemini'],
      [5, 'gpt5Mini'],
    ],
    sessionsPerDay: 1.9,
    requestsPerSession: 17,
  },
  {
    ...human,
    ...compilerTools,
    userId: 'eng-026',
    keyAlias: null,
    tool: 'cline_legacy',
    userAgent: 'OpenAI/JS 4.83.0',
    gateway: 'eu',
    models: [
      [6, 'sonnetBedrock'],
      [4, 'qwen'],
    ],
    sessionsPerDay: 1.5,
    requestsPerSession: 16,
    coreHour: 9.5,
  },
  {
    ...human,
    ...compilerTools,
    userId: 'eng-028',
    keyAlias: 'eng-028-laptop',
    tool: 'cline_sdk',
    userAgent: 'ai-sdk/openai-compatible/1.0.22',
    gateway: 'main',
    models: [[1, 'sonnet']],
    sessionsPerDay: 1.3,
    requestsPerSession: 14,
  },
  {
    ...human,
    ...dataPlatform,
    userId: 'eng-031',
    keyAlias: 'eng-031-laptop',
    tool: 'opencode',
    userAgent: 'opencode/1.0.55',
    gateway: 'eu',
    models: [
      [6, 'qwen'],
      [4, 'sonnetBedrock'],
    ],
    sessionsPerDay: 1.4,
    requestsPerSession: 15,
  },
  {
    ...human,
    ...dataPlatform,
    userId: 'eng-034',
    keyAlias: 'eng-034-laptop',
    tool: 'claude_code',
    userAgent: 'claude-cli/1.0.98',
    gateway: 'old',
    models: [
      [7, 'sonnet'],
      [3, 'haiku'],
    ],
    sessionsPerDay: 1.2,
    requestsPerSession: 17,
  },
  {
    ...human,
    ...webShop,
    userId: 'eng-036',
    keyAlias: 'eng-036-laptop',
    tool: 'cline_317',
    userAgent: 'OpenAI/JS 4.61.1',
    gateway: 'old',
    models: [[1, 'haiku']],
    sessionsPerDay: 1.1,
    requestsPerSession: 13,
  },
  {
    ...human,
    ...dataPlatform,
    userId: 'data-005',
    keyAlias: 'data-005-notebook',
    tool: 'notebook',
    userAgent: 'OpenAI/Python 1.99.2',
    gateway: 'data',
    models: [
      [6, 'gpt4oMini'],
      [4, 'deepseek'],
    ],
    sessionsPerDay: 1.6,
    requestsPerSession: 12,
    coreHour: 13.5,
  },
  {
    ...compilerTools,
    userId: 'svc-ci',
    keyAlias: 'ci-bot',
    tool: 'ci',
    userAgent: 'curl/8.5.0',
    gateway: 'old',
    models: [[1, 'gpt4oMini']],
    sessionsPerDay: 9,
    requestsPerSession: 5,
    coreHour: 14,
    worksAtWeekends: true,
  },
  {
    ...dataPlatform,
    userId: 'svc-planner',
    keyAlias: 'planner',
    tool: 'planner',
    userAgent: 'python-httpx/0.28.1',
    gateway: 'main',
    models: [[1, 'o4Mini']],
    sessionsPerDay: 3,
    requestsPerSession: 5,
    coreHour: 12,
    worksAtWeekends: false,
  },
  {
    ...dataPlatform,
    userId: 'svc-index',
    keyAlias: 'indexer',
    tool: 'indexer',
    userAgent: 'OpenAI/Python 1.99.2',
    gateway: 'main',
    models: [[1, 'embedding']],
    sessionsPerDay: 2,
    requestsPerSession: 12,
    coreHour: 2,
    worksAtWeekends: true,
  },
];
