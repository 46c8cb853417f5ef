/** Reads the protobuf wire format: just the fields of a message, without a schema (protobuf.dev/programming-guides/encoding). */

export interface WireField {
  readonly number: number;
  /** A varint or a fixed 32 or 64 bits as an unsigned number, or the bytes of whatever has a length. */
  readonly value: bigint | Uint8Array;
}

/** The fields of one message in their order. Throws RangeError where the bytes are no message. */
export function readMessage(bytes: Uint8Array): WireField[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: WireField[] = [];
  let at = 0;

  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = BigInt(view.getUint8(at));
      at += 1;
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return value;
    }
    throw new RangeError('a varint does not end');
  };

  while (at < bytes.length) {
    const tag = varint();
    const number = Number(tag >> 3n);
    switch (Number(tag & 7n)) {
      case 0:
        fields.push({ number, value: varint() });
        break;
      case 1:
        fields.push({ number, value: view.getBigUint64(at, true) });
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        if (at + length > bytes.length) throw new RangeError('a field is longer than its message');
        fields.push({ number, value: bytes.subarray(at, at + length) });
        at += length;
        break;
      }
      case 5:
        fields.push({ number, value: BigInt(view.getUint32(at, true)) });
        at += 4;
        break;
      default:
        throw new RangeError(`unknown wire type of field ${number}`);
    }
  }
  return fields;
}

/** The number of a signed 64-bit varint. */
export const toSigned = (value: bigint): number => Number(BigInt.asIntN(64, value));

/** The number whose IEEE 754 bits these are. */
export function toDouble(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}
