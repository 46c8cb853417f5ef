/** Growing chat histories: coding agents resend everything they have said so far with each request. */
import {
  closingWords,
  codingTasks,
  nextStep,
  type AgentStep,
  type CodingTask,
} from './coding-tasks.ts';
import type { Prng } from './prng.ts';

/** How a client writes tool use into messages. */
export type ToolDialect =
  /** Tool calls as XML in the text, results as user messages (Cline's legacy bundle). */
  | 'xml'
  /** `tool_calls` and `role: "tool"`. */
  | 'openai'
  /** `tool_use` and `tool_result` blocks. */
  | 'anthropic';

export interface Turn {
  /** What LiteLLM logs as input: `{messages, tools?}`. */
  readonly input: unknown;
  /** What it logs as output: the message. */
  readonly output: unknown;
  /** Messages sent, the measure of how far the history has grown. */
  readonly messageCount: number;
  readonly hasToolCall: boolean;
  /** True when the history was condensed right before this turn. */
  readonly isCondensed: boolean;
}

export interface Conversation {
  readonly task: CodingTask;
  /** The next request and its answer; the history grows by both. */
  next(turn: { readonly isLast: boolean; readonly hasReasoning: boolean }): Turn;
  /** Replaces all but the task by a summary before the next turn. */
  condense(): void;
}

type Message = Readonly<Record<string, unknown>>;

const preamble =
  'You are a careful software engineer. You work with tools in a checkout of the repository, one step at a time, and wait for the result of each step. Read before you write. Keep changes small. Never invent the content of a file. When the task is done, say so in two sentences and stop. The user sees only your words, not the tool results.';

const toolSchemas = ['read_file', 'search_files', 'replace_in_file', 'execute_command'].map(
  (name) => ({
    type: 'function',
    function: {
      name,
      description: `Runs ${name.replaceAll('_', ' ')} in the workspace.`,
      parameters: { type: 'object', properties: { path: { type: 'string' } } },
    },
  }),
);

/** Tool definitions in Anthropic's form are sent as they are by `/v1/messages`. */
const anthropicToolSchemas = toolSchemas.map((tool) => ({
  name: tool.function.name,
  description: tool.function.description,
  input_schema: tool.function.parameters,
}));

/** A conversation on a task picked by `prng`. With `hasImage` the first message holds a picture. */
export function createConversation(options: {
  readonly prng: Prng;
  readonly dialect: ToolDialect;
  readonly hasImage: boolean;
}): Conversation {
  const { prng, dialect } = options;
  const task = prng.pick(codingTasks);
  const first: Message[] = [
    { role: 'system', content: preamble },
    { role: 'user', content: firstContent(options, task) },
  ];
  let history: Message[] = [...first];
  let isCondensed = false;
  let step = 0;

  return {
    task,
    condense() {
      const summary = `<summary>${step} steps so far on ${task.files.join(', ')}. ${task.symbol} was read and changed once; ${task.testCommand} has one failing assertion left.</summary>`;
      history = [...first, { role: 'user', content: summary }];
      isCondensed = true;
    },
    next({ isLast, hasReasoning }) {
      step++;
      const messages = [...history];
      const tools =
        dialect === 'xml'
          ? {}
          : { tools: dialect === 'openai' ? toolSchemas : anthropicToolSchemas };
      const action = isLast ? null : nextStep(prng, task);
      const callId = `${dialect === 'anthropic' ? 'toolu' : 'call'}_${prng.base32(10).toLowerCase()}`;
      const reply = writeReply({ action, dialect, callId, prng });
      history.push(...reply.history);
      const turn: Turn = {
        input: { messages, ...tools },
        output: hasReasoning
          ? {
              ...reply.output,
              reasoning_content: `The task names ${task.symbol}. ${action?.say ?? 'Everything asked for is done.'}`,
            }
          : reply.output,
        messageCount: messages.length,
        hasToolCall: action !== null,
        isCondensed,
      };
      isCondensed = false;
      return turn;
    },
  };
}

function firstContent(
  options: { readonly prng: Prng; readonly dialect: ToolDialect; readonly hasImage: boolean },
  task: CodingTask,
): unknown {
  const text =
    options.dialect === 'xml'
      ? `<task>\n${task.title}\n</task>\n\n<environment_details>\nOpen tabs: ${task.files.join(', ')}\n</environment_details>`
      : task.title;
  const blocks: unknown[] = [{ type: 'text', text }];
  if (options.hasImage) {
    blocks.push({
      type: 'image_url',
      image_url: {
        url: `@@@langfuseMedia:type=image/png|id=${options.prng.base32(22)}|source=base64_data_uri@@@`,
      },
    });
  }
  return options.dialect === 'openai' && !options.hasImage ? text : blocks;
}

/** The assistant's answer as LiteLLM logs it, and what it adds to the history with the tool's result. */
function writeReply(reply: {
  readonly action: AgentStep | null;
  readonly dialect: ToolDialect;
  readonly callId: string;
  readonly prng: Prng;
}): { readonly output: Record<string, unknown>; readonly history: readonly Message[] } {
  const { action, dialect, callId } = reply;
  const plain = { role: 'assistant', tool_calls: null, function_call: null };
  if (action === null) {
    const content = reply.prng.pick(closingWords);
    return {
      output: { content, ...plain },
      history: [
        { role: 'assistant', content },
        {
          role: 'user',
          content: 'Thanks. One more thing, please check the same in the next file.',
        },
      ],
    };
  }
  if (dialect === 'xml') {
    const args = Object.entries(action.args)
      .map(([name, value]) => `<${name}>${value}</${name}>`)
      .join('\n');
    const content = `${action.say}\n\n<${action.tool}>\n${args}\n</${action.tool}>`;
    return {
      output: { content, ...plain },
      history: [
        { role: 'assistant', content },
        {
          role: 'user',
          content: [
            { type: 'text', text: `[${action.tool}] Result:` },
            { type: 'text', text: action.result },
          ],
        },
      ],
    };
  }
  const toolCalls = [
    {
      index: 0,
      id: callId,
      type: 'function',
      function: { name: action.tool, arguments: JSON.stringify(action.args) },
    },
  ];
  const output = {
    content: action.say,
    role: 'assistant',
    tool_calls: toolCalls,
    function_call: null,
  };
  if (dialect === 'openai') {
    return {
      output,
      history: [
        { role: 'assistant', content: action.say, tool_calls: toolCalls },
        { role: 'tool', tool_call_id: callId, content: action.result },
      ],
    };
  }
  return {
    output,
    history: [
      {
        role: 'assistant',
        content: [
          { type: 'text', text: action.say },
          { type: 'tool_use', id: callId, name: action.tool, input: action.args },
        ],
      },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: callId, content: action.result }],
      },
    ],
  };
}
