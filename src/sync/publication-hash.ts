/** When a window is published as it is now: the hash over everything that its runs are made of. */
import { hashPrivacy } from '../redact/privacy.ts';
import { renderTextMode } from '../redact/text-mode.ts';
import { hashOf } from '../shared/hash.ts';
import { measuresHash } from '../shared/measures.ts';
import type { State } from '../store/open-state.ts';
import { readShard } from '../store/shard.ts';
import { publishedHash } from '../store/targets.ts';
import { hasSpans } from '../store/trace-spans.ts';
import { getWindow, type WindowRow } from '../store/windows.ts';
import { comparedWindows } from './compared-windows.ts';
import type { SyncSettings } from './sync-settings.ts';

/**
 * What the window holds, and what those hold that its report is compared with: a late row of yesterday makes the
 * report of today due, in whatever order windows are read, so that many nights end like one clean backfill.
 */
export function toPublicationBasis(state: State, row: WindowRow): string {
  const others = comparedWindows(row).map(
    ({ fromMs }) => getWindow(state, row.source, fromMs)?.input_hash ?? null,
  );
  return `${row.input_hash}+${hashOf(others)}`;
}

/** Whether the target shows a window as it is now. */
export function isPublishedAsItIs(
  state: State,
  place: { readonly targetId: number; readonly row: WindowRow; readonly settings: SyncSettings },
): boolean {
  const { targetId, row, settings } = place;
  const published = publishedHash(state, { targetId, source: row.source, fromMs: row.from_ms });
  return published === toPublicationHash(state, row, settings);
}

/** Hash under which a window is published: its basis and the settings that shape its runs. */
export function toPublicationHash(state: State, row: WindowRow, settings: SyncSettings): string {
  const { source, from_ms: windowFromMs } = row;
  // A window that was read without traces has none to publish, whatever is set now.
  const hasTraces = settings.traces.kind !== 'off' && hasSpans(state, { source, windowFromMs });
  const own = measuresHash(settings.measures);
  const shape = [
    settings.requestRuns ? '+requests' : '',
    `+${hashPrivacy(settings.privacy)}`,
    own === null ? '' : `+${own}`,
    // Its sessions and trends are not.
    readShard(state) === null ? '' : '+shard',
    hasTraces ? `+traces:${renderTextMode(settings.traces)}` : '',
  ];
  return `${toPublicationBasis(state, row)}${shape.join('')}`;
}
