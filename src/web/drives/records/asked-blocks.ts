import { Asker } from '../../../storage/exchange.ts';
import { BLOCK, type BlockStore } from './block-store.ts';

/** Questions to the thread that keeps a disk. The offset of `READ` and `PUT` is a block's number. */
export const ASK = { LENGTH: 0, READ: 1, PUT: 2, FLUSH: 3 } as const;

/** Blocks that another thread keeps, by `serveRecords`, while this one waits. */
export class AskedBlocks implements BlockStore {
  readonly #asker: Asker;

  constructor(exchange: SharedArrayBuffer) {
    this.#asker = new Asker(exchange);
  }

  length(): number {
    const { buffer, byteOffset } = this.#asker.ask({ operation: ASK.LENGTH, offset: 0, bytes: 8 });
    return new DataView(buffer, byteOffset).getFloat64(0);
  }

  read(index: number): Uint8Array {
    return this.#asker.ask({ operation: ASK.READ, offset: index, bytes: BLOCK });
  }

  put(index: number, bytes: Uint8Array): void {
    this.#asker.ask({ operation: ASK.PUT, offset: index, bytes: bytes.length }, bytes);
  }

  flush(): void {
    this.#asker.ask({ operation: ASK.FLUSH, offset: 0, bytes: 0 });
  }

  /** Ends the other side. */
  end(): void {
    this.#asker.end();
  }
}
