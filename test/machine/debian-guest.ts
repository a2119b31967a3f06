/** The guest that hartvisor brings, for tests that need one. */
import { InputError } from '../../src/errors/input-error.ts';
import { type DebianGuest, debianGuest as fetchGuest } from '../../src/node/debian/debian-guest.ts';

/** Undefined, with a word why, where its packages cannot be fetched: no apt, no network. */
export async function debianGuest(): Promise<DebianGuest | undefined> {
  try {
    return await fetchGuest();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.warn(`skipped: ${error.message}`);
    return undefined;
  }
}
