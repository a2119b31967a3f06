import { InputError } from '../errors/input-error.ts';

/** Turns a gzip stream into what it holds. `source` names the input in messages. */
export type Inflate = (bytes: Uint8Array, source: string) => Promise<Uint8Array<ArrayBuffer>>;

/** More than any kernel or initrd holds: a small file that claims more is damaged or made to fill the memory. */
const maximumInflatedSize = 1024 * 1024 * 1024;

/** Whether the bytes start as a gzip stream does (RFC 1952 section 2.3.1: magic and the only known method). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 3 && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/**
 * Inflates a gzip stream with the platform's `DecompressionStream`, which Node and browsers share.
 *
 * @param maximumSize - bytes that it may unpack to; 1 GiB by default.
 * @throws InputError when the stream is damaged, truncated, or unpacks to more.
 */
export async function inflateGzip(
  bytes: Uint8Array,
  source: string,
  maximumSize = maximumInflatedSize,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of pipe(bytes, new DecompressionStream('gzip'))) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maximumSize) break;
    }
  } catch {
    throw new InputError(
      `${source} is gzip data that is damaged or cut short after ${bytes.length} bytes. Fetch or copy the file again.`,
    );
  }
  if (size > maximumSize) {
    throw new InputError(
      `${source} unpacks to more than ${maximumSize} bytes, which no kernel or initrd does. Check the file.`,
    );
  }
  return join(chunks, size);
}

/** Packs bytes as a gzip stream. */
export async function deflateGzip(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of pipe(bytes, new CompressionStream('gzip'))) chunks.push(chunk);
  return join(
    chunks,
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
  );
}

interface ByteTransform {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<BufferSource>;
}

async function* pipe(bytes: Uint8Array, transform: ByteTransform): AsyncGenerator<Uint8Array> {
  const writer = transform.writable.getWriter();
  // The reader below sees the same failure; this copy of it must only not be reported as unhandled.
  const written = writer.write(new Uint8Array(bytes)).then(() => writer.close());
  written.catch(() => undefined);
  const reader = transform.readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}
