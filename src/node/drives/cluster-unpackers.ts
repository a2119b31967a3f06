import { constants, inflateRawSync, zstdDecompressSync } from 'node:zlib';
import type { ClusterUnpackers } from '../../storage/qcow2/compressed.ts';

/** A frame may ask for so much memory to be unpacked, as a power of two: a cluster has 2^21 bytes at most. */
const WINDOW_BITS = 23;

/** Unpacks clusters of qcow2 images. */
export const clusterUnpackers: ClusterUnpackers = {
  zlib: (packed, size) => inflateRawSync(packed, { maxOutputLength: size }),
  zstd: (packed, size) =>
    zstdDecompressSync(packed.subarray(0, zstdFrameLength(packed)), {
      maxOutputLength: size,
      params: { [constants.ZSTD_d_windowLogMax]: WINDOW_BITS },
    }),
};

const MAGIC_BYTES = 4;
const BLOCK_HEADER = 3;
const RUN_LENGTH = 1;

/**
 * How long the first Zstandard frame of some bytes is (RFC 8878, section 3.1.1): Node takes the bytes behind it for
 * another frame.
 */
function zstdFrameLength(bytes: Uint8Array): number {
  const descriptor = bytes[MAGIC_BYTES];
  const single = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3];
  const sizes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6];
  let at = MAGIC_BYTES + 1 + (single ? 0 : 1) + dictionary + sizes;
  for (let last = false; !last && at + BLOCK_HEADER <= bytes.length; ) {
    const header = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    last = (header & 1) !== 0;
    at += BLOCK_HEADER + (((header >> 1) & 3) === RUN_LENGTH ? 1 : header >> 3);
  }
  return at + ((descriptor & 4) !== 0 ? 4 : 0);
}
