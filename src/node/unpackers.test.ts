import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type Compression, compressionOf, type Unpack } from '../boot/compression.ts';
import { InputError } from '../errors/input-error.ts';
import { unpackers } from './unpackers.ts';

const decoded = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const repeated = new TextEncoder().encode('AB'.repeat(1000));
/** The same bytes from Debian's `xz`, with the check that kernels are packed with. */
const xzWithCrc32 = decoded(
  '/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj4AfPABNdACCQq/wd//f/1IEKn3RzgdJvugAAAB2VaJ4AASvQDwAAACdOqH8+MA2LAgAAAAABWVo=',
);
/** And by the one that it uses by itself. */
const xzWithCrc64 = decoded(
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AfPABNdACCQq/wd//f/1IEKn3RzgdJvugAAAJRjRprUTCyBAAEv0A8AAAAxDDnkscRn+wIAAAAABFla',
);

const unpack = (name: Compression): Unpack => {
  const found = unpackers[name];
  if (found === undefined) throw new Error(`there is nothing for ${name}`);
  return found;
};

const samples: readonly (readonly [Compression, Uint8Array])[] = [
  ['gzip', gzipSync(repeated)],
  ['zstd', zstdCompressSync(repeated)],
  ['xz', xzWithCrc32],
  ['xz', xzWithCrc64],
];

describe.each(samples)('%s', (name, packed) => {
  test('is known by its first bytes, and unpacked', async () => {
    expect(compressionOf(packed)).toBe(name);
    expect(await unpack(name)(packed, 'k')).toEqual(repeated);
  });

  test('is refused when it is damaged or cut short', async () => {
    const damaged = packed.map((byte, index) => (index === packed.length >> 1 ? byte ^ 0xff : byte));
    const broken = [packed.subarray(0, packed.length >> 1), packed.subarray(0, -1), damaged];
    for (const bytes of broken) {
      const failure = unpack(name)(bytes, 'k');
      await expect(failure).rejects.toThrow(InputError);
      await expect(failure).rejects.toThrow(`k is ${name} data that is damaged or cut short`);
    }
  });

  test('is refused when it unpacks to more than it may', async () => {
    expect(await unpack(name)(packed, 'k', repeated.length)).toHaveLength(repeated.length);
    await expect(unpack(name)(packed, 'k', repeated.length - 1)).rejects.toThrow(
      `k unpacks to more than ${repeated.length - 1} bytes, which no kernel or initrd does. Check the file.`,
    );
  });
});

// Sixteen times what is allowed, in a file of a few kilobytes.
test.each<[Compression, (bytes: Uint8Array) => Uint8Array]>([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
])('a bomb of %s is stopped, not unpacked', async (name, pack) => {
  const bomb = pack(new Uint8Array(16 * 2 ** 20));
  await expect(unpack(name)(bomb, 'k', 2 ** 20)).rejects.toThrow(/^k unpacks to more than 1048576 bytes/);
});
