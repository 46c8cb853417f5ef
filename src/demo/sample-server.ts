/**
 * A Langfuse server on a real socket, played from sample traffic: both API generations, every server
 * mode, rate limits, and any of the faults in faults.ts. It checks what it is sent as Langfuse does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createFaultPlan,
  type Breakage,
  type FaultedAnswer,
  type SampleFault,
  type SampleRequest,
} from './faults.ts';
import { loginPage, noSuchRoute, refusal, type HttpAnswer } from './http-answer.ts';
import { ingest, isIngestion } from './ingestion-routes.ts';
import { toQueryRecord } from './query-schemas.ts';
import { createRateLimiter, planLimits, type RateLimits } from './rate-limits.ts';
import type { ServerTraits } from './route-context.ts';
import { routes, type RouteEntry } from './routes.ts';
import { createSampleStore, type SampleStore } from './sample-store.ts';
import type { SampleTraffic } from './sample-types.ts';
import { systemClock, type Clock } from '../shared/clock.ts';
import { createServerBehaviour, type SampleMode, type ServerBehaviour } from './server-modes.ts';
import { buildV2Rows, type V2Row } from './v2-table.ts';

export interface SampleKeys {
  readonly publicKey: string;
  readonly secretKey: string;
}

export const sampleKeys: SampleKeys = {
  publicKey: 'pk-lf-sample',
  secretKey: 'sk-lf-sample',
};

export interface SampleServerOptions extends Partial<ServerTraits> {
  readonly traffic: SampleTraffic;
  /** Default `dual`. */
  readonly mode?: SampleMode;
  /** Server version without `v`; moves the version gates of the mode. */
  readonly version?: string;
  /** Path prefix, as with NEXT_PUBLIC_BASE_PATH: `/langfuse`. */
  readonly basePath?: string;
  readonly keys?: SampleKeys;
  /** Further projects of the same organisation, each with its keys. */
  readonly otherProjects?: readonly {
    readonly keys: SampleKeys;
    readonly traffic: SampleTraffic;
  }[];
  /** An organisation's keys: refused on project routes. */
  readonly organizationKeys?: SampleKeys;
  /** Waits so long before each answer. */
  readonly latencyMs?: number;
  readonly rateLimits?: RateLimits | keyof typeof planLimits;
  /** Clock of the data; without it every row is visible. */
  readonly nowMs?: number;
  readonly faults?: readonly SampleFault[];
  /** Cloud: an organisation made after the cut-off, which gets 410 on legacy routes. */
  readonly newOrganization?: boolean;
  /** Server's `Date` header minus this machine's clock. */
  readonly dateSkewMs?: number;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Clock of rate limits and of the `Date` header; the system's unless given. */
  readonly clock?: Clock;
}

