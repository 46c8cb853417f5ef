/** `manifest.json`: what a window's run was made of, how complete it is, and the checksums of its artifacts. */
import { AppError } from '../shared/errors.ts';
import { compare } from './fact-text.ts';
import { toVisibleText } from './visible-text.ts';

/** Grows when a field changes its meaning or goes; new fields do not count. */
export const manifestFormat = 1;

export interface Manifest {
  readonly format: number;
  /** Half-open, ISO UTC. */
  readonly window: { readonly from: string; readonly to: string };
  /** Langfuse project id. */
  readonly source: string;
  /** Which API the rows were read by (`v2`, `legacy`). */
  readonly reader: string;
  readonly langfuse_version: string | null;
  /** Version of this worker, where the caller tells it. */
  readonly worker_version?: string;
  /** Hash over the rows that the window holds. */
  readonly input_hash: string;
  /** What was read and what became of it: rows by kind. */
  readonly counters: Readonly<Record<string, number>>;
  /** What the settings file adds and leaves out; absent without one. */
  readonly settings?: ManifestSettings;
  /** The metrics of the window's run. */
  readonly metrics: Readonly<Record<string, number>>;
  /** How the window's numbers were held against each other before they were published. */
  readonly audit?: ManifestAudit;
  /** Rows that could not be read or understood. */
  readonly quarantine: readonly ManifestQuarantine[];
  /** Of which calls text is kept: `all`, `errors`, `sampled:0.1`, `off`. */
  readonly text?: string;
  /** How often each kind of thing was masked in what the window holds. */
  readonly redacted?: Readonly<Record<string, number>>;
  readonly artifacts: readonly ManifestArtifact[];
}

export interface ManifestSettings {
  /** Name and SQL of each. */
  readonly metrics: Readonly<Record<string, string>>;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly filters: Readonly<Record<string, string>>;
  /** Rows that would count without the filters. */
  readonly left_out_by_filters: number;
  /** Models that have a price. */
  readonly priced_models: readonly string[];
}

/** Figures of the run beside the sums over its models and over its rows, all of which agree; null is unknown. */
export interface ManifestAudit {
  /** Rows of the window that were counted one by one, and those of them that are in the figures. */
  readonly facts: number;
  readonly counted: number;
  readonly models: number;
  readonly figures: readonly {
    readonly metric: string;
    readonly run: number | null;
    readonly sum_of_models: number | null;
    readonly recomputed: number | null;
  }[];
}

export interface ManifestQuarantine {
  readonly trace_id: string;
  readonly id: string;
  readonly reason: string;
}

export interface ManifestArtifact {
  readonly path: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/**
 * Pretty JSON whose bytes depend on the values alone: fixed order of keys, names and lists sorted. Adds
 * `coverage` (how many attempts and requests the cost, token, session and text figures rest on) and `incomplete`
 * (what is missing and why), both derived from metrics and counters. Throws INTERNAL on a number that JSON can't
 * hold.
 */
export function renderManifest(manifest: Manifest): Uint8Array {
  const { metrics } = manifest;
  const ordered = {
    format: manifest.format,
    worker_version: manifest.worker_version,
    window: { from: manifest.window.from, to: manifest.window.to },
    source: manifest.source,
    reader: manifest.reader,
    langfuse_version: manifest.langfuse_version,
    input_hash: manifest.input_hash,
    counters: sortKeys(manifest.counters),
    settings: manifest.settings,
    coverage: toCoverage(metrics),
    incomplete: toIncomplete(manifest),
    metrics: sortKeys(metrics),
    audit: manifest.audit,
    text: manifest.text,
    redacted: manifest.redacted === undefined ? undefined : sortKeys(manifest.redacted),
    quarantine: manifest.quarantine
      .map(({ trace_id, id, reason }) => ({ trace_id, id, reason }))
      .toSorted((a, b) => compare(a.trace_id, b.trace_id) || compare(a.id, b.id)),
    artifacts: manifest.artifacts
      .map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }))
      .toSorted((a, b) => compare(a.path, b.path)),
  };
  const text = JSON.stringify(ordered, toManifestValue, 2);
  return new TextEncoder().encode(`${text}\n`);
}

type Metrics = Readonly<Record<string, number>>;

/** Known and unknown counts; null where the metric that tells it is absent. */
function toCoverage(metrics: Metrics): Record<string, Record<string, number | null>> {
  const attempts = known(metrics, 'attempts');
  const requests = known(metrics, 'requests');
  const costUnknown = known(metrics, 'cost_unknown_requests');
  const usageUnknown = known(metrics, 'usage_unknown_requests');
  const textMissing = known(metrics, 'content_missing_requests');
  const withSession = known(metrics, 'requests_with_session') ?? (requests === null ? null : 0);
  return {
    cost: {
      attempts,
      known: minus(attempts, costUnknown),
      of_it_estimated: known(metrics, 'cost_estimated_requests'),
      unknown: costUnknown,
    },
    usage: {
      attempts,
      unknown: usageUnknown,
      rebuilt: known(metrics, 'usage_rebuilt_requests'),
      inconsistent: known(metrics, 'usage_inconsistent_requests'),
    },
    sessions: { requests, known: withSession, unknown: minus(requests, withSession) },
    text: { attempts, read: minus(attempts, textMissing), not_read: textMissing },
  };
}

function toIncomplete(manifest: Manifest): { what: string; count: number; why: string }[] {
  const { metrics, quarantine } = manifest;
  const requests = known(metrics, 'requests');
  const noSession = minus(requests, known(metrics, 'requests_with_session') ?? 0);
  const gaps: readonly { what: string; count: number | null; why: string }[] = [
    {
      what: 'rows_quarantined',
      count: quarantine.length,
      why: 'Rows that could not be read or understood are in no figure; each is named under "quarantine".',
    },
    {
      what: 'cost_unknown_requests',
      count: known(metrics, 'cost_unknown_requests'),
      why: 'Neither LiteLLM nor Langfuse gave a cost for these attempts; they are not in cost_usd.',
    },
    {
      what: 'usage_unknown_requests',
      count: known(metrics, 'usage_unknown_requests'),
      why: 'These successful attempts came without token counts; they are in no token figure.',
    },
    {
      what: 'timing_rejected_requests',
      count: known(metrics, 'timing_rejected_requests'),
      why: 'The times of these attempts are broken; they are in no latency figure.',
    },
    {
      what: 'requests_without_session',
      count: noSession,
      why: 'Nothing in these requests names a session; they are in no session run.',
    },
    {
      what: 'content_missing_requests',
      count: known(metrics, 'content_missing_requests'),
      why:
        manifest.text === undefined || manifest.text === 'all'
          ? 'The text of these attempts was not read; transcripts say so in its place.'
          : `The text of these attempts is not kept (SYNC_CONTENT=${manifest.text}); transcripts say so in its place.`,
    },
  ];
  return gaps.flatMap(({ what, count, why }) =>
    count !== null && count > 0 ? [{ what, count, why }] : [],
  );
}

function known(metrics: Metrics, name: string): number | null {
  return Object.hasOwn(metrics, name) ? (metrics[name] ?? null) : null;
}

function minus(whole: number | null, part: number | null): number | null {
  return whole === null || part === null ? null : whole - part;
}

function sortKeys(record: Metrics): Record<string, number> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => compare(a, b)));
}

function toManifestValue(key: string, value: unknown): unknown {
  if (typeof value === 'string') return toVisibleText(value);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new AppError('INTERNAL', `The manifest's ${key} is ${value}.`);
  }
  return value;
}
