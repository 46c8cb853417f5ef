/** The artifacts of each grain as specs: what they are made of is hashed, the bytes are made when they are needed. */
import { createHash } from 'node:crypto';
import { renderErrorGroupsTable } from '../report/error-groups-table.ts';
import { renderErrorsTable } from '../report/errors-table.ts';
import type { Comparison } from '../report/html/figures.ts';
import { manifestFormat, renderManifest, type Manifest } from '../report/manifest.ts';
import { renderModelsTable } from '../report/models-table.ts';
import { toRequestFiles } from '../report/request-files.ts';
import { renderRequestsTable } from '../report/requests-table.ts';
import { renderSessionsTable } from '../report/sessions-table.ts';
import { renderTranscript, type TranscriptTurn } from '../report/transcript.ts';
import { hashPrivacy, protectLine, type PrivacyRules } from '../redact/privacy.ts';
import { keepsText, renderTextMode } from '../redact/text-mode.ts';
import type { WindowCounters } from '../metrics/window-counters.ts';
import type { ArtifactSpec } from '../runs/run-spec.ts';
import { hashOf } from '../shared/hash.ts';
import { measuresHash } from '../shared/measures.ts';
import { toIso } from '../shared/time.ts';
import { readVersion } from '../shared/version.ts';
import { listFacts, rowHashes } from '../store/aggregates.ts';
import { openContents, type Contents } from '../store/contents.ts';
import type { Fact } from '../store/fact.ts';
import { countMasked } from '../store/masked-texts.ts';
import type { State } from '../store/open-state.ts';
import { listQuarantine } from '../store/quarantine.ts';
import type { WindowRow } from '../store/windows.ts';
import type { WindowAudit } from './audit-window.ts';
import type { DescribedSource } from './described-source.ts';
import { modelReport, sessionReport, windowReport } from './report-artifacts.ts';
import { protectFact, toTextRules } from './protect.ts';
import type { FactQuery } from './report-figures.ts';

/** Grows when the look of an artifact changes, so that it is written anew. */
const formatVersion = 2;

/** A table of more rows is slow to open in a browser; what is left out is said in the table. */
const mostTableRows = 10_000;

/** Facts, and the rules by which their texts and names are shown. */
type ShownQuery = FactQuery & { readonly privacy: PrivacyRules };

type Metrics = ReadonlyMap<string, number>;

export function windowArtifacts(window: {
  readonly state: State;
  readonly source: DescribedSource;
  readonly row: WindowRow;
  readonly metrics: Metrics;
  readonly counters: WindowCounters;
  readonly audit: WindowAudit;
  readonly models: ReadonlyMap<string, Metrics>;
  readonly sessions: ReadonlyMap<string, Metrics>;
  readonly comparisons: readonly Comparison[];
}): ArtifactSpec[] {
  const { state, row } = window;
  const query = {
    where: 'source = @source AND window_from_ms = @from',
    parameters: { source: row.source, from: row.from_ms },
    privacy: window.source.privacy,
  };
  const tables = [
    eager(
      'models.json',
      renderModelsTable([...window.models].map(([model, metrics]) => ({ model, metrics }))),
    ),
    eager(
      'sessions.json',
      renderSessionsTable(
        [...window.sessions].map(([sessionId, metrics]) => ({ sessionId, metrics })),
      ),
    ),
    ...factTables(state, query, rowHashes(state, query)),
  ];
  const files = [windowReport(state, { ...window, query }), ...tables];
  return [...files, manifest(window, files)];
}

export function modelArtifacts(
  state: State,
  model: Omit<Parameters<typeof modelReport>[1], 'rowHashes'>,
): ArtifactSpec[] {
  const hashes = rowHashes(state, model.query);
  return [
    modelReport(state, { ...model, rowHashes: hashes }),
    ...factTables(state, { ...model.query, privacy: model.source.privacy }, hashes),
  ];
}

export function sessionArtifacts(
  state: State,
  session: Omit<Parameters<typeof sessionReport>[1], 'rowHashes'> & { readonly url: string },
): ArtifactSpec[] {
  const { privacy } = session.source;
  const query: ShownQuery = { ...session.query, privacy };
  const hashes = rowHashes(state, query);
  const sourceHash = hashOf([formatVersion, session.url, hashPrivacy(privacy), hashes]);
  const transcript: ArtifactSpec = {
    path: 'transcript.md',
    contentType: 'text/markdown; charset=utf-8',
    isTable: false,
    sourceHash,
    render: () => {
      const contents = openContents(state, toTextRules(privacy));
      // One call's messages in memory at a time.
      function* turns(): IterableIterator<TranscriptTurn> {
        for (const fact of shownFacts(state, query)) {
          yield { fact, content: contentOf(contents, { fact, privacy }) };
        }
      }
      return new TextEncoder().encode(
        renderTranscript({
          sessionId: session.sessionId,
          url: session.url,
          textMode: renderTextMode(privacy.text),
          turns: turns(),
        }),
      );
    },
  };
  return [
    sessionReport(state, { ...session, rowHashes: hashes }),
    requestsTable(state, query, hashes),
    transcript,
  ];
}

export function requestArtifacts(
  contents: Contents,
  shown: { readonly fact: Fact; readonly privacy: PrivacyRules },
): ArtifactSpec[] {
  return toRequestFiles({ fact: shown.fact, content: contentOf(contents, shown) }).map((file) => ({
    path: file.path,
    contentType: file.contentType,
    isTable: false,
    sourceHash: hashOf([formatVersion, file.path, file.text]),
    render: () => new TextEncoder().encode(file.text),
  }));
}

