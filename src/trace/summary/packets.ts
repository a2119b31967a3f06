import { InputError } from '../../errors/input-error.ts';

/** Bytes of a packet at most: ours have some hundred, and a hostile file is not to have all memory. */
const LARGEST_PACKET = 1 << 20;
const VARINT = 0;
const EIGHT_BYTES = 1;
const BYTES = 2;

/** A field of a message: a number, or the bytes of a text or of a message. Numbers above 2^53 are not exact. */
export type FieldValue = number | Uint8Array;

/** Takes apart messages of protocol buffers (protobuf.dev, "Encoding") that come from a file, and may be damaged. */
class MessageReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The next field; undefined at the end. @throws InputError where the message ends within a field */
  next(): readonly [number: number, value: FieldValue] | undefined {
    if (this.#at >= this.#bytes.length) return undefined;
    const key = this.#varint();
    const number = Math.floor(key / 8);
    switch (key & 7) {
      case VARINT:
        return [number, this.#varint()];
      case EIGHT_BYTES: {
        const at = this.#advance(8);
        return [number, this.#view.getUint32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true)];
      }
      case BYTES: {
        const length = this.#varint();
        const at = this.#advance(length);
        return [number, this.#bytes.subarray(at, at + length)];
      }
      default:
        throw damaged();
    }
  }

  #advance(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#bytes.length - at) throw damaged();
    this.#at = at + bytes;
    return at;
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#advance(1)];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      if (factor > 2 ** 63) throw damaged();
    }
  }
}

/** The fields of a message. */
export function* fieldsOf(bytes: Uint8Array): Generator<readonly [number: number, value: FieldValue]> {
  const reader = new MessageReader(bytes);
  for (let field = reader.next(); field !== undefined; field = reader.next()) yield field;
}

/** Finds the packets of a trace in pieces of any size: fields 1 of the message that the file is. */
export class PacketSplitter {
  #rest: Uint8Array = new Uint8Array();

  /** @returns the packets that are whole now. @throws InputError for bytes that are no trace */
  take(piece: Uint8Array): readonly Uint8Array[] {
    const bytes = new Uint8Array(this.#rest.length + piece.length);
    bytes.set(this.#rest);
    bytes.set(piece, this.#rest.length);
    const packets: Uint8Array[] = [];
    let at = 0;
    for (;;) {
      const head = readHead(bytes, at);
      if (head === undefined || head.begin + head.length > bytes.length) break;
      packets.push(bytes.subarray(head.begin, head.begin + head.length));
      at = head.begin + head.length;
    }
    this.#rest = bytes.subarray(at);
    return packets;
  }

  /** @throws InputError if the file ends within a packet */
  end(): void {
    if (this.#rest.length > 0) throw damaged();
  }
}

/** Where a packet begins, and its length; undefined where the file's piece ends before that is known. */
function readHead(
  bytes: Uint8Array,
  at: number,
): { readonly begin: number; readonly length: number } | undefined {
  if (at >= bytes.length) return undefined;
  if (bytes[at] !== 8 + BYTES) throw damaged();
  let length = 0;
  for (let place = at + 1, factor = 1; place < bytes.length; place++, factor *= 128) {
    length += (bytes[place] & 0x7f) * factor;
    if (length > LARGEST_PACKET) throw damaged();
    if (bytes[place] < 0x80) return { begin: place + 1, length };
  }
  return undefined;
}

/** The error for a file that cannot be read. */
function damaged(): InputError {
  return new InputError('it is no trace of hartvisor, or it is damaged');
}
