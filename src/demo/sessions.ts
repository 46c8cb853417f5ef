/** One session of one member, as the calls that the gateway sees. */
import {
  buildQuestions,
  notebookQuestions,
  passages,
  planQuestions,
  shortAnswers,
} from './coding-tasks.ts';
import { createConversation, type ToolDialect, type Turn } from './conversation.ts';
import type { Prng } from './prng.ts';
import { createRequests, type RequestDraft } from './requests.ts';
import type { SampleCall, SessionHint } from './sample-call.ts';
import { modelOf, type SampleModel } from './sample-models.ts';
import type { ClientTool, LiteLlmLine, SampleMember } from './team.ts';
import { createTokenMeter } from './token-meter.ts';

export interface SessionPlan {
  readonly prng: Prng;
  readonly member: SampleMember;
  readonly line: LiteLlmLine;
  readonly startMs: number;
  /** Calls start before this instant. */
  readonly untilMs: number;
  readonly content: 'full' | 'cheap';
}

/** Calls of the session in order of start; a request may be several calls. */
export function createSessionCalls(plan: SessionPlan): SampleCall[] {
  const { member, prng } = plan;
  switch (member.tool) {
    case 'ci':
    case 'planner':
    case 'notebook':
      return questionSession(plan);
    case 'indexer':
      return embeddingSession(plan);
    default: {
      const size = Math.round(prng.skewed(member.requestsPerSession, 0.55));
      return agentSession(plan, Math.min(80, Math.max(3, size)));
    }
  }
}

const dialects: Partial<Record<ClientTool, ToolDialect>> = {
  cline_legacy: 'xml',
  cline_317: 'xml',
  claude_code: 'anthropic',
};

function toHint(plan: SessionPlan): SessionHint {
  const { prng, member } = plan;
  switch (member.tool) {
    case 'cline_legacy':
      return { kind: 'body', id: `cline-${toUlid(plan.startMs, prng)}` };
    case 'cline_317':
      return { kind: 'task_metadata', id: String(plan.startMs) };
    case 'claude_code':
      return { kind: 'header', header: 'x-claude-code-session-id', id: prng.uuid() };
    case 'roo':
      return { kind: 'cache_key', id: prng.uuid() };
    case 'opencode':
      return { kind: 'plain_header', id: `ses_${prng.base32(20)}` };
    case 'ci':
      return { kind: 'metadata', id: `job-${prng.int(4000, 99_999)}` };
    case 'notebook':
      return prng.chance(0.6) ? { kind: 'metadata', id: `nb-${prng.hex(8)}` } : { kind: 'none' };
    default:
      return { kind: 'none' };
  }
}

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function toUlid(instantMs: number, prng: Prng): string {
  let time = '';
  let rest = instantMs;
  for (let i = 0; i < 10; i++) {
    time = `${crockford[rest % 32]}${time}`;
    rest = Math.floor(rest / 32);
  }
  return time + prng.base32(16);
}

const cheapTurn: Turn = {
  input: { messages: [{ role: 'user', content: 'Sample request.' }] },
  output: { content: 'Sample answer.', role: 'assistant', tool_calls: null, function_call: null },
  messageCount: 1,
  hasToolCall: false,
  isCondensed: false,
};

function agentSession(plan: SessionPlan, size: number): SampleCall[] {
  const { prng, member } = plan;
  const requests = createRequests(plan);
  const conversation = createConversation({
    prng: prng.fork('conversation'),
    dialect: dialects[member.tool] ?? 'openai',
    hasImage: prng.chance(0.07),
  });
  let hint = toHint(plan);
  let model = modelOf(prng.weighted(member.models));
  let meter = createTokenMeter(prng, { model, tool: member.tool });
  const callType = member.tool === 'claude_code' ? 'anthropic_messages' : 'acompletion';
  // Claude Code lets its small model name the session first.
  if (member.tool === 'claude_code' && member.gateway !== 'eu') {
    requests.add(titleRequest(plan, hint));
  }
  const changesModelAt = prng.chance(0.12) ? Math.floor(size / 2) : -1;
  for (let turnNumber = 1; turnNumber <= size && requests.isOpen(); turnNumber++) {
    if (turnNumber === changesModelAt && turnNumber > 2 && size - turnNumber > 2) {
      model = modelOf(prng.weighted(member.models));
      meter = createTokenMeter(prng, { model, tool: member.tool });
      // After a change of model Cline's session id turns into a plain UUID (cline/cline#4998).
      if (hint.kind === 'body') hint = { kind: 'body', id: prng.uuid() };
    }
    if (meter.isFull() || (turnNumber > 30 && prng.chance(0.04))) {
      conversation.condense();
      meter.condense();
    }
    const turn =
      plan.content === 'cheap'
        ? cheapTurn
        : conversation.next({
            isLast: turnNumber === size || (turnNumber > 8 && prng.chance(0.05)),
            hasReasoning: model.reasons && prng.chance(0.5),
          });
    const { tokens } = meter.next(requests.nextStartMs());
    requests.add({
      callType,
      hint,
      model,
      tokens,
      isStreaming: true,
      parameters: agentParameters(plan, hint, model),
      input: turn.input,
      output: turn.output,
      usageLogged: toUsageLogged(plan, model),
      isModelLost:
        model.raw.startsWith('bedrock/') && callType === 'anthropic_messages' && prng.chance(0.03),
      pauseMs: prng.chance(0.12)
        ? prng.int(40_000, 400_000)
        : Math.max(1300, prng.skewed(6000, 0.8)),
      repeatOf: null,
    });
  }
  return requests.calls();
}

