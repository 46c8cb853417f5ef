import { describe, expect, it } from 'vitest';
import { createSampleTraffic } from '../../src/demo/traffic.ts';
import type { Observation } from '../../src/shared/observation.ts';
import { minuteMs } from '../../src/shared/time.ts';
import {
  anInterval,
  dayStartMs,
  deduplicate,
  manyRows,
  readAll,
  readAllContent,
  readAllScores,
  sampleObservation,
  sampleScore,
  sampleTrace,
  sampleTraffic,
  startProject,
} from './project.ts';

const plain = manyRows(300, { stepMs: 4 * minuteMs });
const traffic = sampleTraffic({
  traces: [
    ...plain.traces,
    sampleTrace({ id: 'long', timestampMs: dayStartMs - 10 * minuteMs, sessionId: 'long-session' }),
    sampleTrace({ id: 'bare', sessionId: null, userId: null, name: null, tags: [] }),
  ],
  observations: [
    ...plain.observations.map((row, index) => ({
      ...row,
      model: index % 5 === 0 ? null : `model-${index % 3}`,
      usageDetails: (index % 4 === 0
        ? {}
        : { input: index, output: 2, total: index + 2 }) as Record<string, number>,
      costDetails: (index % 6 === 0 ? {} : { total: index / 1000 }) as Record<string, number>,
      level: index % 9 === 0 ? 'ERROR' : 'DEFAULT',
      statusMessage: index % 9 === 0 ? 'litellm.RateLimitError: slow down' : null,
      metadata: { hidden_params: { response_cost: index / 1000 }, user_api_key_alias: 'ci-bot' },
    })),
    sampleObservation({ id: 'in-long', traceId: 'long', startMs: dayStartMs + 700 * minuteMs }),
    sampleObservation({ id: 'in-bare', traceId: 'bare', input: 'plain words', output: null }),
    sampleObservation({
      id: 'span',
      traceId: 'long',
      type: 'SPAN',
      endMs: null,
      startMs: dayStartMs + 701 * minuteMs,
    }),
  ],
  scores: [
    sampleScore(),
    sampleScore({
      id: 'score-2',
      dataType: 'BOOLEAN',
      value: 1,
      traceId: 'long',
      observationId: 'in-long',
    }),
    sampleScore({
      id: 'score-3',
      dataType: 'CATEGORICAL',
      value: null,
      stringValue: 'good',
      traceId: 'bare',
    }),
  ].map((score) => (score.traceId === 'trace-1' ? { ...score, traceId: 'trace-00001' } : score)),
});

/** What both APIs say about a row; the parent differs, since Langfuse 4 hangs rows below the synthetic root. */
function comparable(row: Observation): Omit<Observation, 'content' | 'parentObservationId'> {
  const { content: _content, parentObservationId: _parent, ...rest } = row;
  return rest;
}

const byKey = (a: { traceId: string; id: string }, b: { traceId: string; id: string }): number =>
  `${a.traceId} ${a.id}`.localeCompare(`${b.traceId} ${b.id}`);

describe('both readers over the same project', () => {
  it('deliver the same rows, text and scores', async () => {
    await using project = await startProject({ mode: 'dual', traffic, duplicateShare: 0.3 });
    const v2 = await project.open({ reader: 'v2', pageSize: 40 });
    const legacy = await project.open({ reader: 'legacy' });
    const fromV2 = await readAll(v2);
    const fromLegacy = await readAll(legacy);
    expect(fromV2.unreadable).toEqual([]);
    expect(fromLegacy.unreadable).toEqual([]);
    const v2Rows = deduplicate(fromV2.observations);
    const legacyRows = deduplicate(fromLegacy.observations);
    expect(legacyRows.size).toBe(303);
    expect([...v2Rows.keys()].sort()).toEqual([...legacyRows.keys()].sort());
    for (const [key, row] of legacyRows) {
      const other = v2Rows.get(key);
      expect(other && comparable(other)).toEqual(comparable(row));
    }
    expect(new Set(fromV2.traces.map((trace) => trace.traceId)).size).toBe(302);

    const text = new Map(
      (await readAllContent(v2)).rows.map((row) => [`${row.traceId} ${row.id}`, row.content]),
    );
    expect(text.size).toBe(302);
    for (const [key, content] of text) expect(content).toEqual(legacyRows.get(key)?.content);
  });

  it('deliver the same rows of three days of a whole team', async () => {
    const team = createSampleTraffic({ days: 3 });
    const whole = anInterval(team.startMs, team.endMs);
    await using project = await startProject(
      { mode: 'dual', traffic: team, duplicateShare: 0.1 },
      { concurrency: 4 },
    );
    const fromV2 = await readAll(await project.open({ reader: 'v2' }), whole);
    const fromLegacy = await readAll(await project.open({ reader: 'legacy' }), whole);
    const v2Rows = deduplicate(fromV2.observations);
    const legacyRows = deduplicate(fromLegacy.observations);
    const { observations } = project.server.store.view();
    expect(legacyRows.size).toBe(observations.length);
    expect(legacyRows.size).toBeGreaterThan(500);
    expect([...v2Rows.values()].map(comparable).sort(byKey)).toEqual(
      [...legacyRows.values()].map(comparable).sort(byKey),
    );
    expect([...fromV2.unreadable, ...fromLegacy.unreadable]).toEqual([]);
    const withTrace = new Set(observations.map((row) => row.traceId));
    for (const { traces } of [fromV2, fromLegacy]) {
      const delivered = new Set(traces.map((trace) => trace.traceId));
      expect([...withTrace].filter((traceId) => !delivered.has(traceId))).toEqual([]);
    }
  });

  it('deliver the same scores from each generation of endpoint', async () => {
    const found = [];
    for (const { mode, version, endpoint } of [
      { mode: 'dual', version: '4.16.0', endpoint: 'v3' },
      { mode: 'v3-legacy', version: '3.100.0', endpoint: 'v2' },
      { mode: 'v2.95', version: '2.95.12', endpoint: 'v1' },
    ] as const) {
      await using project = await startProject({ mode, version, traffic });
      const source = await project.open();
      expect(source.description.scores).toBe(endpoint);
      found.push((await readAllScores(source)).toSorted((a, b) => a.id.localeCompare(b.id)));
    }
    expect(found[0]).toHaveLength(3);
    expect(found[1]).toEqual(found[0]);
    expect(found[2]).toEqual(found[0]);
    expect(found[0]?.map((score) => [score.dataType, score.value, score.stringValue])).toEqual([
      ['NUMERIC', 0.5, null],
      ['BOOLEAN', 1, null],
      ['CATEGORICAL', null, 'good'],
    ]);
    expect(found[0]?.[1]).toMatchObject({
      traceId: 'long',
      observationId: 'in-long',
      sessionId: null,
    });
  });
});
