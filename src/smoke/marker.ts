/** The name of one smoke: session and user of its request, unique, and telling when it was sent. Pure. */
import { AppError } from '../shared/errors.ts';

/** `smoke-20261129T101112Z-5e84c7e5a70c`; `random` makes it unique. */
export function toMarker(sent: { readonly nowMs: number; readonly random: string }): string {
  const time = new Date(sent.nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return `smoke-${time.replaceAll(/[-:]/g, '')}-${sent.random}`;
}

/** When it was sent, to the second. Throws USAGE for what is no marker. */
export function parseMarker(text: string): number {
  const [, date, time] = /^smoke-(\d{8})T(\d{6})Z-[0-9a-f]+$/.exec(text) ?? [];
  if (date !== undefined && time !== undefined) {
    const days = date.replace(/^(....)(..)(..)$/, '$1-$2-$3');
    const sentMs = Date.parse(`${days}T${time.replace(/^(..)(..)(..)$/, '$1:$2:$3')}Z`);
    if (!Number.isNaN(sentMs)) return sentMs;
  }
  throw new AppError('USAGE', `${JSON.stringify(text)} is not the name of a smoke.`, {
    hint: 'Give the name that smoke printed at its end, such as smoke-20261129T101112Z-5e84c7e5a70c.',
  });
}