function toUsageLogged(plan: SessionPlan, model: SampleModel): SampleCall['usageLogged'] {
  if (model.key === 'qwen' && plan.prng.chance(0.12)) {
    return plan.prng.chance(0.5) ? 'missing' : 'zeros';
  }
  return model.key === 'gemini' && plan.line === 'C' && plan.prng.chance(0.03) ? 'missing' : 'yes';
}

function agentParameters(
  plan: SessionPlan,
  hint: SessionHint,
  model: SampleModel,
): Record<string, unknown> {
  const isClaude = model.caching === 'anthropic';
  return {
    stream: true,
    ...(plan.member.tool === 'claude_code'
      ? { thinking: "{'type': 'enabled', 'budget_tokens': 4096}" }
      : { stream_options: "{'include_usage': True}" }),
    ...(isClaude ? { max_tokens: 8192 } : {}),
    ...(model.reasons ? { reasoning_effort: 'medium' } : { temperature: isClaude ? 1 : 0.2 }),
    ...(hint.kind === 'cache_key' ? { prompt_cache_key: hint.id } : {}),
  };
}

function titleRequest(plan: SessionPlan, hint: SessionHint): RequestDraft {
  const { prng } = plan;
  return {
    callType: 'anthropic_messages',
    hint,
    model: modelOf('haiku'),
    tokens: {
      prompt: prng.int(280, 420),
      completion: prng.int(12, 30),
      cacheRead: 0,
      cacheWrite: 0,
      reasoning: 0,
    },
    isStreaming: true,
    parameters: { stream: true, max_tokens: 512, temperature: 0 },
    input: {
      messages: [{ role: 'user', content: 'Name this conversation in at most six words.' }],
    },
    output: {
      content: '{"isNewTopic": true, "title": "Mend the failing check"}',
      role: 'assistant',
      tool_calls: null,
      function_call: null,
    },
    usageLogged: 'yes',
    isModelLost: false,
    pauseMs: 1500,
    repeatOf: null,
  };
}

/** Short independent questions: CI jobs (with proxy cache hits), plans, notebooks. */
function questionSession(plan: SessionPlan): SampleCall[] {
  const { prng, member } = plan;
  const requests = createRequests(plan);
  const hint = toHint(plan);
  const size = Math.max(2, Math.round(prng.skewed(member.requestsPerSession, 0.4)));
  const questions =
    member.tool === 'ci'
      ? buildQuestions
      : member.tool === 'planner'
        ? planQuestions
        : notebookQuestions;
  for (let i = 0; i < size && requests.isOpen(); i++) {
    if (member.tool === 'notebook' && prng.chance(0.1)) {
      requests.add(embeddingRequest(plan, hint));
      continue;
    }
    const model = modelOf(prng.weighted(member.models));
    const prompt = Math.round(prng.skewed(member.tool === 'ci' ? 2600 : 1300, 0.5));
    // Only the `langfuse_otel` line tells the cached part of such a call apart.
    const isCached = plan.line === 'O1' && model.key === 'gpt4oMini' && prng.chance(0.3);
    const reasoning = model.reasons ? Math.round(prng.skewed(1400, 0.5)) : 0;
    const isStreaming = member.tool === 'notebook' && prng.chance(0.5);
    // The proxy's own cache answers a repeated question of the same job.
    const repeatOf = member.tool === 'ci' && prng.chance(0.18) ? requests.lastAnswered() : null;
    requests.add({
      callType: 'acompletion',
      hint,
      model,
      tokens: {
        prompt,
        completion: Math.round(prng.skewed(170, 0.5)) + reasoning,
        cacheRead: isCached ? Math.floor((prompt * 0.6) / 128) * 128 : 0,
        cacheWrite: 0,
        reasoning,
      },
      isStreaming,
      parameters: {
        ...(isStreaming ? { stream: true } : {}),
        ...(model.reasons ? { reasoning_effort: 'high' } : { temperature: 0.2, max_tokens: 600 }),
        extra_body: '{}',
      },
      input: {
        messages: [
          { role: 'system', content: 'Answer briefly. Say so when you do not know.' },
          { role: 'user', content: prng.pick(questions) },
        ],
      },
      output: {
        content: prng.pick(shortAnswers),
        role: 'assistant',
        tool_calls: null,
        function_call: null,
      },
      usageLogged: plan.line === 'O1' && prng.chance(0.04) ? 'without_total' : 'yes',
      isModelLost: false,
      pauseMs: repeatOf === null ? prng.int(15_000, 160_000) : prng.int(90_000, 300_000),
      repeatOf,
    });
  }
  return requests.calls();
}

function embeddingSession(plan: SessionPlan): SampleCall[] {
  const requests = createRequests(plan);
  const size = Math.max(4, Math.round(plan.prng.skewed(plan.member.requestsPerSession, 0.4)));
  for (let i = 0; i < size && requests.isOpen(); i++) {
    requests.add(embeddingRequest(plan, { kind: 'none' }));
  }
  return requests.calls();
}

function embeddingRequest(plan: SessionPlan, hint: SessionHint): RequestDraft {
  const { prng } = plan;
  return {
    callType: 'aembedding',
    hint,
    model: modelOf('embedding'),
    tokens: {
      prompt: Math.round(prng.skewed(2400, 0.4)),
      completion: 0,
      cacheRead: 0,
      cacheWrite: 0,
      reasoning: 0,
    },
    isStreaming: false,
    parameters: { encoding_format: 'float' },
    input: { messages: [prng.pick(passages), prng.pick(passages)] },
    output: null,
    usageLogged: 'yes',
    isModelLost: false,
    pauseMs: prng.int(900, 4000),
    repeatOf: null,
  };
}
