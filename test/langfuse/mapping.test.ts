import { describe, expect, it } from 'vitest';
import { decodeContent, decodeMetadata } from '../../src/langfuse/decode.ts';
import { toObservationFromV1, toObservationFromV2 } from '../../src/langfuse/to-observation.ts';
import { toScoreFromV2, toScoreFromV3 } from '../../src/langfuse/to-score.ts';
import { gatherTraceAttributes } from '../../src/langfuse/to-trace-attributes.ts';
import {
  observationV1Schema,
  observationV2Schema,
  scoreV2Schema,
  scoreV3Schema,
} from '../../src/langfuse/wire-schemas.ts';
import samples from '../fixtures/litellm-samples.json' with { type: 'json' };
import { anObservation } from '../support/builders.ts';

const core = { id: 'o', traceId: 't', type: 'GENERATION', startTime: '2026-11-20T00:00:00.000Z' };
const v1 = { trace: null, isLangfuse2: false, hasCostDetails: true } as const;

describe('toObservationFromV1', () => {
  it('takes every recorded LiteLLM row', () => {
    for (const row of samples.data) {
      const observation = toObservationFromV1(observationV1Schema.parse(row), v1);
      expect(observation).toMatchObject({
        id: row.id,
        model: row.model,
        usageDetails: row.usageDetails,
        costDetails: row.costDetails,
        startMs: Date.parse(row.startTime),
      });
      expect(observation.metadata).toEqual(decodeMetadata(row.metadata));
    }
  });

  it.each([
    [
      { unit: 'TOKENS', input: 10, output: 2, total: 12 },
      { input: 10, output: 2, total: 12 },
    ],
    [
      { unit: null, input: 10, output: null, total: 10 },
      { input: 10, total: 10 },
    ],
    [{ unit: 'TOKENS', input: 0, output: 0, total: 0 }, {}],
    [{ unit: 'CHARACTERS', input: 400, output: 20, total: 420 }, {}],
    [null, {}],
  ])('2.x usage %j is %j', (usage, usageDetails) => {
    const row = observationV1Schema.parse({ ...core, usage });
    expect(
      toObservationFromV1(row, { ...v1, isLangfuse2: true, hasCostDetails: false }).usageDetails,
    ).toEqual(usageDetails);
  });

  it.each([
    { isLangfuse2: true, hasCostDetails: false, wire: '0.25', costUsd: 0.25 },
    { isLangfuse2: true, hasCostDetails: false, wire: 0, costUsd: 0 },
    { isLangfuse2: true, hasCostDetails: false, wire: null, costUsd: null },
    { isLangfuse2: false, hasCostDetails: false, wire: 0, costUsd: null },
    { isLangfuse2: false, hasCostDetails: false, wire: 0.25, costUsd: 0.25 },
    { isLangfuse2: false, hasCostDetails: true, wire: 0.25, costUsd: null },
  ])(
    'calculatedTotalCost $wire (2.x: $isLangfuse2, costDetails: $hasCostDetails) is $costUsd',
    ({ wire, costUsd, ...server }) => {
      const row = observationV1Schema.parse({ ...core, calculatedTotalCost: wire });
      expect(toObservationFromV1(row, { ...server, trace: null }).calculatedTotalCostUsd).toBe(
        costUsd,
      );
    },
  );

  it('an observation without a trace has the trace id ""', () => {
    expect(
      toObservationFromV1(observationV1Schema.parse({ ...core, traceId: null }), v1).traceId,
    ).toBe('');
  });
});

describe('toObservationFromV2', () => {
  it.each([
    [{ model: 'a', providedModelName: 'b' }, 'a'],
    [{ model: '', providedModelName: 'b' }, 'b'],
    [{ providedModelName: '' }, null],
  ])('model of %j is %s', (names, model) => {
    expect(toObservationFromV2(observationV2Schema.parse({ ...core, ...names })).model).toBe(model);
  });

  it.each([
    ['{"stream": true}', { stream: true }],
    [{ stream: true }, { stream: true }],
    ["{'include_usage': True}", null],
    ['', null],
    [null, null],
    [['a'], null],
  ])('model parameters %j are %j', (modelParameters, expected) => {
    expect(
      toObservationFromV2(observationV2Schema.parse({ ...core, modelParameters })).modelParameters,
    ).toEqual(expected);
  });

  it('groups of fields that an older server does not know are missing, not an error', () => {
    expect(toObservationFromV2(observationV2Schema.parse(core))).toMatchObject({
      tags: [],
      traceName: null,
      release: null,
      level: 'DEFAULT',
      usageDetails: {},
      costDetails: {},
      metadata: {},
    });
  });

  it.each([
    [{ usageDetails: { input: 'twelve' } }],
    [{ costDetails: 0.5 }],
    [{ startTime: 'yesterday' }],
    [{ endTime: 17 }],
    [{ tags: 'a,b' }],
    [{ id: '' }],
    [{ type: null }],
  ])('%j is refused: a number must not silently become unknown', (wrong) => {
    expect(observationV2Schema.safeParse({ ...core, ...wrong }).success).toBe(false);
  });
});

