import { describe, expect, it } from 'vitest';
import { renderNote, toUsd } from '../../src/runs/note.ts';
import { toRunKey } from '../../src/runs/run-key.ts';
import { toRunSpec, type RunParts } from '../../src/runs/run-spec.ts';
import { toListTag } from '../../src/runs/tags.ts';
import { toWindowRun } from '../../src/runs/to-window-run.ts';
import { toTrendPoint } from '../../src/runs/trend.ts';
import { interval } from '../support/folding.ts';

const window = interval(Date.UTC(2026, 10, 24), Date.UTC(2026, 10, 25));
const parts: RunParts = {
  grain: 'model',
  key: 'k',
  parentKey: null,
  source: 's',
  windowFromMs: window.fromMs,
  subject: 'm',
  name: 'n',
  startMs: 0,
  endMs: 1,
  params: { a: '1', b: '2' },
  tags: { t: 'x' },
  metrics: new Map([
    ['requests', 1],
    ['rows_read', 10],
  ]),
  artifacts: [
    {
      path: 'p',
      contentType: 'c',
      isTable: false,
      sourceHash: 'h',
      render: () => new Uint8Array(),
    },
  ],
};

describe('a run spec', () => {
  it('has a hash over all that would be written, whatever the order', () => {
    const { hash } = toRunSpec(parts);
    expect(toRunSpec({ ...parts, params: { b: '2', a: '1' } }).hash).toBe(hash);
    const changed: Partial<RunParts>[] = [
      { name: 'other' },
      { params: { a: '1' } },
      { tags: { t: 'y' } },
      { endMs: 2 },
      { parentKey: 'p' },
      {
        metrics: new Map([
          ['requests', 2],
          ['rows_read', 10],
        ]),
      },
      { artifacts: [] },
    ];
    for (const change of changed) expect(toRunSpec({ ...parts, ...change }).hash).not.toBe(hash);
  });

  it('does not take volatile metrics for a change', () => {
    const volatile = new Set(['rows_read']);
    const more = {
      ...parts,
      metrics: new Map([
        ['requests', 1],
        ['rows_read', 11],
      ]),
    };
    expect(toRunSpec(more, volatile).hash).toBe(toRunSpec(parts, volatile).hash);
  });
});

describe('run keys', () => {
  it('are hex, and differ by every part of the identity', () => {
    const keys = [
      toRunKey({ source: 's', grain: 'window', window }),
      toRunKey({ source: 's2', grain: 'window', window }),
      toRunKey({ source: 's', grain: 'window', window: { ...window, toMs: window.toMs + 1 } }),
      toRunKey({ source: 's', grain: 'model', window, subject: 'a' }),
      toRunKey({ source: 's', grain: 'model', window, subject: 'b' }),
      toRunKey({ source: 's', grain: 'session', subject: 'a' }),
      toRunKey({ source: 's', grain: 'trend', subject: 'a' }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
  });

  it('never change: they are what tells old runs from new ones', () => {
    expect(toRunKey({ source: 'p', grain: 'window', window })).toBe(
      '43fa8666ea9d4ce549e0cd4d46d60300',
    );
    expect(toRunKey({ source: 'p', grain: 'model', window, subject: 'gpt-4o' })).toBe(
      'cf04a47c9fe641117e0404f30345ab59',
    );
    expect(toRunKey({ source: 'p', grain: 'session', subject: 'task-1' })).toBe(
      'f7953594be7901d7a904921ea26a4bfd',
    );
  });
});

describe('the window run', () => {
  it('keeps the contract of names', () => {
    const run = toWindowRun({
      source: 'p',
      projectName: 'gateway',
      interval: window,
      metrics: new Map([
        ['requests', 0],
        ['rows_quarantined', 2],
      ]),
      artifacts: [],
    });
    expect(run.name).toBe('2026-11-24');
    expect(run.params).toEqual({
      window_from: '2026-11-24T00:00:00.000Z',
      window_to: '2026-11-25T00:00:00.000Z',
      source: 'p',
    });
    expect(run.tags).toMatchObject({
      'langfuse_mlflow.grain': 'window',
      'langfuse_mlflow.source': 'p',
      'langfuse_mlflow.window': '2026-11-24',
    });
    expect(run.tags['mlflow.note.content']).toContain('2 rows could not be read');
  });
});

describe('a trend point', () => {
  it('stands at the window number and the window start', () => {
    const point = toTrendPoint({
      source: 'p',
      model: 'm',
      interval: window,
      metrics: new Map([['requests', 3]]),
    });
    expect(point.step).toBe(Date.UTC(2026, 10, 24) / 86_400_000);
    expect(point.timestampMs).toBe(window.fromMs);
  });
});

describe('what people read', () => {
  it('says unknown instead of zero', () => {
    const note = renderNote({ title: 'T', metrics: new Map([['requests', 3]]), lines: [] });
    expect(note).toContain('| Cost | unknown |');
    expect(note).toContain('| Tokens | unknown |');
  });

  it('keeps small money readable', () => {
    expect([0, 0.00004096, 0.0479, 1.5, 12_345.678].map(toUsd)).toEqual([
      '$0.00',
      '$0.0000410',
      '$0.0479',
      '$1.50',
      '$12,345.68',
    ]);
  });

  it('says how much of a list is not shown', () => {
    expect(toListTag(['a', 'b', 'c'], 2)).toBe('a, b (+1 more)');
  });
});
