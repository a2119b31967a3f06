import { InputError } from '../errors/input-error.ts';

/** Ways in which kernels come compressed. */
export type Compression = 'gzip' | 'xz' | 'zstd';

/**
 * Unpacks compressed bytes. `source` names them in messages.
 *
 * @throws InputError when they are damaged, cut short, or unpack to more than `maximumSize` bytes (1 GiB by default).
 */
export type Unpack = (
  bytes: Uint8Array,
  source: string,
  maximumSize?: number,
) => Promise<Uint8Array<ArrayBuffer>>;

/** A function for each of them; a surrounding may lack some. */
export type Unpackers = Readonly<Partial<Record<Compression, Unpack>>>;

/** More than any kernel or initrd holds: a small file that claims more is damaged or made to fill the memory. */
export const maximumUnpackedSize = 1024 * 1024 * 1024;

/** First bytes: RFC 1952 section 2.3.1 with the only known method, the .xz format 2.1.1.1, RFC 8878 section 3.1.1. */
const marks: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 8]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
];

/** How bytes are compressed, by their first ones; undefined when they are not, or in another way. */
export function compressionOf(bytes: Uint8Array): Compression | undefined {
  return marks.find(([, mark]) => mark.every((byte, index) => bytes[index] === byte))?.[0];
}

/** Bytes that are being unpacked, for {@link collect}'s messages, and their limit. */
export interface Unpacking {
  readonly bytes: Uint8Array;
  readonly source: string;
  readonly compression: Compression;
  readonly maximumSize: number;
}

/**
 * Joins the pieces of an unpacker, and stops it at the limit.
 *
 * @throws InputError when the unpacker fails or gives too much.
 */
export async function collect(
  chunks: AsyncIterable<Uint8Array>,
  { bytes, source, compression, maximumSize }: Unpacking,
): Promise<Uint8Array<ArrayBuffer>> {
  const kept: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of chunks) {
      kept.push(chunk);
      size += chunk.length;
      if (size > maximumSize) break;
    }
  } catch {
    throw new InputError(
      `${source} is ${compression} data that is damaged or cut short after ${bytes.length} bytes. ` +
        'Fetch or copy the file again.',
    );
  }
  if (size > maximumSize) {
    throw new InputError(
      `${source} unpacks to more than ${maximumSize} bytes, which no kernel or initrd does. Check the file.`,
    );
  }
  return join(kept, size);
}

/** Pieces as one, of `size` bytes together. */
function join(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}
