/** Stages one window of Langfuse, understands its rows and folds them into facts. */
import { identityOf } from '../litellm/double-logged.ts';
import type { Generation } from '../litellm/generation.ts';
import { countToolCalls } from '../litellm/content.ts';
import { toGeneration } from '../litellm/to-generation.ts';
import type { Clock } from '../shared/clock.ts';
import { AppError } from '../shared/errors.ts';
import { isSyntheticRoot, type Observation, type Score } from '../shared/observation.ts';
import { protectLine, type PrivacyRules } from '../redact/privacy.ts';
import { keepsText } from '../redact/text-mode.ts';
import type { ReportProgress } from '../shared/progress.ts';
import { toIso, type Interval } from '../shared/time.ts';
import { windowsOfScores, windowsOfSharedScores } from '../store/aggregates.ts';
import { openContents, type Contents } from '../store/contents.ts';
import { foldWindow, type FoldResult } from '../store/fold-window.ts';
import { computeInputHash, hashOfHeld } from '../store/input-hash.ts';
import type { State } from '../store/open-state.ts';
import { isPrunedWindow } from '../store/pruned-groups.ts';
import { replaceQuarantine, type QuarantinedRow } from '../store/quarantine.ts';
import { putScores, removeOtherScores } from '../store/scores.ts';
import { openStaging } from '../store/staging.ts';
import { foldSpans, stageSpans, type SpanRow } from '../store/trace-spans.ts';
import { getWindow, putWindow, setInputHash } from '../store/windows.ts';
import type { Source, UnreadableRow } from './ports.ts';
import { toKeptRaw } from './kept-raw.ts';
import { protectGeneration, protectScore, protectTrace, toTextRules } from './protect.ts';
import type { SyncSettings } from './sync-settings.ts';

export interface ReadingParts {
  readonly state: State;
  readonly source: Source;
  readonly settings: SyncSettings;
  readonly clock: Clock;
  readonly report: ReportProgress;
  readonly signal: AbortSignal;
  /** Throws when another worker has taken over; asked before each write of the state. */
  readonly assertHeld: () => void;
  /** Starts of windows of which less may come back than was pruned: whoever asks for them takes what Langfuse shows. */
  readonly acceptsLossIn?: ReadonlySet<number>;
}

export interface ReadResult {
  readonly rows: number;
  readonly generations: number;
  readonly quarantined: number;
  /** This window and every other one whose runs may have to change. */
  readonly touchedWindows: ReadonlySet<number>;
}

/** A window as it was read, not folded yet. */
export interface Reading {
  readonly parts: ReadingParts;
  readonly interval: Interval;
  readonly projectId: string;
  readonly startedMs: number;
  /** Rows of other traces are passed over; null: all are wanted. */
  readonly traces: ReadonlySet<string> | null;
  readonly contents: Contents;
  /** Identities of staged generations whose text may be kept. */
  readonly wanted: Set<string>;
  readonly withText: Set<string>;
  readonly quarantine: Map<string, QuarantinedRow>;
  hasInlineText: boolean;
  rows: number;
  syntheticRoots: number;
  notGenerations: number;
  otherOrigin: number;
}

/**
 * Stages the rows of a window, all of them or those of some traces, stores their texts and returns its scores.
 * Leaves the state as it was when anything fails before the window is whole. Throws AppError (LANGFUSE_*, STATE_*,
 * CANCELLED).
 */
export async function stageWindow(
  parts: ReadingParts,
  window: { readonly interval: Interval; readonly traces: ReadonlySet<string> | null },
): Promise<{ readonly reading: Reading; readonly scores: readonly Score[] }> {
  const reading: Reading = {
    parts,
    ...window,
    projectId: parts.source.description.projectId,
    startedMs: parts.clock.now(),
    contents: openContents(parts.state, toTextRules(parts.settings.privacy)),
    wanted: new Set(),
    withText: new Set(),
    quarantine: new Map(),
    hasInlineText: false,
    rows: 0,
    syntheticRoots: 0,
    notGenerations: 0,
    otherOrigin: 0,
  };
  await stageRows(reading);
  const isAll = window.traces === null;
  if (isAll && parts.settings.checksEmptiness) await refuseFalseEmptiness(reading);
  await stageText(reading);
  return { reading, scores: await readScores(reading) };
}

/**
 * Folds what was staged and is still staged. Throws {@link TornWindows}, with the state as it was, when it changed
 * windows that facts were pruned from, unless they are among `left`.
 */
export function foldReading(
  reading: Reading,
  scores: readonly Score[],
  left: ReadonlySet<number>,
): ReadResult {
  const result = fold(reading, scores, left);
  reading.parts.report({
    kind: 'window_folded',
    window: reading.interval,
    rows: reading.rows,
    generations: result.generations,
    quarantined: reading.quarantine.size,
    elapsedMs: reading.parts.clock.now() - reading.startedMs,
  });
  return result;
}

