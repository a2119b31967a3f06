import { bytesOfHex, hexOfBytes, parseHex, parseSmallHex } from './hex.ts';
import { PACKET_SIZE } from './packets.ts';
import { type Command, type DebugState, ERROR } from './state.ts';

const PAGE = 4096;
/** Bytes that one reply holds. */
const MOST_BYTES = (PACKET_SIZE - 8) / 2;
/**
 * Bytes of which a checksum is made in one command, so that a debugger cannot keep the machine's owner busy for long.
 */
const MOST_SUMMED = 0x400_0000;

interface Range {
  readonly address: bigint;
  readonly length: number;
}

function parseRange(text: string): Range | undefined {
  const [from = '', count = '', more] = text.split(',');
  const address = parseHex(from);
  const length = parseSmallHex(count);
  return address === undefined || length === undefined || more !== undefined
    ? undefined
    : { address, length };
}

/** A range by the pages that it is in. */
function* pagesOf(state: DebugState, { address, length }: Range): Generator<Range> {
  const mask = (1n << BigInt(state.target.xlen)) - 1n;
  for (let done = 0; done < length; ) {
    const place = (address + BigInt(done)) & mask;
    const part = Math.min(length - done, PAGE - Number(place & BigInt(PAGE - 1)));
    yield { address: place, length: part };
    done += part;
  }
}

function physicalOf({ target, physical, generalThread }: DebugState, address: bigint): number | undefined {
  return physical ? Number(address) : target.translate(generalThread, address);
}

function readPart(state: DebugState, { address, length }: Range): Uint8Array | undefined {
  const physical = physicalOf(state, address);
  return physical === undefined ? undefined : state.target.readMemory(physical, length);
}

/** `m ADDRESS,LENGTH`: as much of it as there is. */
export const readMemory: Command = (state, words) => {
  const range = parseRange(words);
  if (range === undefined) return ERROR.badValue;
  let text = '';
  for (const part of pagesOf(state, { ...range, length: Math.min(range.length, MOST_BYTES) })) {
    const bytes = readPart(state, part);
    if (bytes === undefined) break;
    text += hexOfBytes(bytes);
  }
  return text === '' && range.length > 0 ? ERROR.noMemory : text;
};

/** `M ADDRESS,LENGTH:BYTES` in hexadecimal. */
export const writeMemory: Command = (state, words) => {
  const colon = words.indexOf(':');
  const range = parseRange(words.slice(0, Math.max(colon, 0)));
  const bytes = bytesOfHex(words.slice(colon + 1));
  return range === undefined || bytes === undefined ? ERROR.badValue : write(state, range, bytes);
};

/** `X ADDRESS,LENGTH:BYTES` as they are. */
export const writeBinary: Command = (state, words) => {
  const colon = words.indexOf(':');
  const range = parseRange(words.slice(0, Math.max(colon, 0)));
  const bytes = Uint8Array.from(words.slice(colon + 1), (character) => character.charCodeAt(0));
  return range === undefined ? ERROR.badValue : write(state, range, bytes);
};

/** All of it is written, or nothing. */
function write(state: DebugState, range: Range, bytes: Uint8Array): string {
  if (range.length !== bytes.length) return ERROR.badValue;
  const places: { readonly physical: number; readonly bytes: Uint8Array }[] = [];
  let done = 0;
  for (const { address, length } of pagesOf(state, range)) {
    const physical = physicalOf(state, address);
    if (physical === undefined || state.target.readMemory(physical, length) === undefined)
      return ERROR.noMemory;
    places.push({ physical, bytes: bytes.subarray(done, done + length) });
    done += length;
  }
  for (const place of places) state.target.writeMemory(place.physical, place.bytes);
  if (state.physical || bytes.length === 0) return 'OK';
  return state.points.wrote(range.address, bytes) ? 'OK' : ERROR.noMemory;
}

/** `qCRC:ADDRESS,LENGTH`, for `compare-sections`. */
export const checksum: Command = (state, words) => {
  const range = parseRange(words);
  if (range === undefined || range.length > MOST_SUMMED) return ERROR.badValue;
  let sum = 0xffff_ffff;
  for (const part of pagesOf(state, range)) {
    const bytes = readPart(state, part);
    if (bytes === undefined) return ERROR.noMemory;
    for (const byte of bytes) sum = (sum << 8) ^ (CRC_TABLE[((sum >>> 24) ^ byte) & 0xff] ?? 0);
  }
  return `C${(sum >>> 0).toString(16)}`;
};

/** CRC-32 with the polynomial 0x04c11db7, the uppermost bit first (gdb manual, "General Query Packets"). */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 24;
  for (let bit = 0; bit < 8; bit++) sum = (sum << 1) ^ (sum < 0 ? 0x04c1_1db7 : 0);
  return sum;
});
