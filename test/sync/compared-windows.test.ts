/** What a report stands beside: the figures of a window are the same from its facts and from what its run was told. */
import { describe, expect, it, test } from 'vitest';
import { metricColumns } from '../../src/metrics/aggregate-query.ts';
import { toMetricKey } from '../../src/mlflow/keys.ts';
import { comparedMetrics } from '../../src/report/html/totals-section.ts';
import type { Comparison } from '../../src/report/html/figures.ts';
import type { Generation } from '../../src/litellm/generation.ts';
import { noMeasures } from '../../src/shared/measures.ts';
import { openLedger, type Ledger, type LedgerEntry } from '../../src/store/ledger.ts';
import { openState, type State } from '../../src/store/open-state.ts';
import { putPrunedGroup } from '../../src/store/pruned-groups.ts';
import { bindTarget } from '../../src/store/targets.ts';
import { getWindow, type WindowRow } from '../../src/store/windows.ts';
import { compareWindows, quietMetrics } from '../../src/sync/compared-windows.ts';
import { describeWindow } from '../../src/sync/describe-window.ts';
import { toEntry } from '../../src/sync/publishing.ts';
import { aFailure, aGeneration, tokenCounts } from '../support/builders.ts';
import { foldedSource, foldPages, interval } from '../support/folding.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const dayMs = 86_400_000;
const firstMs = Date.UTC(2026, 10, 2);
const day = (index: number): ReturnType<typeof interval> =>
  interval(firstMs + index * dayMs, firstMs + (index + 1) * dayMs);

const source = {
  projectId: foldedSource,
  projectName: null,
  baseUrl: 'http://langfuse.test',
  runsPage: null,
  privacy: {
    text: { kind: 'all' },
    redact: { kinds: [], patterns: [] },
    maxTextBytes: null,
    hashed: { kinds: [], key: null },
  },
  measures: noMeasures,
} as const;

interface Place extends Disposable {
  readonly state: State;
  readonly ledger: Ledger;
  readonly otherLedger: Ledger;
}

/** Two days in a row, the first with the given calls; what its run was told is in the ledger, as MLflow gives it back. */
function openPlace(
  generations: readonly Generation[],
  entry: Partial<Pick<LedgerEntry, 'state' | 'artifacts'>> = {},
): Place {
  const folder = openTempFolder();
  const state = openState(`${folder.path}/state.db`);
  foldPages(state, day(0), [{ generations }]);
  foldPages(state, day(1), [{ generations: [] }]);
  const bind = (uri: string): Ledger =>
    openLedger(state, bindTarget(state, { uri, experimentName: 'e', experimentId: '1' }));
  const ledger = bind('http://mlflow.test');
  const { window } = describeWindow({ state, ledger, source }, rowOf(state, 0));
  const run = { runId: 'run', artifactUri: 'mlflow-artifacts:/1/run' };
  ledger.put(
    {
      ...toEntry(window, { run, revision: 0, parentRunId: null, tags: [] }),
      state: 'done',
      artifacts: {},
      metrics: Object.fromEntries([...window.metrics].toReversed()),
      ...entry,
    },
    firstMs,
  );
  return {
    state,
    ledger,
    otherLedger: bind('http://other.test'),
    [Symbol.dispose]() {
      state[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

function rowOf(state: State, index: number): WindowRow {
  const row = getWindow(state, foldedSource, day(index).fromMs);
  if (row === null) throw new Error(`day ${index} is not there`);
  return row;
}

/** Names and figures, in their order: that is what a report is made of. */
function dayBefore(place: Pick<Place, 'state' | 'ledger'>): [string, number][] | null {
  const [before] = compareWindows(place, rowOf(place.state, 1)) as [Comparison, Comparison];
  return before.metrics === null ? null : [...before.metrics];
}

const calls = [
  aGeneration({ id: 'a', startMs: firstMs + 1000, endMs: firstMs + 1777, costUsd: 0.1 }),
  aGeneration({ id: 'b', startMs: firstMs + 2000, endMs: firstMs + 5000, costUsd: 0.2 }),
  aFailure({ id: 'c', startMs: firstMs + 3000, tokens: tokenCounts() }),
];
const forgetFacts = (state: State): void => void state.db.exec('DELETE FROM facts');
const forgetWindow = (state: State): void =>
  void state.db.prepare('DELETE FROM windows WHERE from_ms = ?').run(day(0).fromMs);

describe('the day before', () => {
  it('tells the same whether its facts are held or its run alone is known', () => {
    using place = openPlace(calls);
    const held = dayBefore(place);
    expect(held?.length).toBeGreaterThan(8);
    // Recovered, and Langfuse shows nothing there any more.
    forgetFacts(place.state);
    expect(dayBefore(place)).toEqual(held);
    // Closed.
    forgetWindow(place.state);
    expect(dayBefore(place)).toEqual(held);
  });

  it('tells the same when some of its facts were pruned', () => {
    using place = openPlace(calls);
    const held = dayBefore(place);
    putPrunedGroup(place.state, foldedSource, {
      keys: [],
      rows: [
        {
          window_from_ms: day(0).fromMs,
          calls: 1,
          identities: Buffer.alloc(8),
          hash: 'of the group',
        },
      ],
    });
    place.state.db.prepare("DELETE FROM facts WHERE id = 'a'").run();
    expect(dayBefore(place)).toEqual(held);
    // Never from what is left.
    expect(() => dayBefore({ ...place, ledger: place.otherLedger })).toThrow(/were pruned/);
  });

  it('tells of no call where there was none, also by its run alone', () => {
    using place = openPlace([]);
    const held = dayBefore(place);
    expect(held).toEqual([...quietMetrics]);
    forgetWindow(place.state);
    expect(dayBefore(place)).toEqual(held);
  });

  it('is unknown when it was never read, whatever another MLflow was told', () => {
    using place = openPlace(calls);
    forgetFacts(place.state);
    forgetWindow(place.state);
    expect(dayBefore({ ...place, ledger: place.otherLedger })).toBeNull();
  });

  it('is unknown when its run alone is known and was not written to its end', () => {
    using place = openPlace(calls, { state: 'writing' });
    forgetFacts(place.state);
    expect(dayBefore(place)).toBeNull();
    forgetWindow(place.state);
    expect(dayBefore(place)).toBeNull();
  });

  it('has no call when this state file has seen it become empty', () => {
    using place = openPlace(calls, { artifacts: { 'report.html': 'hash' } });
    forgetFacts(place.state);
    expect(dayBefore(place)).toEqual([...quietMetrics]);
  });
});

test('each compared metric is one of a window’s run, under a name that MLflow keeps', () => {
  const published = new Set(metricColumns('window').map(({ name }) => name));
  expect(comparedMetrics.filter((name) => !published.has(name))).toEqual([]);
  expect(comparedMetrics.map(toMetricKey)).toEqual(comparedMetrics);
});
