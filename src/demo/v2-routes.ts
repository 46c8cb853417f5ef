/** `GET /v2/observations`: a cursor that holds a position only, field groups, and the wire's habits (langfuse pages/api/public/v2/observations). */
import { invalidRequest, ok, refusal, type HttpAnswer } from './http-answer.ts';
import { reduceDetails, toIsoOrNull } from './legacy-shapes.ts';
import { observationsV2Query } from './query-schemas.ts';
import { isOneOf, matches, sliceByStart, toTimeRange, type RouteContext } from './route-context.ts';
import { toRowPredicate } from './row-filter.ts';
import { compareByPosition, type RowPosition } from './sample-store.ts';
import type { V2Row } from './v2-table.ts';

const fieldGroups = [
  'core',
  'basic',
  'time',
  'io',
  'metadata',
  'model',
  'usage',
  'prompt',
  'metrics',
  'trace_context',
] as const;
type FieldGroup = (typeof fieldGroups)[number];

/** Characters of a metadata value that are sent unless its key is in `expandMetadata`. */
const metadataCut = 200;

export function listObservationsV2(context: RouteContext, rows: readonly V2Row[]): HttpAnswer {
  const parsed = observationsV2Query.safeParse(context.query);
  if (!parsed.success) return invalidRequest(parsed.error.issues);
  const query = parsed.data;
  const cursor = query.cursor === undefined ? null : parseCursor(query.cursor);
  if (cursor === 'invalid') return refusal(400, 'Invalid cursor format', 'InvalidRequestError');
  const isWanted = toRowPredicate(query.filter);
  if (typeof isWanted === 'string') return refusal(400, isWanted, 'InvalidRequestError');

  const found: V2Row[] = [];
  const range = toTimeRange(query.fromStartTime, query.toStartTime);
  const toMs = cursor === null ? range.toMs : Math.min(range.toMs, cursor.startMs + 1);
  for (const row of after(cursor, sliceByStart(rows, { fromMs: range.fromMs, toMs }))) {
    if (found.length > query.limit) break;
    const isAsked =
      matches(query.name, row.name) &&
      matches(query.userId, row.userId) &&
      matches(query.sessionId, row.sessionId) &&
      matches(query.type, row.type) &&
      matches(query.level, row.level) &&
      matches(query.traceId, row.traceId) &&
      matches(query.version, row.version) &&
      matches(query.parentObservationId, row.parentObservationId) &&
      (query.isRootObservation === undefined || query.isRootObservation === String(row.isRoot)) &&
      isOneOf(query.environment, row.environment) &&
      isWanted(row);
    if (isAsked) found.push(row);
  }
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  const asked = toFieldGroups(query.fields, context.behaviour.hasTraceContext);
  const expanded = new Set(query.expandMetadata ?? []);
  return ok({
    data: page.map((row) => toV2Item(row, { context, asked, expanded })),
    meta: last && found.length > page.length ? { cursor: encodeCursor(last) } : {},
  });
}

/** The part of `rows`, sorted by position, behind the cursor: found by halving, since many may share one start. */
function after(cursor: RowPosition | null, rows: readonly V2Row[]): readonly V2Row[] {
  if (cursor === null) return rows;
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    if (row && compareByPosition(row, cursor) <= 0) low = middle + 1;
    else high = middle;
  }
  return rows.slice(low);
}

/** base64 of `{lastStartTimeTo, lastTraceId, lastId}`. */
export function encodeCursor(position: RowPosition): string {
  return Buffer.from(
    JSON.stringify({
      lastStartTimeTo: new Date(position.startMs).toISOString(),
      lastTraceId: position.traceId,
      lastId: position.id,
    }),
  ).toString('base64');
}

function parseCursor(text: string): RowPosition | 'invalid' {
  try {
    const cursor = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as Record<
      string,
      unknown
    >;
    const { lastStartTimeTo, lastTraceId, lastId } = cursor;
    const startMs = typeof lastStartTimeTo === 'string' ? Date.parse(lastStartTimeTo) : Number.NaN;
    const isValid =
      !Number.isNaN(startMs) && typeof lastTraceId === 'string' && typeof lastId === 'string';
    return isValid ? { startMs, traceId: lastTraceId, id: lastId } : 'invalid';
  } catch {
    return 'invalid';
  }
}

/** Unknown names are dropped without a word; nothing asked is core and basic. */
function toFieldGroups(
  fields: readonly string[] | undefined,
  hasTraceContext: boolean,
): ReadonlySet<FieldGroup> {
  if (fields === undefined || fields.length === 0) return new Set(['core', 'basic']);
  return new Set(
    fieldGroups.filter(
      (group) => fields.includes(group) && (group !== 'trace_context' || hasTraceContext),
    ),
  );
}

