import { describe, expect, it } from 'vitest';
import { manifestFormat, renderManifest, type Manifest } from '../../src/report/manifest.ts';

const aManifest: Manifest = {
  format: manifestFormat,
  window: { from: '2026-11-24T00:00:00.000Z', to: '2026-11-25T00:00:00.000Z' },
  source: 'project-1',
  reader: 'v2',
  langfuse_version: '4.16.0',
  input_hash: 'abc',
  counters: { rows_read: 12, duplicate_rows_dropped: 1 },
  metrics: {
    requests: 8,
    attempts: 10,
    requests_with_session: 6,
    cost_usd: 0.1 + 0.2,
    cost_unknown_requests: 3,
    cost_estimated_requests: 2,
    usage_unknown_requests: 0,
    content_missing_requests: 4,
  },
  quarantine: [
    { trace_id: 't2', id: 'b', reason: 'no start time' },
    { trace_id: 't1', id: 'a', reason: 'not JSON' },
  ],
  artifacts: [
    { path: 'requests.json', bytes: 20, sha256: 'ff' },
    { path: 'errors.json', bytes: 10, sha256: 'ee' },
  ],
};

function read(manifest: Manifest): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(renderManifest(manifest))) as Record<string, unknown>;
}

describe('renderManifest', () => {
  it('tells coverage in plain numbers', () => {
    expect(read(aManifest)['coverage']).toEqual({
      cost: { attempts: 10, known: 7, of_it_estimated: 2, unknown: 3 },
      usage: { attempts: 10, unknown: 0, rebuilt: null, inconsistent: null },
      sessions: { requests: 8, known: 6, unknown: 2 },
      text: { attempts: 10, read: 6, not_read: 4 },
    });
  });

  it('names what is incomplete and why, and only that', () => {
    const incomplete = read(aManifest)['incomplete'] as {
      what: string;
      count: number;
      why: string;
    }[];
    expect(incomplete.map(({ what, count }) => [what, count])).toEqual([
      ['rows_quarantined', 2],
      ['cost_unknown_requests', 3],
      ['requests_without_session', 2],
      ['content_missing_requests', 4],
    ]);
    expect(incomplete.every(({ why }) => why.length > 20)).toBe(true);
  });

  it('counts every request as one without a session where the metric is absent, and nothing where all are', () => {
    expect(read({ ...aManifest, metrics: { requests: 8 } })['coverage']).toMatchObject({
      sessions: { requests: 8, known: 0, unknown: 8 },
      cost: { attempts: null, known: null, unknown: null },
    });
    expect(read({ ...aManifest, metrics: {}, quarantine: [] })['incomplete']).toEqual([]);
  });

  it('gives the same bytes whatever order the values come in', () => {
    const reordered: Manifest = {
      artifacts: aManifest.artifacts.toReversed(),
      quarantine: aManifest.quarantine.toReversed(),
      metrics: Object.fromEntries(Object.entries(aManifest.metrics).toReversed()),
      counters: Object.fromEntries(Object.entries(aManifest.counters).toReversed()),
      input_hash: aManifest.input_hash,
      langfuse_version: aManifest.langfuse_version,
      reader: aManifest.reader,
      source: aManifest.source,
      window: { to: aManifest.window.to, from: aManifest.window.from },
      format: aManifest.format,
    };
    expect(renderManifest(reordered)).toEqual(renderManifest(aManifest));
  });

  it('keeps numbers at full precision and refuses what is none', () => {
    expect(read(aManifest)['metrics']).toMatchObject({ cost_usd: 0.30000000000000004 });
    expect(() => renderManifest({ ...aManifest, metrics: { cost_usd: Number.NaN } })).toThrow(
      'cost_usd is NaN',
    );
  });

  it('shows the text of others without control characters', () => {
    const quarantine = [{ trace_id: 't', id: 'i', reason: '\u001b[31m\ud800bad\0' }];
    expect(read({ ...aManifest, quarantine })['quarantine']).toEqual([
      { trace_id: 't', id: 'i', reason: '\ufffdbad' },
    ]);
  });
});
