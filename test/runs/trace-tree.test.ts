/** Whatever the observations of a trace say of their parents, the tree has one root and each of them once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TraceCall } from '../../src/runs/to-trace.ts';
import { toTree } from '../../src/runs/trace-tree.ts';
import { aGeneration } from '../support/builders.ts';

function anObservation(id: string, parentId: string | null, fields: object = {}) {
  return {
    id,
    parentId,
    type: 'SPAN',
    name: id,
    startMs: 1000,
    endMs: 2000,
    isError: false,
    statusMessage: null,
    ...fields,
  };
}

function aCall(id: string, fields: object = {}): TraceCall {
  const generation = aGeneration({ id, startMs: 1200, latencyMs: 500, ...fields });
  return {
    generation: { ...generation, requestId: id, isFinalAttempt: true },
    contentHash: null,
  };
}

function treeOf(
  observations: readonly ReturnType<typeof anObservation>[],
  calls: readonly TraceCall[] = [],
  dropped: readonly string[] = [],
) {
  return toTree(
    { traceId: 't', observations, dropped: new Set(dropped), attributes: null },
    new Map(calls.map((call) => [call.generation.id, call])),
  );
}

describe('toTree', () => {
  it('takes the only observation without a parent for the root', () => {
    const tree = treeOf([anObservation('a', null), anObservation('b', 'a')], [aCall('b')]);
    expect(tree.map(({ id, parentId }) => [id, parentId])).toEqual([
      ['a', null],
      ['b', 'a'],
    ]);
  });

  it('puts one more over several that have no parent', () => {
    const tree = treeOf([anObservation('a', null), anObservation('b', 'gone')]);
    expect(tree.map(({ id, parentId }) => [id, parentId])).toEqual([
      ['', null],
      ['a', ''],
      ['b', ''],
    ]);
  });

  it('hangs what is below a call that was logged twice under what is above it', () => {
    const tree = treeOf(
      [anObservation('a', null), anObservation('twice', 'a'), anObservation('c', 'twice')],
      [],
      ['twice'],
    );
    expect(tree.map(({ id, parentId }) => [id, parentId])).toEqual([
      ['a', null],
      ['c', 'a'],
    ]);
  });

  it('does not know the end of a call whose latency is unknown, nor that of a root over it', () => {
    const tree = treeOf([], [aCall('a', { latencyMs: null }), aCall('b')]);
    expect(tree.map(({ id, endMs }) => [id, endMs])).toEqual([
      ['', null],
      ['a', null],
      ['b', 1700],
    ]);
  });

  it('holds each observation once below one root, parents first, also where parents form a ring', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    const parents = fc.tuple(...ids.map(() => fc.option(fc.constantFrom(...ids, 'gone'))));
    fc.assert(
      fc.property(parents, (chosen) => {
        const tree = treeOf(ids.map((id, at) => anObservation(id, chosen[at] ?? null)));
        const made = tree.filter((node) => node.isMade);
        expect(tree.filter((node) => node.parentId === null)).toHaveLength(1);
        expect(
          tree
            .filter((node) => !node.isMade)
            .map(({ id }) => id)
            .toSorted(),
        ).toEqual(ids);
        expect(made.length).toBeLessThanOrEqual(1);
        for (const [at, node] of tree.entries()) {
          if (node.parentId === null) continue;
          expect(tree.slice(0, at).some(({ id }) => id === node.parentId)).toBe(true);
        }
      }),
    );
  });
});