function factTables(state: State, query: ShownQuery, hashes: readonly string[]): ArtifactSpec[] {
  return [
    requestsTable(state, query, hashes),
    {
      path: 'errors.json',
      contentType: 'application/json',
      isTable: true,
      sourceHash: hashOf([
        formatVersion,
        hashPrivacy(query.privacy),
        rowHashes(state, failures(query)),
        rowHashes(state, lastAttemptsOf(failures(query))),
      ]),
      render: () =>
        renderErrorsTable(shownFacts(state, failures(query)), {
          others: shownFacts(state, lastAttemptsOf(failures(query))),
        }),
    },
    {
      path: 'error_groups.json',
      contentType: 'application/json',
      isTable: true,
      sourceHash: hashOf([
        formatVersion,
        hashPrivacy(query.privacy),
        rowHashes(state, failures(query)),
      ]),
      render: () => renderErrorGroupsTable(shownFacts(state, failures(query))),
    },
  ];
}

function failures(query: ShownQuery): ShownQuery {
  return { ...query, where: `${query.where} AND is_error = 1` };
}

/** The last attempts of the requests of a group of facts, wherever they went: they tell how each request ended. */
function lastAttemptsOf(query: ShownQuery): ShownQuery {
  return {
    ...query,
    where: `source = @source AND is_final_attempt = 1 AND request_id IN
      (SELECT request_id FROM counted_facts WHERE ${query.where})`,
  };
}

function requestsTable(state: State, query: ShownQuery, hashes: readonly string[]): ArtifactSpec {
  return {
    path: 'requests.json',
    contentType: 'application/json',
    isTable: true,
    sourceHash: hashOf([formatVersion, hashPrivacy(query.privacy), hashes]),
    render: () =>
      renderRequestsTable(shownFacts(state, { ...query, limit: mostTableRows }), {
        total: hashes.length,
      }),
  };
}

function manifest(
  window: Parameters<typeof windowArtifacts>[0],
  artifacts: readonly ArtifactSpec[],
): ArtifactSpec {
  const { row, counters } = window;
  const redacted = Object.fromEntries(
    countMasked(window.state, { source: row.source, fromMs: row.from_ms }),
  );
  const told: Omit<Manifest, 'artifacts'> = {
    format: manifestFormat,
    window: { from: toIso(row.from_ms), to: toIso(row.to_ms) },
    source: row.source,
    reader: row.reader,
    input_hash: row.input_hash,
    counters: {
      rows_read: counters.rowsRead,
      duplicate_rows_dropped: counters.duplicateRows,
      double_logged_dropped: counters.doubleLogged,
      synthetic_roots: counters.syntheticRoots,
      not_generations: counters.notGenerations,
      other_origin: counters.otherOrigin,
      rows_quarantined: counters.quarantined,
    },
    ...toManifestSettings(window),
    metrics: Object.fromEntries(window.metrics),
    audit: window.audit,
    langfuse_version: row.server_version,
    quarantine: listQuarantine(window.state, row.source, row.from_ms).map((one) => ({
      trace_id: one.trace_id,
      id: one.id,
      reason: protectLine(one.reason, window.source.privacy),
    })),
    text: renderTextMode(window.source.privacy.text),
    redacted,
  };
  return {
    path: 'manifest.json',
    contentType: 'application/json',
    isTable: false,
    // What depends on how the window was read, not on what it holds, makes no new revision.
    sourceHash: hashOf([
      formatVersion,
      row.input_hash,
      hashPrivacy(window.source.privacy),
      redacted,
      artifacts.map((one) => [one.path, one.sourceHash]),
      ...(told.settings === undefined ? [] : [told.settings, measuresHash(window.source.measures)]),
    ]),
    render: async () => {
      const listed: Manifest['artifacts'][number][] = [];
      // One at a time: only the bytes of one are in memory.
      for (const artifact of artifacts) {
        const bytes = await artifact.render();
        listed.push({
          path: artifact.path,
          bytes: bytes.byteLength,
          sha256: createHash('sha256').update(bytes).digest('hex'),
        });
      }
      return renderManifest({ ...told, worker_version: readVersion(), artifacts: listed });
    },
  };
}

function toManifestSettings(
  window: Parameters<typeof windowArtifacts>[0],
): Pick<Manifest, 'settings'> {
  const { audit, counters } = window;
  const { measures } = window.source;
  if (measuresHash(measures) === null) return {};
  return {
    settings: {
      metrics: toSqlByName(measures.metrics),
      dimensions: toSqlByName(measures.dimensions),
      filters: toSqlByName(measures.filters),
      left_out_by_filters: audit.facts - counters.doubleLogged - audit.counted,
      priced_models: measures.prices.map((price) => price.model),
    },
  };
}

function toSqlByName(
  entries: readonly { readonly name: string; readonly sql: string }[],
): Record<string, string> {
  return Object.fromEntries(entries.map(({ name, sql }) => [name, sql]));
}

function eager(path: string, bytes: Uint8Array): ArtifactSpec {
  return {
    path,
    contentType: 'application/json',
    isTable: true,
    sourceHash: hashOf([formatVersion, new TextDecoder().decode(bytes)]),
    render: () => bytes,
  };
}

function shownFacts(state: State, query: ShownQuery & { readonly limit?: number }): Fact[] {
  const { privacy, ...facts } = query;
  return listFacts(state, facts).map((fact) => protectFact(fact, privacy));
}

function contentOf(
  contents: Contents,
  { fact, privacy }: { readonly fact: Fact; readonly privacy: PrivacyRules },
): ReturnType<Contents['get']> {
  const call = {
    isError: fact.is_error === 1,
    sessionId: fact.session_id,
    traceId: fact.trace_id,
  };
  // What was kept under another setting is not shown under this one.
  if (!keepsText(privacy.text, call)) return null;
  return contents.get({ source: fact.source, traceId: fact.trace_id, id: fact.id });
}
