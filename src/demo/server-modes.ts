/**
 * What a Langfuse server of a given mode and version answers. The write mode matters more than the
 * version (langfuse/langfuse env.mjs, createAuthedProjectAPIRoute.ts, v2/observations, v2/metrics.ts).
 */

export const sampleModes = [
  'v2.95',
  'v3-legacy',
  'v3-preview',
  'dual',
  'events_only',
  'v4-legacy-mode',
  'cloud',
] as const;

/**
 * - `v2.95`: Langfuse 2 on Postgres, legacy API only.
 * - `v3-legacy`: Langfuse 3 as it is installed by default, legacy API only.
 * - `v3-preview`: Langfuse 3 with dual writes and the preview flag, both APIs.
 * - `dual`: Langfuse 4 with dual writes, both APIs.
 * - `events_only`: Langfuse 4 as it is installed by default, new API only.
 * - `v4-legacy-mode`: Langfuse 4 that still writes the legacy tables only; the v2 list answers with stale rows.
 * - `cloud`: Langfuse Cloud before the sunset of the legacy API.
 */
export type SampleMode = (typeof sampleModes)[number];

/** `none`: the route does not exist (an HTML page). `gated`: it exists and refuses. `rejected`: refuses before authentication. */
export type RouteState = 'open' | 'none' | 'gated' | 'rejected' | 'gone';

export interface ServerBehaviour {
  readonly mode: SampleMode;
  readonly version: string;
  readonly isCloud: boolean;
  /** `traces`, `observations`, `sessions`, scores v1 and v2, `metrics`, `metrics/daily`. */
  readonly legacy: RouteState;
  readonly legacyMetrics: RouteState;
  readonly v2Observations: RouteState;
  /** Status of a gated v2 list: 501 from 3.143, 404 from 3.159. */
  readonly v2GateStatus: 404 | 501;
  readonly v2Metrics: RouteState;
  readonly scoresV2: RouteState;
  readonly scoresV3: RouteState;
  /** The v2 list reads a table that nothing is written to. */
  readonly isEventsTableStale: boolean;
  /** The v2 list has a `t-<traceId>` row for each trace that came by the legacy path. */
  readonly hasSyntheticRoots: boolean;
  /** Trace attributes are copied onto every row of a trace; else only its root has them. */
  readonly copiesTraceAttributes: boolean;
  readonly hasUsageDetails: boolean;
  readonly hasEnvironment: boolean;
  readonly hasPricingTier: boolean;
  readonly hasTraceFields: boolean;
  readonly hasTraceContext: boolean;
  readonly hasIsRootObservation: boolean;
  readonly rejectsLimitBelowOne: boolean;
  readonly onlyThreeTypes: boolean;
  /** Status of a query that ClickHouse gave up on. */
  readonly timeoutStatus: 422 | 524 | 500;
  readonly rateLimitBody: 'json' | 'text';
}

const defaultVersions: Record<SampleMode, string> = {
  'v2.95': '2.95.12',
  'v3-legacy': '3.225.4',
  'v3-preview': '3.225.4',
  dual: '4.16.0',
  events_only: '4.16.0',
  'v4-legacy-mode': '4.16.0',
  cloud: '4.36.1',
};

/**
 * The behaviour of a server. `version` (`3.150.0`) moves the gates within a mode; with none it is the
 * newest of that mode. `newOrganization` makes Cloud answer 410 on legacy routes (langfuse/langfuse#17487).
 */
export function createServerBehaviour(options: {
  readonly mode: SampleMode;
  readonly version?: string;
  readonly newOrganization?: boolean;
}): ServerBehaviour {
  const { mode } = options;
  const version = options.version ?? defaultVersions[mode];
  const from = (first: string): boolean => compareVersions(version, first) >= 0;
  const isV2 = mode === 'v2.95';
  const hasEventsTable = !isV2 && mode !== 'v3-legacy';
  const legacy: RouteState =
    mode === 'events_only'
      ? 'rejected'
      : mode === 'cloud' && options.newOrganization === true
        ? 'gone'
        : 'open';
  const since = (first: string, state: RouteState): RouteState => (from(first) ? state : 'none');
  return {
    mode,
    version,
    isCloud: mode === 'cloud',
    legacy,
    legacyMetrics: since('3.57.0', legacy),
    v2Observations: hasEventsTable ? 'open' : from('3.143.0') ? 'gated' : since('3.133.0', 'open'),
    v2GateStatus: from('3.159.0') ? 404 : 501,
    v2Metrics: since('3.137.0', hasEventsTable && mode !== 'v4-legacy-mode' ? 'open' : 'gated'),
    scoresV2: since('3.53.0', legacy),
    scoresV3: since('3.179.0', 'open'),
    isEventsTableStale: mode === 'v4-legacy-mode' || mode === 'v3-legacy',
    hasSyntheticRoots: mode !== 'events_only',
    copiesTraceAttributes: mode !== 'events_only',
    hasUsageDetails: from('3.2.0'),
    hasEnvironment: from('3.31.0'),
    hasPricingTier: from('3.135.0'),
    hasTraceFields: from('3.73.0'),
    hasTraceContext: from('3.175.0'),
    hasIsRootObservation: from('4.0.0'),
    rejectsLimitBelowOne: from('3.176.0'),
    onlyThreeTypes: !from('3.98.2'),
    timeoutStatus: from('3.152.0') ? 422 : from('3.113.0') ? 524 : 500,
    rateLimitBody: from('3.170.0') ? 'json' : 'text',
  };
}

/** Negative, zero or positive, comparing dotted numbers. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
