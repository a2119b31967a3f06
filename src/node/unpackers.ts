import { collect, maximumUnpackedSize, type Unpack, type Unpackers } from '../boot/compression.ts';
import { inflateGzip } from '../boot/gzip.ts';

/** Pieces as they come from zlib: fewer than by default, and still small beside a kernel. */
const chunkSize = 256 * 1024;

/* Loaded when they are needed: most kernels come as they are, or as gzip data. */

const unpackZstd: Unpack = async (bytes, source, maximumSize = maximumUnpackedSize) => {
  const { createZstdDecompress } = await import('node:zlib');
  const decoder = createZstdDecompress({ chunkSize });
  decoder.end(bytes);
  return collect(decoder, { bytes, source, compression: 'zstd', maximumSize });
};

const unpackXz: Unpack = async (bytes, source, maximumSize = maximumUnpackedSize) => {
  const { XzReadableStream } = (await import('xz-decompress')).default;
  const packed = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
  return collect(new XzReadableStream(packed), { bytes, source, compression: 'xz', maximumSize });
};

/** The kinds of compression that Node can unpack. */
export const unpackers: Required<Unpackers> = { gzip: inflateGzip, zstd: unpackZstd, xz: unpackXz };
