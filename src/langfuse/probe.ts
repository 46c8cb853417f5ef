/**
 * Finds out, on each run, what this Langfuse can be read with. A server's write mode matters more than its version
 * (an operator can flip it), so each endpoint is asked.
 *
 * The traps (langfuse/langfuse `createAuthedProjectAPIRoute.ts`, `v2/observations/index.ts`, `v2/metrics.ts`):
 * legacy routes of a Langfuse 4 answer 404 before they look at the keys, so keys are checked at `/projects`; the v2
 * list answers 200 with stale rows on a server that does not write its table, and only the 404 of `/v2/metrics`
 * tells; a 404 may also be a wrong base path, which `/projects` rules out; 410 is what Cloud gives new organisations.
 */
import { AppError, toAppError } from '../shared/errors.ts';
import { hourMs, toInstant, toIso } from '../shared/time.ts';
import type { ReaderKind, SourceDescription } from '../sync/ports.ts';
import type { Bucket, Gate, Outcome } from './gate.ts';
import { toPageAnswer } from './page-answer.ts';
import { createConnection, type Connection } from './connection.ts';
import { scoreNames, type ScoreEndpoint } from './score-reader.ts';
import type { LangfuseApi } from './sdk-client.ts';
import type { SourceSettings } from './source-settings.ts';
import type { Attempt, WireAnswer } from './wire-answer.ts';
import { healthSchema, projectsSchema, renderZodError } from './wire-schemas.ts';

/** One thing that was looked at. */
export interface ProbeStep {
  readonly name:
    | 'server'
    | 'keys'
    | 'v2 observations'
    | 'events table'
    | 'legacy traces'
    | 'scores';
  readonly ok: boolean;
  /** What was found, in a sentence. */
  readonly detail: string;
}

export interface ProbeReport {
  readonly steps: readonly ProbeStep[];
  /** Null where this Langfuse can't be read; then `failure` says why. */
  readonly description: SourceDescription | null;
  readonly failure: AppError | null;
}

/** Looks at each part of a Langfuse by itself. Never throws: what is wrong is in the report. */
export async function probeSource(settings: SourceSettings): Promise<ProbeReport> {
  try {
    return await probeConnection(await createConnection(settings), settings);
  } catch (error) {
    return { steps: [], description: null, failure: toAppError(error) };
  }
}

interface Probe {
  readonly api: LangfuseApi;
  readonly gate: Gate;
  readonly settings: SourceSettings;
  readonly signal: AbortSignal;
  readonly steps: ProbeStep[];
}

export async function probeConnection(
  connection: Connection,
  settings: SourceSettings,
): Promise<ProbeReport> {
  const steps: ProbeStep[] = [];
  const probe: Probe = {
    api: connection.api,
    gate: connection.gate,
    settings,
    signal: settings.signal ?? new AbortController().signal,
    steps,
  };
  try {
    const serverVersion = await probeServer(probe);
    const project = await probeProject(probe);
    const { reader, reason } = await chooseReader(probe);
    const scores = await probeScores(probe);
    const description: SourceDescription = {
      reader,
      reason,
      serverVersion,
      projectId: project.id,
      projectName: project.name,
      scores,
      baseUrl: connection.api.baseUrl,
      clockSkewMs: project.clockSkewMs,
    };
    return { steps, description, failure: null };
  } catch (error) {
    return { steps, description: null, failure: toAppError(error) };
  }
}

/** Sends one question; a failure is a step that is not ok, and is thrown on. */
async function ask(
  probe: Probe,
  question: {
    readonly step: ProbeStep['name'];
    readonly name: string;
    readonly bucket: Bucket;
    readonly waitsForLimit?: boolean;
    readonly send: (attempt: Attempt) => Promise<WireAnswer>;
  },
): Promise<Outcome> {
  const { step, ...request } = question;
  try {
    return await probe.gate.ask({ ...request, signal: probe.signal });
  } catch (error) {
    probe.steps.push({ name: step, ok: false, detail: toAppError(error).message });
    throw error;
  }
}