export interface SampleServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port><basePath>`, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  readonly keys: SampleKeys;
  /** Rows of the main project; edits are seen by the next request. */
  readonly store: SampleStore;
  /** Every request so far, in the order of arrival. */
  readonly requests: readonly SampleRequest[];
  clearRequests(): void;
  /** Moves the clock of the data in every project. */
  setNow(nowMs: number): void;
  /** Replaces all faults; counts start again. */
  setFaults(faults: readonly SampleFault[]): void;
  /** An operator flips the mode (or upgrades) while clients are reading. */
  setMode(mode: SampleMode, version?: string): void;
  setTraffic(traffic: SampleTraffic): void;
  setLatency(latencyMs: number): void;
  close(): Promise<void>;
}

/** Starts the server on 127.0.0.1. Close it, or hold it with `await using`. */
export async function startSampleServer(options: SampleServerOptions): Promise<SampleServer> {
  const keys = options.keys ?? sampleKeys;
  const clock = options.clock ?? systemClock;
  const basePath = (options.basePath ?? '').replace(/\/+$/, '');
  const traits: ServerTraits = {
    v2ModelKey: options.v2ModelKey ?? 'model',
    duplicateShare: options.duplicateShare ?? 0,
    hasUnstableTies: options.hasUnstableTies ?? false,
    rejectsNoDateRange: options.rejectsNoDateRange ?? false,
    eventsTableUntilMs: options.eventsTableUntilMs ?? Number.NEGATIVE_INFINITY,
    propagationDelayMs: options.propagationDelayMs ?? 0,
  };
  const store = createSampleStore(options.traffic, options.nowMs);
  const projects = new Map<string, SampleStore>([[keys.secretKey, store]]);
  for (const other of options.otherProjects ?? []) {
    projects.set(other.keys.secretKey, createSampleStore(other.traffic, options.nowMs));
  }

  let behaviour = createServerBehaviour({ ...options, mode: options.mode ?? 'dual' });
  let latencyMs = options.latencyMs ?? 0;
  let faults = options.faults ?? [];
  let plan = createFaultPlan(faults, { ...behaviour, now: () => clock.now() });
  const limits =
    typeof options.rateLimits === 'string' ? planLimits[options.rateLimits] : options.rateLimits;
  let limiter = createRateLimiter(limits ?? {}, behaviour.rateLimitBody);
  const requests: SampleRequest[] = [];
  const v2Tables = createV2Tables(() => behaviour, traits);

  const authorizeBy = (authorization: string | undefined): ReturnType<typeof authorize> =>
    authorize(authorization, {
      projects,
      organizationSecret: options.organizationKeys?.secretKey,
      publicKeys: [keys, ...(options.otherProjects ?? []).map((other) => other.keys)].map(
        (pair) => pair.publicKey,
      ),
    });
  const answerPlainly = (
    request: SampleRequest,
    authorization: string | undefined,
    body: Uint8Array,
  ): HttpAnswer => {
    if (request.path === '/auth/sign-in') return loginPage;
    if (/^\/api\/public\/(health|ready)$/.test(request.path)) {
      return { status: 200, body: { status: 'OK', version: behaviour.version } };
    }
    if (request.method === 'POST' && isIngestion(request.path)) {
      const writer = authorizeBy(authorization);
      if ('refused' in writer) return writer.refused;
      const nowMs = Math.min(store.nowMs, clock.now());
      return ingest({ ...request, body }, { store: writer.store, behaviour, nowMs });
    }
    const route = findRoute(request.path);
    const state = route?.entry.state(behaviour) ?? 'none';
    if (!route || state === 'none') return noSuchRoute;
    if (state === 'rejected') return eventsOnlyRefusal;
    if (request.method !== 'GET') return refusal(405, 'Method not allowed');
    const authorized = authorizeBy(authorization);
    if ('refused' in authorized) return authorized.refused;
    if (state === 'gone') return goneRefusal;
    const limited =
      route.entry.bucket === null ? null : limiter.take(route.entry.bucket, clock.now());
    if (limited) return limited;
    const context = {
      behaviour,
      traits,
      store: authorized.store,
      query: toQueryRecord(request.query),
      pathId: route.pathId,
      requestNumber: requests.length,
    };
    const answer = route.entry.run(context, () => v2Tables(authorized.store));
    if (answer.status !== 200) return answer;
    if (state === 'gated') return gateRefusal(route.entry, behaviour);
    return behaviour.isCloud && route.entry.isDeprecated ? withDeprecation(answer) : answer;
  };

  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://sample');
    const { authorization, ...headers } = incoming.headers;
    const isBelow = url.pathname === basePath || url.pathname.startsWith(`${basePath}/`);
    const request: SampleRequest = {
      method: incoming.method ?? 'GET',
      path: isBelow ? url.pathname.slice(basePath.length) : url.pathname,
      query: url.searchParams,
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, String(value)]),
      ),
      status: null,
      isAborted: false,
    };
    requests.push(request);
    response.on('close', () => {
      request.isAborted = !response.writableFinished;
    });
    const answer = (body: Uint8Array): void => {
      const faulted = plan.apply(request, () =>
        isBelow ? answerPlainly(request, authorization, body) : noSuchRoute,
      );
      const date =
        options.dateSkewMs === undefined ? null : new Date(clock.now() + options.dateSkewMs);
      const send = (): void => sendAnswer({ faulted, request, incoming, response, date });
      const waitMs = latencyMs + faulted.delayMs;
      if (waitMs > 0) setTimeout(send, waitMs);
      else send();
    };
    if (request.method === 'POST') {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => answer(Buffer.concat(chunks)));
    } else {
      incoming.resume();
      answer(new Uint8Array());
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  const close = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.close((error) => {
        if (error && (error as NodeJS.ErrnoException).code !== 'ERR_SERVER_NOT_RUNNING') {
          reject(error);
        } else resolve();
      });
      server.closeAllConnections();
    });

  return {
    url: `http://127.0.0.1:${port}${basePath}`,
    port,
    keys,
    store,
    requests,
    clearRequests: () => {
      requests.length = 0;
    },
    setNow: (nowMs) => {
      for (const project of projects.values()) project.setNow(nowMs);
    },
    setFaults: (next) => {
      faults = next;
      plan = createFaultPlan(faults, { ...behaviour, now: () => clock.now() });
    },
    setMode: (mode, version) => {
      behaviour = createServerBehaviour({
        mode,
        ...(version === undefined ? {} : { version }),
        ...(options.newOrganization === undefined
          ? {}
          : { newOrganization: options.newOrganization }),
      });
      plan = createFaultPlan(faults, { ...behaviour, now: () => clock.now() });
      limiter = createRateLimiter(limits ?? {}, behaviour.rateLimitBody);
    },
    setTraffic: (traffic) => store.replace(traffic),
    setLatency: (next) => {
      latencyMs = next;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

const eventsOnlyRefusal = refusal(
  404,
  'This endpoint is not available on deployments running in Langfuse v4 events_only mode. Learn more about Langfuse v4 at: https://langfuse.com/docs/v4',
);

const goneRefusal = refusal(
  410,
  'This legacy API is not available for organizations created after 2026-09-16. Use GET /api/public/v2/observations instead.',
  'LEGACY_API_UNAVAILABLE_FOR_NEW_ORGANIZATION',
);

function gateRefusal(entry: RouteEntry, behaviour: ServerBehaviour): HttpAnswer {
  const name = entry.pattern.source.includes('metrics') ? 'metrics' : 'observations';
  return behaviour.v2GateStatus === 501
    ? refusal(501, `The ${name} v2 API is not available on this deployment.`, 'NotImplementedError')
    : refusal(
        404,
        `The ${name} v2 API is only available in a Langfuse v4 write mode. Learn more at: https://langfuse.com/docs/v4`,
        'LangfuseNotFoundError',
      );
}

const withDeprecation = (answer: HttpAnswer): HttpAnswer => ({
  ...answer,
  body: {
    ...(answer.body as Record<string, unknown>),
    _deprecation: {
      message:
        'On Langfuse Cloud, Langfuse v3 is deprecated and this endpoint will be removed on November 16, 2026.',
      docsUrl: 'https://langfuse.com/docs/compatibility',
      sunsetAt: '2026-11-16',
    },
  },
});

function findRoute(path: string): { readonly entry: RouteEntry; readonly pathId: string } | null {
  const prefix = '/api/public';
  if (!path.startsWith(`${prefix}/`)) return null;
  for (const entry of routes) {
    const match = entry.pattern.exec(path.slice(prefix.length));
    if (match) return { entry, pathId: decodeURIComponent(match[1] ?? '') };
  }
  return null;
}

/** A key pair is found by its secret; a public key that does not belong to it is not refused (langfuse apiAuth.ts). */
function authorize(
  authorization: string | undefined,
  known: {
    readonly projects: ReadonlyMap<string, SampleStore>;
    readonly organizationSecret: string | undefined;
    readonly publicKeys: readonly string[];
  },
): { readonly store: SampleStore } | { readonly refused: HttpAnswer } {
  if (authorization === undefined) return { refused: refusal(401, 'No authorization header') };
  const [scheme, value = ''] = authorization.split(' ');
  if (scheme === 'Bearer' && known.publicKeys.includes(value)) {
    return {
      refused: refusal(403, 'Access denied - insufficient permissions for this endpoint'),
    };
  }
  if (scheme !== 'Basic') return { refused: refusal(401, 'Invalid authorization header') };
  const [, secretKey = ''] = Buffer.from(value, 'base64').toString('utf8').split(':');
  if (secretKey !== '' && secretKey === known.organizationSecret) {
    return { refused: refusal(403, 'Invalid API key. Are you using an organization key?') };
  }
  const store = known.projects.get(secretKey);
  return store
    ? { store }
    : {
        refused: refusal(
          401,
          "Invalid credentials. Confirm that you've configured the correct host.",
        ),
      };
}

/** The v2 table of each project, built again only after an edit, a clock move or a change of mode. */
function createV2Tables(
  behaviourNow: () => ServerBehaviour,
  traits: ServerTraits,
): (store: SampleStore) => readonly V2Row[] {
  const tables = new Map<
    SampleStore,
    {
      readonly revision: number;
      readonly behaviour: ServerBehaviour;
      readonly rows: readonly V2Row[];
    }
  >();
  return (store) => {
    const behaviour = behaviourNow();
    const known = tables.get(store);
    if (known && known.revision === store.revision && known.behaviour === behaviour) {
      return known.rows;
    }
    const rows = buildV2Rows(store, { behaviour, traits });
    tables.set(store, { revision: store.revision, behaviour, rows });
    return rows;
  };
}

function sendAnswer(sending: {
  readonly faulted: FaultedAnswer;
  readonly request: SampleRequest;
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** Null: the one that Node sets. */
  readonly date: Date | null;
}): void {
  const { request, response, incoming } = sending;
  const { answer, breakage } = sending.faulted;
  if (isAt(breakage, 'before_headers')) {
    if (breakage?.kind === 'reset') incoming.socket.destroy();
    return;
  }
  const text = answer.html ?? answer.text ?? JSON.stringify(answer.body);
  const contentType =
    answer.html !== undefined
      ? 'text/html; charset=utf-8'
      : answer.text !== undefined
        ? 'text/plain; charset=utf-8'
        : 'application/json; charset=utf-8';
  const bytes = Buffer.from(text);
  const half = bytes.subarray(0, Math.floor(bytes.length / 2));
  request.status = answer.status;
  if (sending.date !== null) response.setHeader('Date', sending.date.toUTCString());
  response.writeHead(answer.status, {
    'Content-Type': contentType,
    'Content-Length': breakage?.kind === 'truncated_json' ? half.length : bytes.length,
    ...answer.headers,
  });
  if (breakage?.kind === 'truncated_json') {
    response.end(half);
  } else if (isAt(breakage, 'mid_body')) {
    response.write(half, () => {
      if (breakage?.kind === 'reset') incoming.socket.destroy();
    });
  } else {
    response.end(bytes);
  }
}

const isAt = (breakage: Breakage | null, at: 'before_headers' | 'mid_body'): boolean =>
  breakage !== null && 'at' in breakage && breakage.at === at;
