import type { KeptState } from './descriptor.ts';

/** State that one part of a device keeps, in as many pieces as it likes. */
export function* keptOf(part: number, pieces: Iterable<Uint8Array> = []): Generator<KeptState> {
  for (const bytes of pieces) yield { part, bytes };
}
