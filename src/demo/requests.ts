/** Turns requests into gateway calls on a time line: retries, fallbacks, failures, pauses. */
import { createFailure, type SampleFailure } from './failures.ts';
import type { Prng } from './prng.ts';
import type { SampleCall } from './sample-call.ts';
import { modelOf, type ModelKey, type SampleModel } from './sample-models.ts';
import type { SampleMember } from './team.ts';

/** A request before it is placed in time. */
export type RequestDraft = Pick<
  SampleCall,
  | 'callType'
  | 'hint'
  | 'model'
  | 'isModelLost'
  | 'isStreaming'
  | 'parameters'
  | 'input'
  | 'output'
  | 'usageLogged'
> & {
  readonly tokens: NonNullable<SampleCall['tokens']>;
  /** Time until the next request of the session. */
  readonly pauseMs: number;
  /** An answered call whose answer the proxy's cache gives again. */
  readonly repeatOf: SampleCall | null;
};

export interface Requests {
  add(draft: RequestDraft): void;
  nextStartMs(): number;
  /** False once the traffic's end is reached. */
  isOpen(): boolean;
  lastAnswered(): SampleCall | null;
  calls(): SampleCall[];
}

const dayMs = 86_400_000;

/** Retries and fallbacks start well within 30 s of the failure; after a final failure the session rests longer. */
const restAfterFailureMs = 45_000;

const cacheHitAfterMs = 120_000;

const fallbacks: Partial<Record<ModelKey, ModelKey>> = {
  sonnet: 'gpt5Mini',
  gpt5Mini: 'gpt4oMini',
  gemini: 'gpt5Mini',
};

/** A provider has a bad hour: many calls to Anthropic fail in it. */
export function isProviderIncident(model: SampleModel, startMs: number): boolean {
  const day = new Date(startMs);
  const minutes = day.getUTCHours() * 60 + day.getUTCMinutes();
  return (
    model.raw.startsWith('anthropic/') &&
    day.getUTCDay() === 4 &&
    minutes >= 15 * 60 &&
    minutes < 15 * 60 + 50
  );
}

/** Requests of one session that starts at `startMs`. */
export function createRequests(session: {
  readonly prng: Prng;
  readonly member: SampleMember;
  readonly startMs: number;
  readonly untilMs: number;
}): Requests {
  const prng = session.prng.fork('requests');
  const calls: SampleCall[] = [];
  let nextStartMs = session.startMs;
  let lastAnswered: SampleCall | null = null;

  return {
    nextStartMs: () => nextStartMs,
    isOpen: () => nextStartMs < session.untilMs,
    lastAnswered: () => lastAnswered,
    calls: () => calls.filter((call) => call.startMs < session.untilMs),
    add(draft) {
      const callId = prng.uuid();
      // Minutes lie between an answer and its repetition from the proxy's cache.
      const startMs = Math.max(nextStartMs, (draft.repeatOf?.endMs ?? 0) + cacheHitAfterMs);
      const at = { callId, startMs, member: session.member };
      const attempts =
        draft.repeatOf === null
          ? failingAttempts(prng, draft, at)
          : { failed: [], next: { startMs, model: draft.model } };
      calls.push(...attempts.failed);
      let endMs = attempts.failed.at(-1)?.endMs ?? startMs;
      if (attempts.next !== null) {
        lastAnswered = answeredCall(prng, draft, { ...at, ...attempts.next });
        calls.push(lastAnswered);
        endMs = lastAnswered.endMs;
      }
      const restMs = attempts.next === null ? restAfterFailureMs : 0;
      nextStartMs = Math.round(endMs + restMs + draft.pauseMs);
    },
  };
}

function answeredCall(
  prng: Prng,
  draft: RequestDraft,
  at: {
    readonly callId: string;
    readonly startMs: number;
    readonly model: SampleModel;
    readonly member: SampleMember;
  },
): SampleCall {
  const { repeatOf, pauseMs: _pause, ...asked } = draft;
  const isHit = repeatOf !== null;
  const model = repeatOf?.model ?? at.model;
  // A fallback model has nothing of this prompt in its cache.
  const tokens =
    repeatOf?.tokens ??
    (model === draft.model ? draft.tokens : { ...draft.tokens, cacheRead: 0, cacheWrite: 0 });
  const firstMs = prng.skewed(model.firstTokenMs, 0.35) + tokens.prompt / 90;
  const writingMs = (tokens.completion / model.outputTokensPerSecond) * 1000 * prng.skewed(1, 0.15);
  const latencyMs = isHit ? prng.int(6, 22) : Math.round(firstMs + writingMs) + 1;
  const isBroken = prng.chance(0.015);
  const firstTokenMs = isBroken ? at.startMs + latencyMs : at.startMs + Math.round(firstMs);
  return {
    ...asked,
    callId: at.callId,
    responseId: repeatOf?.responseId ?? `chatcmpl-${prng.base32(20).toLowerCase()}`,
    member: at.member,
    model,
    input: repeatOf?.input ?? draft.input,
    output: repeatOf?.output ?? draft.output,
    startMs: at.startMs,
    endMs: at.startMs + latencyMs,
    firstTokenMs: draft.isStreaming && !isHit ? firstTokenMs : null,
    failure: null,
    tokens,
    isCacheHit: isHit,
    billedFailureUsd: null,
    overheadMs: Number(prng.skewed(7, 0.6).toFixed(1)),
  };
}

/** The failures before an answer, and where (or whether) the answer follows. */
function failingAttempts(
  prng: Prng,
  draft: RequestDraft,
  at: { readonly callId: string; readonly startMs: number; readonly member: SampleMember },
): {
  readonly failed: readonly SampleCall[];
  readonly next: { readonly startMs: number; readonly model: SampleModel } | null;
} {
  const { model } = draft;
  const plain = { failed: [], next: { startMs: at.startMs, model } };
  const chance = isProviderIncident(model, at.startMs) ? 0.35 : 0.028;
  if (!prng.chance(chance)) return plain;
  const failure = createFailure(prng, model);
  const failed: SampleCall[] = [];
  let { startMs } = at;
  for (let i = 0; i < failure.attempts; i++) {
    failed.push(failedCall(prng, draft, { ...at, startMs, failure }));
    startMs += failure.latencyMs + prng.int(1600, 7000);
  }
  // Attempts of one request stay within one UTC day, so that no window splits a request.
  if (Math.floor(startMs / dayMs) !== Math.floor(at.startMs / dayMs)) return plain;
  if (failure.recovery === 'none') return { failed, next: null };
  const fallback = failure.recovery === 'fallback' ? fallbacks[model.key as ModelKey] : undefined;
  return { failed, next: { startMs, model: fallback ? modelOf(fallback) : model } };
}

function failedCall(
  prng: Prng,
  draft: RequestDraft,
  at: {
    readonly callId: string;
    readonly startMs: number;
    readonly member: SampleMember;
    readonly failure: SampleFailure;
  },
): SampleCall {
  const { repeatOf: _repeat, pauseMs: _pause, ...asked } = draft;
  return {
    ...asked,
    isModelLost: false,
    callId: at.callId,
    responseId: '',
    member: at.member,
    startMs: at.startMs,
    endMs: at.startMs + at.failure.latencyMs,
    firstTokenMs: null,
    failure: at.failure.message,
    tokens: null,
    usageLogged: 'missing',
    isCacheHit: false,
    billedFailureUsd: at.failure.billedUsd,
    output: null,
    overheadMs: Number(prng.skewed(7, 0.6).toFixed(1)),
  };
}
