import { collect, maximumUnpackedSize, type Unpack } from './compression.ts';

/** Inflates a gzip stream with the platform's `DecompressionStream`, which Node and browsers share. */
export const inflateGzip: Unpack = (bytes, source, maximumSize = maximumUnpackedSize) =>
  collect(pipe(bytes, new DecompressionStream('gzip')), { bytes, source, compression: 'gzip', maximumSize });

interface ByteTransform {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView<ArrayBuffer>>;
}

async function* pipe(bytes: Uint8Array, transform: ByteTransform): AsyncGenerator<Uint8Array> {
  const writer = transform.writable.getWriter();
  // The reader below sees the same failure; this copy of it must only not be reported as unhandled.
  const written = writer.write(new Uint8Array(bytes)).then(() => writer.close());
  written.catch(() => undefined);
  const reader = transform.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // A reader that stops early wants no more to be unpacked.
    reader.cancel().catch(() => undefined);
  }
}
