import { describe, expect, it } from 'vitest';
import { toInstant } from '../../src/shared/time.ts';
import { openState } from '../../src/store/open-state.ts';
import { bindTarget, putPublication } from '../../src/store/targets.ts';
import { bindSource, getWindow } from '../../src/store/windows.ts';
import { toPublicationBasis } from '../../src/sync/publication-hash.ts';
import { isBehind, readStatus } from '../../src/sync/read-status.ts';
import { foldedSource, foldPages, interval } from '../support/folding.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const day = 86_400_000;
const window = interval(Date.UTC(2026, 2, 4), Date.UTC(2026, 2, 5));

describe('status', () => {
  it('is not behind because of an MLflow that is no longer used', () => {
    using folder = openTempFolder();
    using state = openState(`${folder.path}/state.db`);
    bindSource(state, {
      source: foldedSource,
      name: null,
      baseUrl: 'http://localhost',
      windowMs: day,
      startMs: window.fromMs,
    });
    foldPages(state, window, [{ generations: [] }]);
    const row = getWindow(state, foldedSource, window.fromMs);
    const hash = row === null ? '' : toPublicationBasis(state, row);
    const target = (uri: string): number =>
      bindTarget(state, { uri, experimentName: 'e', experimentId: '1' });
    const publish = (uri: string, published: { hash: string; publishedMs: number }): void =>
      putPublication(state, {
        targetId: target(uri),
        source: foldedSource,
        fromMs: window.fromMs,
        ...published,
      });
    publish('http://old', { hash: 'what it held long ago', publishedMs: 1 });
    const times = { nowMs: toInstant(window.toMs), settleMs: 0 };
    expect(isBehind(readStatus(state, times))).toBe(true);
    publish('http://new', { hash, publishedMs: 2 });
    expect(isBehind(readStatus(state, times))).toBe(false);
    const [source] = readStatus(state, times);
    expect(source?.targets.map((one) => [one.target.uri, one.isInUse, one.behindMs])).toEqual([
      ['http://old', false, day],
      ['http://new', true, 0],
    ]);
    expect(isBehind(readStatus(state, { ...times, nowMs: toInstant(window.toMs + day) }))).toBe(
      true,
    );
  });
});