describe('decodeMetadata', () => {
  it.each([
    [{ a: '{"b":1}' }, { a: { b: 1 } }],
    [{ a: '[1]' }, { a: [1] }],
    [
      { a: '12', b: 'true', c: 'null' },
      { a: '12', b: 'true', c: 'null' },
    ],
    [{ a: '{"cut": "off' }, { a: '{"cut": "off' }],
    ['{"a":1}', { a: 1 }],
    ['words', { metadata: 'words' }],
    [[1], { metadata: [1] }],
    [null, {}],
    ['', {}],
    [undefined, {}],
  ])('%j is %j', (wire, metadata) => {
    expect(decodeMetadata(wire)).toEqual(metadata);
  });
});

describe('decodeContent', () => {
  it.each([
    ['{"a":1}', { a: 1 }],
    ['"quoted"', 'quoted'],
    ['plain', 'plain'],
    ['', null],
    [null, null],
    [undefined, null],
    [{ a: '1' }, { a: '1' }],
  ])('%j is %j', (wire, content) => {
    expect(decodeContent(wire)).toEqual(content);
  });
});

describe('scores', () => {
  const score = { id: 's', name: 'n', timestamp: '2026-11-20T00:00:00.000Z' };
  it.each([
    [
      { dataType: 'NUMERIC', value: 0.5 },
      { dataType: 'NUMERIC', value: 0.5, stringValue: null },
    ],
    [
      { dataType: 'BOOLEAN', value: true },
      { dataType: 'BOOLEAN', value: 1, stringValue: null },
    ],
    [
      { dataType: 'BOOLEAN', value: false },
      { dataType: 'BOOLEAN', value: 0, stringValue: null },
    ],
    [
      { dataType: 'CATEGORICAL', value: 'good' },
      { dataType: 'CATEGORICAL', value: null, stringValue: 'good' },
    ],
    [
      { dataType: 'TEXT', value: 'a long story' },
      { dataType: 'TEXT', value: null, stringValue: null },
    ],
    [
      { subject: { kind: 'experiment', id: 'e' } },
      { traceId: null, observationId: null, sessionId: null },
    ],
  ])('v3 %j is %j', (wire, expected) => {
    expect(toScoreFromV3(scoreV3Schema.parse({ ...score, ...wire }))).toMatchObject(expected);
  });

  it.each([
    [
      { dataType: 'BOOLEAN', value: 1, stringValue: 'True' },
      { value: 1, stringValue: null },
    ],
    [
      { dataType: 'CATEGORICAL', value: 0, stringValue: 'good' },
      { value: null, stringValue: 'good' },
    ],
    [{ value: 0.5 }, { dataType: 'NUMERIC', value: 0.5 }],
  ])('v2 %j is %j', (wire, expected) => {
    expect(toScoreFromV2(scoreV2Schema.parse({ ...score, ...wire }))).toMatchObject(expected);
  });
});

describe('gatherTraceAttributes', () => {
  const root = anObservation({ id: 'root', sessionId: null, userId: 'from-root', updatedMs: 10 });
  const child = anObservation({
    id: 'child',
    sessionId: 'from-child',
    userId: 'from-child',
    parentObservationId: 'root',
    updatedMs: 99,
  });
  const synthetic = anObservation({
    id: 't-trace-1',
    sessionId: null,
    userId: 'from-synthetic',
    traceName: 'named',
    updatedMs: 5,
  });

  it('the synthetic root first, then roots, then the others; for each attribute the first that is not empty', () => {
    const [trace] = gatherTraceAttributes([
      { observation: child, isRoot: false },
      { observation: root, isRoot: true },
      { observation: synthetic, isRoot: true },
    ]);
    expect(trace).toMatchObject({
      userId: 'from-synthetic',
      sessionId: 'from-child',
      name: 'named',
      updatedMs: 5,
    });
  });

  it('without a root nothing claims to be newer than a root on another page', () => {
    const [trace] = gatherTraceAttributes([{ observation: child, isRoot: false }]);
    expect(trace).toMatchObject({
      sessionId: 'from-child',
      name: null,
      metadata: {},
      updatedMs: null,
    });
  });
});