function toV2Item(
  row: V2Row,
  options: {
    readonly context: RouteContext;
    readonly asked: ReadonlySet<FieldGroup>;
    readonly expanded: ReadonlySet<string>;
  },
): Record<string, unknown> {
  const { asked, context } = options;
  const hasTimes = asked.has('time') || asked.has('metrics');
  return {
    id: row.id,
    traceId: row.traceId,
    startTime: toIsoOrNull(row.startMs),
    endTime: toIsoOrNull(row.endMs),
    projectId: context.store.project.id,
    parentObservationId: row.parentObservationId,
    type: row.type,
    ...(asked.has('basic') ? basicOf(row, context) : {}),
    ...(asked.has('time') ? timeOf(row) : {}),
    ...(asked.has('io') ? { input: toRawText(row.input), output: toRawText(row.output) } : {}),
    ...(asked.has('metadata') ? { metadata: toCutMetadata(row.metadata, options.expanded) } : {}),
    ...(asked.has('model') ? modelOf(row, context) : {}),
    ...(asked.has('usage') ? usageOf(row) : {}),
    ...(asked.has('prompt')
      ? {
          promptId: row.promptName === null ? '' : `prompt-${row.promptName}`,
          promptName: row.promptName ?? '',
          promptVersion: row.promptVersion,
        }
      : {}),
    ...(asked.has('trace_context')
      ? { tags: row.tags, release: row.release, traceName: row.traceName }
      : {}),
    latency: toSeconds(row.startMs, row.endMs, asked.has('metrics')),
    timeToFirstToken: hasTimes
      ? toSeconds(row.startMs, row.completionStartMs, asked.has('metrics'))
      : null,
    modelId: asked.has('model') ? (row.matchedModel?.id ?? null) : null,
    inputPrice: asked.has('model') ? toDecimal(row.matchedModel?.inputPrice) : null,
    outputPrice: asked.has('model') ? toDecimal(row.matchedModel?.outputPrice) : null,
    totalPrice: null,
  };
}

const basicOf = (row: V2Row, context: RouteContext): Record<string, unknown> => ({
  name: row.name ?? '',
  level: row.level,
  statusMessage: row.statusMessage ?? '',
  version: row.version ?? '',
  environment: row.environment,
  bookmarked: false,
  public: false,
  userId: row.userId,
  sessionId: row.sessionId,
  ...(context.behaviour.hasIsRootObservation ? { isRootObservation: row.isRoot } : {}),
});

const timeOf = (row: V2Row): Record<string, unknown> => ({
  completionStartTime: toIsoOrNull(row.completionStartMs),
  createdAt: toIsoOrNull(row.createdMs),
  updatedAt: toIsoOrNull(row.updatedMs),
});

const modelOf = (row: V2Row, context: RouteContext): Record<string, unknown> => ({
  [context.traits.v2ModelKey]: row.model ?? '',
  internalModelId: row.matchedModel?.id ?? '',
  modelParameters: row.modelParameters,
});

function usageOf(row: V2Row): Record<string, unknown> {
  const usage = reduceDetails(row.usageDetails);
  const cost = reduceDetails(row.costDetails);
  return {
    usageDetails: row.usageDetails,
    inputUsage: usage.input ?? 0,
    outputUsage: usage.output ?? 0,
    totalUsage: usage.total,
    costDetails: row.costDetails,
    inputCost: cost.input,
    outputCost: cost.output,
    totalCost: cost.total,
    usagePricingTierId: null,
    usagePricingTierName: null,
  };
}

/** With `metrics` ClickHouse counts milliseconds and a zero comes back as null. */
function toSeconds(fromMs: number, toMs: number | null, isCounted: boolean): number | null {
  if (toMs === null) return null;
  const elapsedMs = toMs - fromMs;
  return isCounted && elapsedMs === 0 ? null : elapsedMs / 1000;
}

/** Prices are decimals written as strings, never in exponent form below 1e-6. */
function toDecimal(price: number | undefined): string | null {
  if (price === undefined) return null;
  return price >= 1e-6 ? String(price) : price.toFixed(12).replace(/0+$/, '');
}

/** Content is stored as text and sent unparsed. */
function toRawText(content: unknown): string | null {
  if (content === null || content === undefined || content === '') return null;
  return typeof content === 'string' ? content : JSON.stringify(content);
}

/** Values are stored as text, cut, and parsed again where they still parse. */
function toCutMetadata(
  metadata: Readonly<Record<string, unknown>>,
  expanded: ReadonlySet<string>,
): Record<string, unknown> {
  const cut: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(metadata)) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    cut[key] = text.length <= metadataCut || expanded.has(key) ? value : text.slice(0, metadataCut);
  }
  return cut;
}