/** Not a failure: these windows must be restored before they can change. */
export class TornWindows extends Error {
  readonly windowStarts: readonly number[];
  constructor(windowStarts: readonly number[]) {
    super('facts of these windows were pruned');
    this.windowStarts = windowStarts;
  }
}

async function stageRows(reading: Reading): Promise<void> {
  const { parts, interval, traces } = reading;
  const staging = openStaging(parts.state);
  const { privacy } = parts.settings;
  const keepsSpans = parts.settings.traces.kind !== 'off';
  const rules = { ...parts.settings.understanding, nowMs: parts.clock.now() };
  for await (const page of parts.source.readWindow(interval, { signal: parts.signal })) {
    const generations: Generation[] = [];
    const spans: SpanRow[] = [];
    for (const observation of page.observations) {
      // A row that moved is counted by the window it is in now.
      if (observation.startMs < interval.fromMs || observation.startMs >= interval.toMs) continue;
      if (traces?.has(observation.traceId) === false) continue;
      reading.rows += 1;
      if (isSyntheticRoot(observation)) {
        reading.syntheticRoots += 1;
        continue;
      }
      if (keepsSpans) spans.push(toSpanRow(observation, privacy));
      const understanding = toGeneration(observation, rules);
      if (understanding.kind === 'not_counted') {
        if (understanding.reason === 'other_origin') reading.otherOrigin += 1;
        else reading.notGenerations += 1;
        continue;
      }
      const generation = protectGeneration(understanding.generation, privacy);
      generations.push(generation);
      if (mayKeepText(generation, privacy)) reading.wanted.add(identityOf(generation));
    }
    parts.assertHeld();
    staging.append({
      generations,
      traces: page.traces
        .filter((trace) => traces?.has(trace.traceId) !== false)
        .map((trace) => protectTrace(trace, privacy)),
    });
    if (keepsSpans) stageSpans(parts.state, spans);
    storeInlineText(reading, page.observations);
    quarantine(reading, page.unreadable);
    parts.report({
      kind: 'window_read_progress',
      window: interval,
      rows: reading.rows,
      elapsedMs: parts.clock.now() - reading.startedMs,
    });
  }
}

function toSpanRow(observation: Observation, privacy: PrivacyRules): SpanRow {
  const parent = observation.parentObservationId;
  return {
    trace_id: observation.traceId,
    id: observation.id,
    updated_ms: observation.updatedMs ?? 0,
    parent_id: parent === `t-${observation.traceId}` ? null : parent,
    type: observation.type,
    name: protectLine(observation.name, privacy),
    start_ms: observation.startMs,
    end_ms: observation.endMs,
    is_error: observation.level === 'ERROR' ? 1 : 0,
    status_message: protectLine(observation.statusMessage, privacy),
  };
}

/** Throws LANGFUSE_NOT_EMPTY for a window without a call of which another list of the same server has calls. */
async function refuseFalseEmptiness(reading: Reading): Promise<void> {
  const { parts, interval } = reading;
  // A synthetic root alone is a trace whose rows are not there (yet).
  if (reading.rows > reading.syntheticRoots || reading.quarantine.size > 0) return;
  const elsewhere = await parts.source.findCallsElsewhere(interval, { signal: parts.signal });
  if (elsewhere === null) return;
  const { reader } = parts.source.description;
  throw new AppError(
    'LANGFUSE_NOT_EMPTY',
    `The ${reader} API shows no row from ${toIso(interval.fromMs)} to ${toIso(interval.toMs)}, but ${elsewhere} has calls of that time; the window was left as it was.`,
    { details: { window: toIso(interval.fromMs), reader, elsewhere } },
  );
}

/**
 * Whether the text of a generation may be kept, as far as its row alone tells: which session it is in may only be known
 * when its trace is whole, and what is not kept then goes when the window is folded.
 */
function mayKeepText(generation: Generation, { text }: PrivacyRules): boolean {
  const isOpen = text.kind === 'sampled' && generation.sessionSource !== 'session_id';
  return isOpen || keepsText(text, generation);
}

function storeInlineText(reading: Reading, observations: readonly Observation[]): void {
  reading.hasInlineText ||= observations.some((observation) => observation.content !== undefined);
  storeText(
    reading,
    observations.flatMap((observation) =>
      observation.content === undefined
        ? []
        : [
            {
              traceId: observation.traceId,
              id: observation.id,
              updatedMs: observation.updatedMs,
              content: observation.content,
            },
          ],
    ),
  );
}

function storeText(
  reading: Reading,
  rows: readonly {
    readonly traceId: string;
    readonly id: string;
    readonly updatedMs: number | null;
    readonly content: NonNullable<Observation['content']>;
  }[],
): void {
  const wanted = rows.filter((row) => reading.wanted.has(identityOf(row)));
  reading.contents.put(
    wanted.map((row) => ({
      source: reading.projectId,
      traceId: row.traceId,
      id: row.id,
      updatedMs: row.updatedMs ?? 0,
      toolCalls: countToolCalls(row.content.output),
      content: row.content,
    })),
  );
  for (const row of wanted) reading.withText.add(identityOf(row));
}

