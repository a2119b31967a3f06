/**
 * The frames of gdb's remote protocol (gdb manual, "Overview" of the remote serial protocol): `$data#checksum`, with
 * `+` and `-` between them until both sides agree to leave these out, and a lone 0x03 for Ctrl-C.
 *
 * Data are kept as strings with a character for each byte: most are text, and binary data have any value up to 255.
 */

/** Bytes of the longest packet that is taken, as the debugger is told; a longer one is dropped as a whole. */
export const PACKET_SIZE = 0x4000;

const START = 0x24;
const END = 0x23;
const ESCAPE = 0x7d;
const INTERRUPT = 0x03;
const ESCAPED = 0x20;

/** A packet or a sign from a debugger. */
export type Incoming =
  | { readonly kind: 'packet'; readonly data: string }
  /** A packet with a wrong checksum, or one that is too long. */
  | { readonly kind: 'broken' }
  /** The last packet did not arrive. */
  | { readonly kind: 'again' }
  | { readonly kind: 'interrupt' };

/** Finds packets in a stream of bytes, in bounded memory for any stream. */
export class PacketReader {
  #state: 'between' | 'data' | 'checksum' = 'between';
  #data = '';
  #sum = 0;
  #escaped = false;
  #tooLong = false;
  #digits = '';

  /** Takes the next bytes of the stream. */
  *read(bytes: Uint8Array): Generator<Incoming> {
    for (const byte of bytes) {
      const found = this.#take(byte);
      if (found !== undefined) yield found;
    }
  }

  #take(byte: number): Incoming | undefined {
    switch (this.#state) {
      case 'between':
        return this.#between(byte);
      case 'data':
        this.#takeData(byte);
        return undefined;
      case 'checksum':
        return this.#takeChecksum(byte);
    }
  }

  #between(byte: number): Incoming | undefined {
    if (byte === INTERRUPT) return { kind: 'interrupt' };
    if (byte === 0x2d) return { kind: 'again' };
    if (byte === START) this.#begin();
    return undefined;
  }

  #begin(): void {
    this.#state = 'data';
    this.#data = '';
    this.#sum = 0;
    this.#escaped = false;
    this.#tooLong = false;
  }

  #takeData(byte: number): void {
    if (byte === END) {
      this.#state = 'checksum';
      this.#digits = '';
      return;
    }
    // Neither comes up within a packet, so another one has begun.
    if (byte === START) {
      this.#begin();
      return;
    }
    this.#sum = (this.#sum + byte) & 0xff;
    if (byte === ESCAPE && !this.#escaped) {
      this.#escaped = true;
      return;
    }
    if (this.#data.length >= PACKET_SIZE) this.#tooLong = true;
    else this.#data += String.fromCharCode(this.#escaped ? byte ^ ESCAPED : byte);
    this.#escaped = false;
  }

  #takeChecksum(byte: number): Incoming | undefined {
    this.#digits += String.fromCharCode(byte);
    if (this.#digits.length < 2) return undefined;
    this.#state = 'between';
    const isRight = /^[0-9a-f]{2}$/i.test(this.#digits) && Number.parseInt(this.#digits, 16) === this.#sum;
    const data = this.#data;
    this.#data = '';
    return isRight && !this.#tooLong ? { kind: 'packet', data } : { kind: 'broken' };
  }
}

/** The bytes of a packet with these data, a character for each byte. */
export function framePacket(data: string): Uint8Array<ArrayBuffer> {
  let body = '';
  for (const character of data) {
    const isSpecial = character === '$' || character === '#' || character === '}' || character === '*';
    body += isSpecial ? `}${String.fromCharCode(character.charCodeAt(0) ^ ESCAPED)}` : character;
  }
  let sum = 0;
  for (let index = 0; index < body.length; index++) sum = (sum + body.charCodeAt(index)) & 0xff;
  const text = `$${body}#${sum.toString(16).padStart(2, '0')}`;
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
