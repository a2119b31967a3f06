import { readSync, readvSync, writeSync, writevSync } from 'node:fs';
import { bytesOf, sliceParts } from '../../storage/storage.ts';

/** Parts that a system takes at a time at most: Linux' IOV_MAX. */
const MOST_PARTS = 1024;

/**
 * Fills all parts with the bytes of a file from an offset on.
 *
 * @throws Error where the file ends before
 */
export function readFully(descriptor: number, offset: number, into: readonly Uint8Array[]): void {
  transfer(offset, into, (parts, at) => {
    const count =
      parts.length === 1
        ? readSync(descriptor, parts[0], 0, parts[0].length, at)
        : readvSync(descriptor, parts, at);
    if (count === 0) throw new Error(`the file has become shorter than ${offset + bytesOf(into)} bytes`);
    return count;
  });
}

/** Writes all parts to a file from an offset on. */
export function writeFully(descriptor: number, offset: number, from: readonly Uint8Array[]): void {
  transfer(offset, from, (parts, at) =>
    parts.length === 1
      ? writeSync(descriptor, parts[0], 0, parts[0].length, at)
      : writevSync(descriptor, parts, at),
  );
}

/** @param once does some of the rest, and says how many bytes that were */
function transfer(
  offset: number,
  parts: readonly Uint8Array[],
  once: (parts: readonly Uint8Array[], at: number) => number,
): void {
  const bytes = bytesOf(parts);
  for (let done = 0; done < bytes; ) {
    const rest = done === 0 ? parts : sliceParts(parts, done, bytes - done);
    done += once(rest.length > MOST_PARTS ? rest.slice(0, MOST_PARTS) : rest, offset + done);
  }
}