/** The second pass, only where the first did not bring the text along. */
async function stageText(reading: Reading): Promise<void> {
  const { parts, interval, wanted } = reading;
  if (wanted.size === 0 || reading.hasInlineText) return;
  for await (const page of parts.source.readContent(interval, { signal: parts.signal })) {
    parts.assertHeld();
    storeText(reading, page.rows);
    // A text that can't be read leaves its row counted, without text: `content_missing_requests` tells.
  }
}

function quarantine(reading: Reading, rows: readonly UnreadableRow[]): void {
  for (const row of rows) {
    const traceId = row.traceId ?? '';
    const id = row.id ?? `unnamed at ${row.startMs ?? 'an unknown time'}`;
    reading.quarantine.set(identityOf({ traceId, id }), {
      traceId,
      id,
      reason: protectLine(row.reason, reading.parts.settings.privacy),
      raw: toKeptRaw(row.raw, reading.parts.settings.privacy),
    });
  }
}

/** The scores of the window's time. They are stored when the window is folded: a window changes whole or not at all. */
async function readScores(reading: Reading): Promise<Score[]> {
  const { parts, interval } = reading;
  const all: Score[] = [];
  for await (const scores of parts.source.readScores(interval, { signal: parts.signal }))
    all.push(...scores.map((score) => protectScore(score, parts.settings.privacy)));
  return all;
}

/** Replaces the scores of the window's time and returns the windows that old and new ones touch. */
function storeScores(reading: Reading, scores: readonly Score[]): Set<number> {
  const { parts, interval, projectId } = reading;
  const place = { source: projectId, ...interval };
  const before = windowsOfScores(parts.state, place);
  putScores(parts.state, projectId, scores);
  const seen = new Set(scores.map((score) => score.id));
  removeOtherScores(parts.state, { source: projectId, interval, seen });
  return new Set([...before, ...windowsOfScores(parts.state, place)]);
}

/** Folds the rows that were staged, with the texts that may be kept. Must run inside a transaction of the state. */
export function foldRows(reading: Reading): FoldResult {
  const { parts, interval, projectId, traces } = reading;
  return foldWindow(parts.state, {
    source: projectId,
    window: interval,
    readsText: (generation) => reading.wanted.has(identityOf(generation)),
    keepsText: (generation) => keepsText(parts.settings.privacy.text, generation),
    ...(traces === null ? {} : { traces }),
  });
}

function fold(reading: Reading, scores: readonly Score[], left: ReadonlySet<number>): ReadResult {
  const { parts, interval, projectId } = reading;
  const { state, source, clock } = parts;
  return state.db
    .transaction(() => {
      parts.assertHeld();
      const scoreWindows = storeScores(reading, scores);
      const shared = { source: projectId, windowFromMs: interval.fromMs };
      for (const fromMs of windowsOfSharedScores(state, shared)) scoreWindows.add(fromMs);
      const result = foldRows(reading);
      for (const fromMs of windowsOfSharedScores(state, shared)) scoreWindows.add(fromMs);
      replaceQuarantine(
        state,
        { source: projectId, windowFromMs: interval.fromMs, nowMs: clock.now() },
        [...reading.quarantine.values()],
      );
      putWindow(state, {
        source: projectId,
        from_ms: interval.fromMs,
        to_ms: interval.toMs,
        read_ms: clock.now(),
        reader: source.description.reader,
        server_version: source.description.serverVersion,
        rows_read: reading.rows,
        duplicate_rows: result.duplicateRows,
        synthetic_roots: reading.syntheticRoots,
        not_generations: reading.notGenerations,
        other_origin: reading.otherOrigin,
        unreadable: reading.quarantine.size,
        content_missing: reading.wanted.size - reading.withText.size,
        input_hash: '',
      });
      foldSpans(state, {
        source: projectId,
        windowFromMs: interval.fromMs,
        isKept: parts.settings.traces.kind !== 'off',
      });
      const touched = new Set([interval.fromMs, ...result.touchedWindows, ...scoreWindows]);
      const pruned = [...touched].filter((fromMs) => isPrunedWindow(state, projectId, fromMs));
      const torn = pruned.filter((fromMs) => !left.has(fromMs) && isChanged(reading, fromMs));
      if (torn.length > 0) throw new TornWindows(torn);
      for (const fromMs of pruned) touched.delete(fromMs);
      for (const fromMs of touched) {
        if (getWindow(state, projectId, fromMs) === null) continue;
        setInputHash(state, {
          source: projectId,
          fromMs,
          inputHash: computeInputHash(state, projectId, fromMs),
        });
      }
      return {
        rows: reading.rows,
        generations: result.facts,
        quarantined: reading.quarantine.size,
        touchedWindows: touched,
      };
    })
    .immediate();
}

/** Whether the transaction under way changed anything of what the state file still holds of a window. */
function isChanged({ parts: { state }, projectId }: Reading, fromMs: number): boolean {
  const before = hashOfHeld({ ...state, db: state.reader }, projectId, fromMs);
  return hashOfHeld(state, projectId, fromMs) !== before;
}
