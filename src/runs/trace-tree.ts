/** The observations of a trace as a tree with one root, parents before their children. Pure. */
import { hashOf } from '../shared/hash.ts';
import type { TraceSpanType } from '../shared/trace.ts';
import type { TraceCall, TraceParts } from './to-trace.ts';

export interface Node {
  /** The id in Langfuse; `''` for a root that was made. */
  readonly id: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly type: TraceSpanType;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly isError: boolean;
  readonly statusMessage: string | null;
  /** A root over several observations that have no parent. */
  readonly isMade: boolean;
}

/** The id of a span of an MLflow trace: 16 hex characters. */
export function toSpanId(traceId: string, observationId: string): string {
  return hashOf(['span', traceId, observationId]).slice(0, 16);
}

export function toTree(
  parts: Pick<TraceParts, 'traceId' | 'observations' | 'dropped' | 'attributes'>,
  calls: ReadonlyMap<string, TraceCall>,
): Node[] {
  const found = toNodes(parts, calls);
  const parents = toParents(parts, found);
  const tops = [...found.values()].filter((node) => parents.get(node.id) === null);
  const isSingle = tops.length === 1;
  const nodes: Node[] = [];
  if (!isSingle) nodes.push(toMadeRoot(parts, { tops, nodes: [...found.values()] }));
  const children = new Map<string, Node[]>();
  for (const node of found.values()) {
    const parent = parents.get(node.id) ?? null;
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), node]);
  }
  const visit = (node: Node): void => {
    const above = parents.get(node.id) ?? (isSingle ? null : '');
    nodes.push({ ...node, parentId: above });
    for (const child of children.get(node.id) ?? []) visit(child);
  };
  for (const top of tops) visit(top);
  return nodes;
}

function toNodes(
  parts: Parameters<typeof toTree>[0],
  calls: ReadonlyMap<string, TraceCall>,
): Map<string, Node> {
  const nodes = new Map<string, Node>();
  for (const observation of parts.observations) {
    if (parts.dropped.has(observation.id) || calls.has(observation.id)) continue;
    nodes.set(observation.id, {
      id: observation.id,
      parentId: null,
      name: observation.name ?? observation.type.toLowerCase(),
      type: types[observation.type] ?? 'UNKNOWN',
      startMs: observation.startMs,
      // An event is a point in time.
      endMs:
        observation.endMs === null && observation.type === 'EVENT'
          ? observation.startMs
          : observation.endMs,
      isError: observation.isError,
      statusMessage: observation.statusMessage,
      isMade: false,
    });
  }
  for (const [id, { generation }] of calls) {
    nodes.set(id, {
      id,
      parentId: null,
      name: generation.name ?? generation.model,
      type: /embedding/i.test(generation.callType ?? '') ? 'EMBEDDING' : 'CHAT_MODEL',
      startMs: generation.startMs,
      // The same time that the latency of a run is counted from; unknown where that one is.
      endMs: generation.latencyMs === null ? null : generation.startMs + generation.latencyMs,
      isError: generation.isError,
      statusMessage: null,
      isMade: false,
    });
  }
  const order = [...nodes.values()].toSorted(
    (a, b) => a.startMs - b.startMs || (a.id < b.id ? -1 : 1),
  );
  return new Map(order.map((node) => [node.id, node]));
}

/** Parents that were left out are skipped; one that is not there, or a ring, makes its child a root. */
function toParents(
  parts: Parameters<typeof toTree>[0],
  nodes: ReadonlyMap<string, Node>,
): Map<string, string | null> {
  const raw = new Map(parts.observations.map((row) => [row.id, row.parentId]));
  const parents = new Map<string, string | null>();
  for (const id of nodes.keys()) {
    const seen = new Set([id]);
    let parent = raw.get(id) ?? null;
    while (parent !== null && !nodes.has(parent) && !seen.has(parent)) {
      seen.add(parent);
      parent = raw.get(parent) ?? null;
    }
    parents.set(id, parent !== null && nodes.has(parent) ? parent : null);
  }
  for (const id of nodes.keys()) {
    const seen = new Set<string>();
    let at: string | null = id;
    while (at !== null && !seen.has(at)) {
      seen.add(at);
      at = parents.get(at) ?? null;
    }
    if (at === id) parents.set(id, null);
  }
  return parents;
}

function toMadeRoot(
  parts: Parameters<typeof toTree>[0],
  { tops, nodes }: { tops: readonly Node[]; nodes: readonly Node[] },
): Node {
  const ends = nodes.flatMap(({ endMs }) => (endMs === null ? [] : [endMs]));
  return {
    id: '',
    parentId: null,
    name: parts.attributes?.name ?? 'trace',
    type: 'CHAIN',
    startMs: Math.min(...nodes.map((node) => node.startMs)),
    endMs: ends.length < nodes.length ? null : Math.max(...ends),
    isError: tops.at(-1)?.isError ?? false,
    statusMessage: null,
    isMade: true,
  };
}

const types: Readonly<Record<string, TraceSpanType>> = {
  SPAN: 'CHAIN',
  CHAIN: 'CHAIN',
  AGENT: 'AGENT',
  TOOL: 'TOOL',
  RETRIEVER: 'RETRIEVER',
  EVALUATOR: 'EVALUATOR',
  GUARDRAIL: 'GUARDRAIL',
  EMBEDDING: 'EMBEDDING',
  GENERATION: 'CHAT_MODEL',
};
