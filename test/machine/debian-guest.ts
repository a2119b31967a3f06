/** The guest that hartvisor brings, for tests that need one. */
import { hasCompiler } from '../../guests/compile.ts';
import { InputError } from '../../src/errors/input-error.ts';
import { type DebianGuest, debianGuest as fetchGuest } from '../../src/node/debian/debian-guest.ts';

/** Undefined, with a word why, where its packages cannot be fetched: no apt, no network. */
export function debianGuest(): Promise<DebianGuest | undefined> {
  return unlessSkipped(fetchGuest);
}

/**
 * Of its kernel, for a program of ours that is compiled here; undefined, with a word why, where one of them cannot be
 * had.
 */
export function kernelForOurProgram(): Promise<string | undefined> {
  return unlessSkipped(async () => {
    if (!hasCompiler()) throw new InputError('There is no riscv64-linux-gnu-gcc here.');
    return (await fetchGuest()).kernelPath;
  });
}

async function unlessSkipped<Result>(fetched: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await fetched();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.warn(`skipped: ${error.message}`);
    return undefined;
  }
}
