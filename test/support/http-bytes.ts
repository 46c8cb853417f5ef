/** Where the parts of an HTTP/1.1 message are, in bytes. */

/** A share of the head or of the body, in [0, 1), or all but the last byte. */
export type Place =
  | { readonly part: 'head' | 'body'; readonly share: number }
  | { readonly part: 'last' };

const headMark = '\r\n\r\n';

/** Length of the whole message; `null` while some of it is still to come. */
export function messageEnd(bytes: Buffer): number | null {
  const head = headEnd(bytes);
  if (head === null) return null;
  const text = bytes.toString('latin1', 0, head);
  const length = /^content-length: *(\d+)/im.exec(text)?.[1];
  if (length !== undefined) {
    const end = head + Number(length);
    return bytes.length >= end ? end : null;
  }
  if (!/^transfer-encoding: *chunked/im.test(text)) return head;
  return bytes.toString('latin1', Math.max(head, bytes.length - 7)).endsWith('0\r\n\r\n')
    ? bytes.length
    : null;
}

/** How many bytes of a whole message lie before that place. */
export function toPosition(bytes: Buffer, place: Place): number {
  const head = headEnd(bytes) ?? bytes.length;
  if (place.part === 'last') return bytes.length - 1;
  if (place.part === 'head') return Math.floor(place.share * head);
  return head + Math.floor(place.share * (bytes.length - head));
}

/** The same part of an answer, announced as if it were all; one that ends within its head loses its body alone. */
export function withLength(part: Buffer): Buffer {
  const head = headEnd(part);
  if (head === null) return Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  const lines = part
    .toString('latin1', 0, head - headMark.length)
    .split('\r\n')
    .filter((line) => !/^(content-length|transfer-encoding):/i.test(line));
  const length = `content-length: ${part.length - head}`;
  return Buffer.concat([
    Buffer.from([...lines, length].join('\r\n') + headMark, 'latin1'),
    part.subarray(head),
  ]);
}

function headEnd(bytes: Buffer): number | null {
  const at = bytes.indexOf(headMark);
  return at === -1 ? null : at + headMark.length;
}
