import type { Writable } from 'node:stream';

/**
 * Writes to a stream whose reader may be slow.
 *
 * @returns a promise when the reader is behind: write no more until it is fulfilled, which it also is when the stream
 * is gone, and output is lost
 */
export function writeOutput(output: Writable, bytes: Uint8Array): Promise<void> | undefined {
  if (!output.writable || output.write(bytes)) return undefined;
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => {
    output.off('drain', done);
    output.off('close', done);
    resolve();
  };
  output.on('drain', done);
  output.on('close', done);
  return promise;
}
