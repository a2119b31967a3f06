import { openSync, writeSync } from 'node:fs';
import { InputError } from '../../errors/input-error.ts';

/**
 * Opens a file for all frames.
 *
 * @throws InputError when it cannot be written
 */
export function openDump(path: string): number {
  try {
    return openSync(path, 'w', 0o600);
  } catch (error) {
    throw new InputError(
      `dump: ${path} cannot be written: ${(error as Error).message}. Name a file in a folder of your own.`,
    );
  }
}

/** Writes to an open file, until that fails. */
export function dumpWriter(descriptor: number, notice: (text: string) => void): (bytes: Uint8Array) => void {
  let failed = false;
  return (bytes) => {
    if (failed) return;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
    } catch (error) {
      failed = true;
      notice(`The dump of the network ends here: ${(error as Error).message}.`);
    }
  };
}
