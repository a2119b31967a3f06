import { BLOCK } from './block-store.ts';

const DATABASE = 'hartvisor-disks';
/** Its stores: a record for each disk, and one for each block of one, by the disk's name and the block's number. */
const STORE = { DISKS: 'disks', BLOCKS: 'blocks' } as const;
const BOTH = [STORE.DISKS, STORE.BLOCKS];

/** Facts about a disk. */
export interface DiskRecord {
  readonly name: string;
  readonly bytes: number;
  /** When it was changed last, in milliseconds as `Date.now()` has them. */
  readonly changed: number;
}

/** A block of a disk, with its number. */
export type NumberedBlock = readonly [index: number, bytes: Uint8Array<ArrayBuffer>];

/** The disks in the page's IndexedDB. Every method is one transaction: all of it is done, or nothing. */
export class RecordStore {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** @throws DOMException where the browser keeps no records for this page */
  static async open(): Promise<RecordStore> {
    const request = indexedDB.open(DATABASE, 1);
    request.addEventListener('upgradeneeded', () => {
      request.result.createObjectStore(STORE.DISKS, { keyPath: 'name' });
      request.result.createObjectStore(STORE.BLOCKS);
    });
    return new RecordStore(await resultOf(request));
  }

  /** Whether this page has kept a disk in this way before; asking makes no database. */
  static async isMade(): Promise<boolean> {
    try {
      return (await indexedDB.databases()).some(({ name }) => name === DATABASE);
    } catch {
      // It is found out by opening it.
      return true;
    }
  }

  close(): void {
    this.#database.close();
  }

  disk(name: string): Promise<DiskRecord | undefined> {
    return resultOf(this.#read(STORE.DISKS).get(name));
  }

  disks(): Promise<readonly DiskRecord[]> {
    return resultOf(this.#read(STORE.DISKS).getAll());
  }

  /** @returns nothing for a block that was never written */
  block(name: string, index: number): Promise<Uint8Array | undefined> {
    return resultOf(this.#read(STORE.BLOCKS).get([name, index]));
  }

  /** The blocks that there are, from a number on, as many as lie before another one. */
  async blocks(name: string, first: number, end: number): Promise<readonly NumberedBlock[]> {
    const store = this.#read(STORE.BLOCKS);
    const range = IDBKeyRange.bound([name, first], [name, end], false, true);
    const [keys, blocks] = await Promise.all([
      resultOf(store.getAllKeys(range)),
      resultOf<Uint8Array<ArrayBuffer>[]>(store.getAll(range)),
    ]);
    return keys.map((key, index) => [(key as [string, number])[1], blocks[index]]);
  }

  /**
   * Writes blocks.
   *
   * @param bytes of the disk from now on; undefined for one that is not whole yet, and of which nothing is said
   * @param safe waits until it would outlast a failure of power
   */
  async change(
    name: string,
    bytes: number | undefined,
    blocks: Iterable<NumberedBlock>,
    safe: boolean,
  ): Promise<void> {
    const durability = safe ? 'strict' : 'relaxed';
    const transaction = this.#database.transaction(BOTH, 'readwrite', { durability });
    const store = transaction.objectStore(STORE.BLOCKS);
    for (const [index, block] of blocks) store.put(block, [name, index]);
    if (bytes !== undefined) {
      const record: DiskRecord = { name, bytes, changed: Date.now() };
      transaction.objectStore(STORE.DISKS).put(record);
    }
    await endOf(transaction);
  }

  /** Removes all of a disk, also of one that never became whole. */
  async remove(name: string): Promise<void> {
    const transaction = this.#database.transaction(BOTH, 'readwrite');
    transaction.objectStore(STORE.DISKS).delete(name);
    transaction.objectStore(STORE.BLOCKS).delete(IDBKeyRange.bound([name, 0], [name, Number.MAX_VALUE]));
    await endOf(transaction);
  }

  #read(store: string): IDBObjectStore {
    return this.#database.transaction(store).objectStore(store);
  }
}

/** Number of the first block behind so many bytes. */
export function blocksOf(bytes: number): number {
  return Math.ceil(bytes / BLOCK);
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error));
  });
}

function endOf(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('abort', () => reject(transaction.error));
  });
}