/** `/health` is asked first and without keys. Its absence is no fault: some proxies hide it. */
async function probeServer(probe: Probe): Promise<string | null> {
  const name = 'GET /api/public/health';
  const outcome = await ask(probe, {
    step: 'server',
    name,
    bucket: 'none',
    send: (attempt) => probe.api.health(attempt),
  });
  const parsed = outcome.kind === 'answer' ? healthSchema.safeParse(outcome.body) : null;
  const version = parsed?.success ? parsed.data.version : null;
  const found =
    version !== null
      ? `Langfuse ${version} answers at ${probe.api.baseUrl}`
      : outcome.kind === 'answer'
        ? `${name} answers, but tells no version`
        : `${name} ${outcome.reason}`;
  probe.steps.push({ name: 'server', ok: version !== null, detail: found });
  return version;
}

async function probeProject(
  probe: Probe,
): Promise<{ id: string; name: string | null; clockSkewMs: number | null }> {
  const name = 'GET /api/public/projects';
  const outcome = await ask(probe, {
    step: 'keys',
    name,
    bucket: 'none',
    send: (attempt) => probe.api.projects(attempt),
  });
  const refuse = (code: AppError['code'], detail: string): never => {
    probe.steps.push({ name: 'keys', ok: false, detail });
    throw new AppError(code, detail);
  };
  if (outcome.kind !== 'answer') {
    const where = `Langfuse at ${probe.api.baseUrl}: ${name} ${outcome.reason}`;
    return refuse(
      'LANGFUSE_UNEXPECTED',
      outcome.kind === 'absent'
        ? `${where}. There is no Langfuse API below that address; if the server has a base path, LANGFUSE_BASE_URL must end with it`
        : where,
    );
  }
  const parsed = projectsSchema.safeParse(outcome.body);
  if (!parsed.success) {
    return refuse(
      'LANGFUSE_UNEXPECTED',
      `${name} did not answer with projects (${renderZodError(parsed.error)})`,
    );
  }
  const [project] = parsed.data.data;
  if (!project) {
    return refuse(
      'LANGFUSE_AUTH',
      `${name} names no project for these keys; use the key pair of a project`,
    );
  }
  probe.steps.push({
    name: 'keys',
    ok: true,
    detail: `the keys are of project ${project.name ?? '(unnamed)'} (${project.id})`,
  });
  const clockSkewMs = outcome.dateMs === null ? null : outcome.dateMs - probe.settings.clock.now();
  return { id: project.id, name: project.name, clockSkewMs };
}

interface Choice {
  readonly reader: ReaderKind;
  readonly reason: string;
}

async function chooseReader(probe: Probe): Promise<Choice> {
  const wanted = probe.settings.reader;
  const v2 = wanted === 'legacy' ? null : await probeV2(probe);
  if (v2?.usable) return { reader: 'v2', reason: v2.reason };
  if (wanted === 'v2') {
    throw new AppError(
      'LANGFUSE_UNSUPPORTED',
      `The v2 reader was asked for, but ${v2?.reason ?? 'was not probed'}`,
      { hint: otherReaderHint },
    );
  }
  const legacy = await probeLegacy(probe);
  if (legacy.usable) {
    const why = v2 === null ? 'the legacy reader was asked for' : v2.reason;
    return { reader: 'legacy', reason: `${why}; ${legacy.reason}` };
  }
  throw new AppError(
    'LANGFUSE_UNSUPPORTED',
    v2 === null
      ? `The legacy reader was asked for, but ${legacy.reason}`
      : `Langfuse at ${probe.api.baseUrl} can't be read: ${v2.reason}; ${legacy.reason}`,
    v2 === null ? { hint: otherReaderHint } : {},
  );
}

const otherReaderHint =
  'Leave SYNC_LANGFUSE_READER at auto, so that the reader that fits this server is chosen.';

interface Finding {
  readonly usable: boolean;
  readonly reason: string;
}

async function probeV2(probe: Probe): Promise<Finding> {
  const name = 'GET /api/public/v2/observations';
  const { from, to } = lastHour(probe);
  const outcome = await ask(probe, {
    step: 'v2 observations',
    name,
    bucket: 'public-api',
    send: (attempt) =>
      probe.api.observationsV2(
        { fields: 'core', limit: 1, fromStartTime: from, toStartTime: to },
        attempt,
      ),
  });
  const finding = toFinding(probe, { outcome, step: 'v2 observations', name, by: 'cursor' });
  return finding.usable ? probeEventsTable(probe, finding.reason) : finding;
}

