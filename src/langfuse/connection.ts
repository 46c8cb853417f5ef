import { createGate, type Gate } from './gate.ts';
import { createLangfuseApi, type LangfuseApi } from './sdk-client.ts';
import type { SourceSettings } from './source-settings.ts';

/** The calls and the gate they go through. */
export interface Connection {
  readonly api: LangfuseApi;
  readonly gate: Gate;
}

const defaultMaxAnswerBytes = 64 * 1024 * 1024;

/** Sends nothing yet. */
export async function createConnection(settings: SourceSettings): Promise<Connection> {
  const { maxAnswerBytes = defaultMaxAnswerBytes } = settings;
  const api = await createLangfuseApi({ ...settings, maxAnswerBytes });
  const gate = createGate({
    baseUrl: api.baseUrl,
    timeoutMs: settings.timeoutMs,
    maxWaitMs: settings.maxWaitMs,
    maxSlowInARow: 4 * Math.max(1, settings.concurrency),
    clock: settings.clock,
    // Enough to keep two workers that failed together from trying again together.
    random: settings.random ?? (() => (settings.clock.now() % 1000) / 1000),
    redact: (text) => api.redact(text),
    onNotice: settings.onNotice ?? (() => undefined),
    ...(settings.onCall === undefined ? {} : { onCall: settings.onCall }),
  });
  return { api, gate };
}
