/** Cuts long texts with a visible mark. */

const cutMark = /\n\[cut: (\d{1,15}) bytes left out\]$/;

/**
 * The head of `text`, whole characters, and a mark, together at most `maxBytes` of UTF-8; `text` itself where it fits.
 * Cutting again by the same limit changes nothing, by a smaller one counts what was cut before.
 */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text;
  const earlier = cutMark.exec(text);
  const whole = earlier === null ? text : text.slice(0, earlier.index);
  const cutBefore = Number(earlier?.[1] ?? 0);
  const bytes = Buffer.byteLength(whole);
  const room = Math.max(0, maxBytes - toMark(bytes + cutBefore).length);
  const { read, written } = new TextEncoder().encodeInto(whole, new Uint8Array(room));
  return `${whole.slice(0, read)}${toMark(bytes - written + cutBefore)}`;
}

function toMark(bytes: number): string {
  return `\n[cut: ${bytes} bytes left out]`;
}

/** The same JSON value with every text in it cut; given back as it is where none is too long. */
export function cutValue(value: unknown, maxBytes: number): unknown {
  if (typeof value === 'string') return cutText(value, maxBytes);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => cutValue(item, maxBytes));
    return items.some((item, position) => item !== value[position]) ? items : (value as unknown);
  }
  let isCut = false;
  const entries = Object.entries(value).map(([name, field]): [string, unknown] => {
    const cut = cutValue(field, maxBytes);
    isCut ||= cut !== field;
    return [name, cut];
  });
  return isCut ? Object.fromEntries(entries) : value;
}