/** A 200 of the v2 list does not prove that its table is written; `/v2/metrics` looks at the write mode too. */
async function probeEventsTable(probe: Probe, v2Reason: string): Promise<Finding> {
  const name = 'GET /api/public/v2/metrics';
  const { from, to } = lastHour(probe);
  const query = {
    view: 'observations',
    dimensions: [],
    metrics: [{ measure: 'count', aggregation: 'count' }],
    filters: [],
    timeDimension: null,
    fromTimestamp: from,
    toTimestamp: to,
    orderBy: null,
  };
  const outcome = await ask(probe, {
    step: 'events table',
    name,
    bucket: 'public-api-v2-metrics',
    // Its limit is by the day, and only Cloud limits at all, where the table is always written.
    waitsForLimit: false,
    send: (attempt) => probe.api.metricsV2(JSON.stringify(query), attempt),
  });
  const isWritten = outcome.kind !== 'absent';
  const detail = isWritten
    ? outcome.kind === 'limited'
      ? `${name} is rate limited, as only Cloud does, where the events table is written`
      : `the events table is being written (${name} is available)`
    : `GET /api/public/v2/observations answers from a table that this server does not write, so its rows would be stale (${name} ${outcome.reason})`;
  probe.steps.push({ name: 'events table', ok: isWritten, detail });
  return { usable: isWritten, reason: isWritten ? v2Reason : detail };
}

async function probeLegacy(probe: Probe): Promise<Finding> {
  const name = 'GET /api/public/traces';
  const { from, to } = lastHour(probe);
  const outcome = await ask(probe, {
    step: 'legacy traces',
    name,
    bucket: 'public-api-legacy',
    send: (attempt) =>
      probe.api.traces(
        { page: 1, limit: 1, fields: 'core', fromTimestamp: from, toTimestamp: to },
        attempt,
      ),
  });
  const finding = toFinding(probe, { outcome, step: 'legacy traces', name, by: 'number' });
  return finding;
}

/** "Too large" means that the endpoint is there. Throws LANGFUSE_UNEXPECTED where the answer is no page. */
function toFinding(
  probe: Probe,
  found: {
    readonly outcome: Outcome;
    readonly step: ProbeStep['name'];
    readonly name: string;
    readonly by: 'cursor' | 'number';
  },
): Finding {
  const { outcome, step, name } = found;
  let finding: Finding = { usable: true, reason: `${name} is available` };
  try {
    if (outcome.kind === 'absent' || outcome.kind === 'limited') {
      finding = { usable: false, reason: `${name} ${outcome.reason}` };
    } else {
      toPageAnswer(outcome, found);
    }
  } catch (error) {
    finding = { usable: false, reason: toAppError(error).message };
    throw error;
  } finally {
    probe.steps.push({ name: step, ok: finding.usable, detail: finding.reason });
  }
  return finding;
}

async function probeScores(probe: Probe): Promise<ScoreEndpoint | null> {
  const { from, to } = lastHour(probe);
  const range = { limit: 1, fromTimestamp: from, toTimestamp: to };
  const { api } = probe;
  const send: Record<ScoreEndpoint, (attempt: Attempt) => Promise<WireAnswer>> = {
    v3: (attempt) => api.scoresV3(range, attempt),
    v2: (attempt) => api.scoresV2({ page: 1, ...range }, attempt),
    v1: (attempt) => api.scoresV1({ page: 1, ...range }, attempt),
  };
  for (const endpoint of ['v3', 'v2', 'v1'] as const) {
    const name = scoreNames[endpoint];
    const outcome = await ask(probe, {
      step: 'scores',
      name,
      bucket: 'public-api',
      send: send[endpoint],
    });
    if (outcome.kind === 'absent' || outcome.kind === 'limited') continue;
    toFinding(probe, {
      outcome,
      step: 'scores',
      name,
      by: endpoint === 'v3' ? 'cursor' : 'number',
    });
    return endpoint;
  }
  probe.steps.push({
    name: 'scores',
    ok: false,
    detail: 'no score endpoint answers; scores are left out',
  });
  return null;
}

function lastHour(probe: Probe): { from: string; to: string } {
  const nowMs = probe.settings.clock.now();
  return { from: toIso(toInstant(nowMs - hourMs)), to: toIso(nowMs) };
}
