import { Asker, serveExchange } from '../exchange.ts';
import type { PartSource } from './http-storage.ts';
import { fetchPart, PATIENCE, type Patience, type RemoteFile } from './range-source.ts';

/** The only thing that is asked for: a part of the file. */
const FETCH = 0;

/** Parts that another thread fetches, by {@link serveParts}, while this one waits. */
export class ThreadSource implements PartSource {
  readonly #asker: Asker;

  constructor(exchange: SharedArrayBuffer) {
    this.#asker = new Asker(exchange);
  }

  fetch(offset: number, bytes: number): Uint8Array {
    return this.#asker.ask({ operation: FETCH, offset, bytes });
  }

  end(): void {
    this.#asker.end();
  }
}

/** Fetches parts for a {@link ThreadSource}: returns at its end. */
export function serveParts(
  exchange: SharedArrayBuffer,
  file: RemoteFile,
  patience: Patience = PATIENCE,
): Promise<void> {
  return serveExchange(exchange, async ({ offset, bytes }, memory) => {
    await fetchPart(file, offset, memory.subarray(0, bytes), patience);
    return bytes;
  });
}
