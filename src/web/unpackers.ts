import { collect, maximumUnpackedSize, type Unpack, type Unpackers } from '../boot/compression.ts';
import { inflateGzip } from '../boot/gzip.ts';

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

/** The kinds of compression that pages can unpack: browsers have no zstd. */
export const unpackers: Unpackers = { gzip: inflateGzip, xz: unpackXz };
