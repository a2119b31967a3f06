import { promisify } from 'node:util';
import { constants, crc32, zstdCompress, zstdDecompress } from 'node:zlib';
import type { SnapshotCodec } from '../../machine/snapshot/codec.ts';
import { PagePlacer } from '../../machine/snapshot/page-placer.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
/** The fastest level that still makes much of it: saving shall take less than a second. */
const LEVEL = 1;
/**
 * Bytes of the shortest repetition that is looked for. Programs and tables of pointers have many that are shorter than
 * those that level 1 looks for: a guest's memory takes 6 % less with these, and packing it about a tenth more time.
 */
const SHORTEST = 4;
/** Room behind the expected bytes, so that the end comes in the same piece. */
const SLACK = 64;

/** @returns bytes that nobody else has */
async function unpack(packed: Uint8Array, size: number): Promise<Uint8Array<ArrayBuffer>> {
  return decompress(packed, { chunkSize: size + SLACK, maxOutputLength: size });
}

/**
 * Frees memory at once, for what is unpacked next. The collector would come three times for that of one machine.
 *
 * @param room that was asked for: few bytes lie in a buffer that Node has for many things
 */
function free({ buffer }: Uint8Array<ArrayBuffer>, room: number): void {
  if (buffer.byteLength === room) buffer.transfer(0);
}

/** Zstandard, on the threads that Node has for such things. */
export const zstdCodec: SnapshotCodec = {
  name: 'zstd',
  pack: (bytes) =>
    compress(bytes, {
      // In one piece: otherwise each has its own way to this thread and back.
      chunkSize: bytes.length + (bytes.length >> 7) + 1024,
      params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_minMatch]: SHORTEST },
    }),
  unpack,
  async unpackPages(packed, size, ram) {
    const bytes = await unpack(packed, size);
    if (bytes.length !== size) throw new Error('it has another length');
    const placer = new PagePlacer(ram);
    placer.take(bytes);
    free(bytes, size + SLACK);
    return placer.isWhole;
  },
  crc32: (bytes, before) => crc32(bytes, before),
};
