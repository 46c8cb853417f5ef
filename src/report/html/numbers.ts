/** Numbers as people read them. Unknown is a word, never a zero. */
import { toCount, toDuration, toUsd } from '../../runs/note.ts';

export const unknownText = 'unknown';

/** `12,345`, from ten million on `12.3 M`, from ten thousand million on `12.3 G`. */
export function toCompact(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e10) return `${(value / 1e9).toFixed(1)} G`;
  if (size >= 1e7) return `${(value / 1e6).toFixed(1)} M`;
  return toCount(value);
}

/** `12.3 %`. */
export function toPercent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}

/** `38 s`, `5 min`, `2.5 h`: for spans that are no latency of a call. */
export function toSpan(ms: number): string {
  if (ms < 60_000) return toDuration(ms);
  if (ms < 3_600_000) return `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** A metric of the catalogue by its name's unit. */
export function toFigure(name: string, value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return unknownText;
  if (name.endsWith('_usd')) return toUsd(value);
  if (/_ms(\/|$)/.test(name)) return toSpan(value);
  if (/(_rate|_ratio|_coverage)$/.test(name)) return toPercent(value);
  if (name.startsWith('output_tokens_per_second')) return `${value.toFixed(0)} /s`;
  return toCompact(value);
}

/** `+12 %`, `−3 %`, `×4.1`, `the same`; null where either is unknown or the first is nothing. */
export function toChange(before: number | undefined, now: number | undefined): string | null {
  if (before === undefined || now === undefined) return null;
  if (now === before) return 'the same';
  if (before === 0) return null;
  const ratio = now / before;
  if (ratio >= 3) return `×${ratio.toFixed(1)}`;
  const percent = (ratio - 1) * 100;
  const digits = Math.abs(percent) < 1 ? 1 : 0;
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(digits)} %`;
}

/** `2026-11-12 23:05`. */
export function toMinute(instantMs: number): string {
  return new Date(instantMs).toISOString().slice(0, 16).replace('T', ' ');
}
