import { promisify } from 'node:util';
import { crc32, deflateRaw, inflateRaw } from 'node:zlib';
import type { SnapshotCodec } from '../../machine/snapshot/codec.ts';

const pack = promisify(deflateRaw);
const unpack = promisify(inflateRaw);
/** The highest takes twice as long, and makes two parts in a thousand less of it. */
const LEVEL = 6;
/** Room behind the expected bytes, so that the end comes in the same piece. */
const SLACK = 64;

/** Deflate (RFC 1951), which browsers can unpack, too. */
export const deflateCodec: SnapshotCodec = {
  name: 'deflate',
  pack: (bytes) => pack(bytes, { level: LEVEL, chunkSize: bytes.length + 1024 }),
  unpack: (packed, size) => unpack(packed, { chunkSize: size + SLACK, maxOutputLength: size }),
  crc32: (bytes, before) => crc32(bytes, before),
};
