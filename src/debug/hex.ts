/** The text forms of numbers and bytes in gdb's remote protocol: hexadecimal, registers in the order of memory. */

const PAIR = /^[0-9a-f]{2}$/i;
const NUMBER = /^[0-9a-f]{1,16}$/i;

/** Two digits for each byte. */
export function hexOfBytes(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** The bytes of such a text; undefined if it is none. */
export function bytesOfHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    const pair = text.slice(2 * index, 2 * index + 2);
    if (!PAIR.test(pair)) return undefined;
    bytes[index] = Number.parseInt(pair, 16);
  }
  return bytes;
}

/** An address or a length, of at most 64 bits; undefined if the text is anything else. */
export function parseHex(text: string): bigint | undefined {
  return NUMBER.test(text) ? BigInt(`0x${text}`) : undefined;
}

/** The same for lengths, identifiers and the like, which are below 2^32. */
export function parseSmallHex(text: string): number | undefined {
  return /^0*[0-9a-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : undefined;
}

/** A register as the protocol shows it: so many bytes of its value, the lowest one first. */
export function hexOfRegister(value: bigint, bytes: number): string {
  let text = '';
  let rest = value;
  for (let index = 0; index < bytes; index++) {
    text += Number(rest & 0xffn)
      .toString(16)
      .padStart(2, '0');
    rest >>= 8n;
  }
  return text;
}

/** The value of such a text, unsigned; undefined unless it has exactly so many bytes. */
export function registerOfHex(text: string, bytes: number): bigint | undefined {
  const raw = text.length === 2 * bytes ? bytesOfHex(text) : undefined;
  return raw?.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Text of the host, such as the words of `monitor`, in UTF-8. */
export function hexOfText(text: string): string {
  return hexOfBytes(new TextEncoder().encode(text));
}
