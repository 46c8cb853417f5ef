import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  renderLoggedArtifacts,
  toExperimentName,
  toMetricValue,
  toParamValue,
  toRunName,
  toStep,
  toTagValue,
  toTimeMs,
} from '../../src/mlflow/limits.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.string({ unit: fc.constantFrom('a', '\0', '\uD800', '\uDC00', '😀', 'ü'), maxLength: 7000 }),
);

describe('text', () => {
  test.each([
    ['param', toParamValue, 6000],
    ['tag', toTagValue, 5000],
    ['run name', toRunName, 250],
  ] as const)('a %s is well-formed, has no NUL and is within its limit', (_what, clean, limit) => {
    fc.assert(
      fc.property(anyText, (text) => {
        const cleaned = clean(text);
        expect(cleaned.isWellFormed()).toBe(true);
        expect(cleaned).not.toContain('\0');
        expect(Array.from(cleaned).length).toBeLessThanOrEqual(limit);
        expect(clean(cleaned)).toBe(cleaned);
      }),
    );
  });

  test('sound text within the limit is not touched', () => {
    for (const text of ['', 'a', 'line\nbreak\t\u0001', '😀'.repeat(5000)])
      expect(toTagValue(text)).toBe(text);
  });

  test('what was cut shows it', () => {
    expect(toTagValue('😀'.repeat(5001))).toBe(`${'😀'.repeat(4999)}…`);
    expect(toParamValue('x'.repeat(6001))).toBe(`${'x'.repeat(5999)}…`);
  });

  test('a run always has a name, or MLflow would invent one', () => {
    expect(toRunName('')).toBe('(unnamed)');
    expect(toRunName('\0')).toBe('(unnamed)');
  });

  test('an experiment name is refused rather than cut', () => {
    expect(toExperimentName('ü'.repeat(256))).toBe('ü'.repeat(256));
    for (const name of ['', '  ', '\0', 'ü'.repeat(257)]) {
      expect(() => toExperimentName(name)).toThrow(
        expect.objectContaining({ code: 'SETTINGS_INVALID' }),
      );
    }
  });
});

describe('numbers', () => {
  test('a metric is finite or NaN, and never -0', () => {
    expect(toMetricValue(1.5)).toBe(1.5);
    expect(toMetricValue(Number.NaN)).toBeNaN();
    expect(Object.is(toMetricValue(-0), 0)).toBe(true);
    for (const value of [Infinity, -Infinity]) {
      expect(() => toMetricValue(value)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
    }
  });

  test('steps and times are integers, or MLflow would store 0', () => {
    expect(toStep(-3.9)).toBe(-3);
    expect(toTimeMs(1_700_000_000_123.5)).toBe(1_700_000_000_123);
    for (const bad of [Number.NaN, Infinity, 2 ** 60]) {
      expect(() => toStep(bad)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
      expect(() => toTimeMs(bad)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
    }
    expect(() => toTimeMs(-1)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });
});

describe('renderLoggedArtifacts', () => {
  test('is what MLflow writes for a table', () => {
    expect(renderLoggedArtifacts(['requests.json', 'errors.json'])).toBe(
      '[{"path":"requests.json","type":"table"},{"path":"errors.json","type":"table"}]',
    );
    expect(renderLoggedArtifacts([])).toBe('[]');
  });

  test('stays JSON within a tag, however many there are', () => {
    const text = renderLoggedArtifacts(Array.from({ length: 1000 }, (_, i) => `tables/${i}.json`));
    expect(text.length).toBeLessThanOrEqual(5000);
    expect(toTagValue(text)).toBe(text);
    const entries = JSON.parse(text) as { path: string }[];
    expect(entries[0]).toEqual({ path: 'tables/0.json', type: 'table' });
    expect(entries.length).toBeGreaterThan(100);
  });
});
